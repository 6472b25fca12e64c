"""Providers: what a vendor's webhooks look like, one vendor a file."""
