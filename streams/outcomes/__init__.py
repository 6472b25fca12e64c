"""Outcomes: what came of celebrations, and how much of it can be said; pure."""
