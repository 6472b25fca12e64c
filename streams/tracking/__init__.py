"""Tracking: from events to milestones, by the two functions `advance` and `tick`."""
