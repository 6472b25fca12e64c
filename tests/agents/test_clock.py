"""The clock is a linear map."""

from hypothesis import given
from hypothesis import strategies as st

from agents.clock import Clock


@given(st.integers(0, 2**41), st.integers(0, 10**7))
def test_without_settings_domain_time_is_real_time(real_ms: int, later_ms: int) -> None:
    assert Clock().domain_ms(real_ms + later_ms) - Clock().domain_ms(real_ms) == later_ms


def test_a_demonstration_plays_a_day_in_a_second() -> None:
    clock = Clock(start_ms=1_000, origin_ms=0, speed=86_400)
    assert clock.domain_ms(1_000) == 0
    assert clock.domain_ms(2_000) == 86_400_000
    assert clock.real_seconds(86_400) == 1
