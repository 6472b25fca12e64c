"""Decisions: pure functions of values, without clock, randomness, logging or I/O."""
