"""What is written about a run, and what is read of it again."""

import json
from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.outcome import Outcome, joined, read
from tests.chaos.progress import Course, Progress, resumed
from tests.chaos.reliability import page
from tests.chaos.rows import ROWS
from tests.chaos.verdict import BREACHES, Verdict

_COURSE = Course(seed=5, events_per_second=3_000, long=False)
_GOOD = Outcome(
    row="tracker-kill",
    verdict=Verdict(events=1_000, expected=10, found=10, states=5, unknown=2, injected_unknown=2),
    faults=3,
    backs=(11.0, 12.5, 14.9),
    seconds=60,
    events_per_second=3_001,
)
_BAD = Outcome(
    row="tracker-kill",
    part=2,
    verdict=Verdict(events=10, missing=1, examples=("missing: x",)),
    late=1,
    faults=1,
    backs=(16.0,),
)
_UNMEASURED = Outcome(row="rewind", complaints=("not measured: TimeoutError",))


def test_an_outcome_survives_its_json() -> None:
    for each in (_GOOD, _BAD, _UNMEASURED):
        assert read(json.loads(json.dumps(each.as_json()))) == each


@pytest.mark.parametrize("name", BREACHES)
def test_any_breach_spoils_an_outcome(name: str) -> None:
    assert _GOOD.is_good
    assert not Outcome(row="x", verdict=Verdict(**{name: 1})).is_good


def test_a_late_return_a_complaint_and_a_missing_verdict_spoil_an_outcome() -> None:
    assert not Outcome(row="x", verdict=Verdict(), late=1).is_good
    assert not Outcome(row="x", verdict=Verdict(), complaints=("SIGTERM took 26.0 s",)).is_good
    assert not Outcome(row="x").is_good


def test_the_parts_of_a_row_are_added_up_and_one_bad_part_spoils_it() -> None:
    (both,) = joined([_GOOD, _BAD])
    assert (both.faults, both.late, both.backs) == (4, 1, (11.0, 12.5, 14.9, 16.0))
    assert both.verdict is not None
    assert (both.verdict.events, both.verdict.missing) == (1_010, 1)
    assert both.objections == "1 missing; 1 back late"


def test_a_run_goes_on_with_what_was_not_measured_and_only_on_its_own_course(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    progress = Progress(path=path, course=_COURSE)
    for each in (_GOOD, _BAD, _UNMEASURED):
        progress.add(each)
    assert resumed(path, _COURSE).outcomes == {"tracker-kill/1": _GOOD, "tracker-kill/2": _BAD}
    with pytest.raises(ValueError, match="holds another run"):
        resumed(path, Course(seed=6, events_per_second=3_000, long=False))


def test_the_page_says_what_was_missed_and_how_a_row_is_repeated(tmp_path: Path) -> None:
    path = tmp_path / "chaos.json"
    peer = Outcome(row="faust", verdict=Verdict(events=9, missing=7, wrong_states=3), faults=6)
    report.write(_COURSE, [_GOOD, _BAD, _UNMEASURED], peer, path)
    text = page(json.loads(path.read_text()))
    assert "**no**: 1 missing; 1 back late" in text
    assert "**no**: not measured: TimeoutError" in text
    assert "| Faust, at_least_once | 6 |" in text
    assert "--row tracker-kill --seed 5" in text
    assert "rows that kept every promise | 0 of 2" in text


def test_every_row_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) > 30
    assert all(row.injects and row.cycles for row in ROWS)
