"""The clock is a linear map, and after the end of a demonstration the machine's own pace."""

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


def test_after_its_end_a_demonstration_goes_at_the_machines_pace() -> None:
    clock = Clock(start_ms=1_000, origin_ms=0, speed=86_400, end_ms=3_000)
    assert clock.domain_ms(3_000) == 2 * 86_400_000
    assert clock.domain_ms(3_500) == 2 * 86_400_000 + 500
    assert clock.real_seconds(7) == 7


@given(st.integers(0, 2**41), st.integers(0, 10**7))
def test_domain_time_never_goes_back_at_the_end(end_ms: int, span_ms: int) -> None:
    clock = Clock(start_ms=0, origin_ms=0, speed=90_000, end_ms=end_ms)
    assert clock.domain_ms(end_ms) <= clock.domain_ms(end_ms + span_ms)
    assert clock.domain_ms(end_ms - span_ms) <= clock.domain_ms(end_ms)
