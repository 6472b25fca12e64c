from datetime import UTC, datetime, timedelta

import pytest

from agents.settings import Settings
from demo.tempo import Tempo

TEMPO = Tempo(
    first_at=datetime(2026, 2, 2, tzinfo=UTC),
    until=datetime(2026, 5, 3, tzinfo=UTC),
    start_at=datetime(2027, 1, 1, tzinfo=UTC),
    real_seconds=75.0,
)


def test_ninety_days_pass_in_the_given_seconds() -> None:
    assert TEMPO.real_at(TEMPO.until) == TEMPO.end_at == TEMPO.start_at + timedelta(seconds=75)
    assert TEMPO.calendar_at(TEMPO.end_at) == TEMPO.until


def test_after_the_play_a_second_is_a_second() -> None:
    assert TEMPO.calendar_at(TEMPO.end_at + timedelta(seconds=9)) == TEMPO.until + timedelta(seconds=9)


def test_the_processes_keep_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TEMPO.environment().items():
        monkeypatch.setenv(name, value)
    clock = Settings().clock
    for second in (-5, 0, 40, 75, 90):
        real_at = TEMPO.start_at + timedelta(seconds=second)
        theirs = clock.domain_ms(round(real_at.timestamp() * 1000))
        assert abs(theirs - TEMPO.calendar_at(real_at).timestamp() * 1000) < 2
