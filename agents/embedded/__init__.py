"""The embedded default: a real broker, database and mail sink, started as children from Python wheels alone.

For a laptop, a demo and the tests; production points the same settings at servers of its own.
Nothing here may be imported by the three services: they only ever see an address.
"""
