"""Channels: the ways on which a celebration reaches a person, one a file."""
