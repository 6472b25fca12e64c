"""Hypothesis on a machine that others use too: a test never fails by the wall clock."""

from hypothesis import HealthCheck, settings

settings.register_profile("shared_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared_machine")
