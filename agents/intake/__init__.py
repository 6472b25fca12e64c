"""Intake: every source becomes one event form."""
