"""Connecting a tool: its hooks' address, its subscription at the vendor, and the proof that both work."""
