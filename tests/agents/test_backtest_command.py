"""`cairn backtest`: two rulebooks on one log."""

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.backtest import Trial, run_backtest
from agents.rule_changes import rule_changes
from schemas.rulebook import Rulebook, load_rulebook

REPLAYS = Path(__file__).parents[1] / "replays"
STARTER = Path(__file__).parents[2] / "deploy" / "rulebooks" / "starter.yaml"
HEAD = "tiers: {major: {channels: [email, gift], gift_cents: 2500, cost_cents: 100}}\nrules:\n"
STREAK = "  - {id: iron-streak, tier: streak, when: {streak: habit.checked, per: habit_id, days: [%d]}}\n"
SESSIONS = "  - {id: sessions, tier: major, when: {count: session.completed, reaches: [%s]}%s}\n"


def rulebook(folder: Path, name: str, *rules: str) -> Path:
    path = folder / name
    path.write_text(HEAD + "".join(rules))
    return path


def event(number: int, kind: str, client: str = "ana", **data: object) -> str:
    day = f"2026-05-{number:02}"
    wire = {
        "id": f"{client}-{kind}-{number}", "source": "app", "type": kind, "subject": client, "tenantid": "t",
        "time": f"{day}T07:00:00Z", "data": data,
    }  # fmt: skip
    return json.dumps(wire) + "\n"


def backtest(log: Path | str, new: Path, old: Path, *, as_json: bool = False, **more: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    trial = Trial(rules=new, against=old, log=str(log), **more)
    status = run_backtest(trial, as_json=as_json, out=out, err=err)
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Ana checks for 20 days, Ben for 9."""
    log = tmp_path / "log.jsonl"
    lines = [event(day, "habit.checked", "ana", habit_id="run") for day in range(1, 21)]
    lines += [event(day, "habit.checked", "ben", habit_id="run") for day in range(1, 10)]
    log.write_text("".join(lines))
    return log


def test_a_coach_reads_the_difference_in_a_sentence(tmp_path: Path, checks: Path) -> None:
    new, old = (rulebook(tmp_path, f"{days}.yaml", STREAK % days) for days in (7, 14))
    status, out, err = backtest(checks, new, old)
    assert (status, err) == (0, "")
    assert "iron-streak: with 7 days instead of 14, 1 more celebration, $0 more\n" in out
    assert "In all, 1 more celebration, $0 more." in out
    assert "1 of 2 clients differ" in out


def test_a_shorter_streak_is_weighed_for_all_clients(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    lengths = [14] * 20 + [20] * 17 + [13] * 5 + [21] * 3
    clients = [(f"c{number}", length) for number, length in enumerate(lengths)]
    lines = [event(day, "habit.checked", c, habit_id="run") for c, length in clients for day in range(1, length + 1)]
    log.write_text("".join(lines))
    new, old = (rulebook(tmp_path, f"{days}.yaml", STREAK % days) for days in (14, 21))
    _, out, _ = backtest(log, new, old)
    assert "iron-streak: with 14 days instead of 21, 37 more celebrations, $0 more\n" in out


def test_nudges_are_no_celebrations_and_fire_until_the_end(tmp_path: Path, checks: Path) -> None:
    lapse = "  - {id: broken, tier: nudge, when: {lapse: iron-streak, min_days: %d}}\n"
    new, old = (rulebook(tmp_path, f"{days}.yaml", STREAK % 14, lapse % days) for days in (7, 10))
    data = json.loads(backtest(checks, new, old, as_json=True)[1])
    assert (data["nudges"]["in_all"]["old"], data["nudges"]["in_all"]["new"]) == (0, 1)  # ana's is not due yet
    assert data["sentences"] == [
        "broken: with runs of at least 7 days instead of 10, 1 more nudge, $0 more",
        "In all, 0 more celebrations, $0 more.",
        "Beside these, 1 more nudge, $0 more.",
    ]
    until = datetime(2026, 6, 1, tzinfo=UTC)
    _, out, _ = backtest(checks, new, old, until=until)
    assert "broken: with runs of at least 7 days instead of 10, 1 more nudge, $0 more\n" in out
    assert "In all, 0 more celebrations, $0 more.\nBeside these, 1 more nudge, $0 more.\n" in out
    assert "Nudges, which celebrate nothing" in out
    assert "Note: broken is changed: runs that are broken by the change" in out
    data = json.loads(backtest(checks, new, old, as_json=True, until=until)[1])
    assert [row["rule"] for row in data["rules"]] == ["iron-streak"]
    assert [row["tier"] for row in data["tiers"]] == ["streak"]
    assert {row["client"] for row in data["clients"]} == {"ana"}
    assert [(row["client"], row["old"], row["new"]) for row in data["nudges"]["clients"]] == [
        ("ana", 1, 1), ("ben", 0, 1),
    ]  # fmt: skip


def test_a_rule_that_becomes_a_nudge_counts_on_both_sides(tmp_path: Path, checks: Path) -> None:
    new = rulebook(tmp_path, "new.yaml", (STREAK % 14).replace("tier: streak", "tier: nudge"))
    _, out, _ = backtest(checks, new, rulebook(tmp_path, "old.yaml", STREAK % 14))
    assert "iron-streak: with another tier, 1 fewer celebration, $0 more and 1 more nudge, $0 more\n" in out


def test_lines_after_the_end_are_not_folded(tmp_path: Path, checks: Path) -> None:
    new, old = (rulebook(tmp_path, f"{days}.yaml", STREAK % days) for days in (7, 14))
    data = json.loads(backtest(checks, new, old, as_json=True, until=datetime(2026, 5, 10, tzinfo=UTC))[1])
    assert (data["in_all"]["old"], data["in_all"]["new"]) == (0, 1)


def changed(old: str, new: str) -> str:
    """How a change of a rule's `when` reads."""

    def loaded(when: str) -> Rulebook:
        streak = "{id: s, tier: streak, when: {streak: habit.checked, days: [3]}}"
        return load_rulebook(f"rules: [{{id: r, tier: program, when: {{{when}}}}}, {streak}]", "r.yaml")

    (change,) = rule_changes(loaded(old), loaded(new))
    return change.change


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("count: session.completed, every: 10", "count: session.completed, every: 5",
         "every 5 sessions instead of every 10"),
        ("count: water.drunk, reaches: [1]", "count: water.drunk, reaches: [5]", "5 times instead of 1 time"),
        ("count: lesson.completed, reaches: [3]", "count: session.completed, reaches: [3]",
         "3 sessions instead of 3 lessons (and another event)"),
        ("percent: course.progressed, per: course_id, reaches: [50]",
         "percent: course.progressed, per: course_id, reaches: [25, 75]", "25 and 75 percent instead of 50"),
        ("sum: purchase.completed, of: amount_cents, reaches: [100000]",
         "sum: purchase.completed, of: amount_cents, reaches: [50000]", "500.00 of amount in all instead of 1,000.00"),
        ("sum: purchase.completed, of: amount_cents, every: 50000",
         "sum: purchase.completed, of: amount_cents, every: 25000",
         "every 250.00 of amount in all instead of every 500.00"),
        ("value: weight.logged, of: kilos, falls_to: [80]", "value: weight.logged, of: kilos, falls_to: [85, 77.5]",
         "a fall to 85 and 77.5 kilos instead of 80"),
        ("value: run.logged, of: km, reaches: [10]", "value: run.logged, of: km, falls_to: [10]",
         "a fall to 10 km instead of a rise to 10 km"),
        ("date: renewal_on, days_before: 30", "date: renewal_on, days_before: 14",
         "14 days before renewal instead of 30"),
        ("date: joined_on, every: year", "date: joined_on, days_after: [30, 90]",
         "30 and 90 days after joining instead of every year on the day of joining"),
        ("date: birthday", "date: birthday, at: '10:00'", "10:00 instead of 09:00"),
        ("date: birthday", "date: joined_on, days_after: 1",
         "1 day after joining instead of every birthday (and another date)"),
        ("lapse: s, min_days: 7", "lapse: s, min_days: 3", "runs of at least 3 days instead of 7"),
        ("streak: habit.checked, days: [3]", "streak: habit.checked, days: [3], per: habit_id", "another per"),
        ("streak: habit.checked, days: [3]", "count: session.completed, reaches: [36]",
         "36 sessions instead of 3 days (and another event)"),
    ],
)  # fmt: skip
def test_the_numbers_of_every_kind_of_rule_are_words(old: str, new: str, words: str) -> None:
    assert changed(old, new) == f"with {words}"


def test_another_name_is_told_where_nothing_else_differs(tmp_path: Path, checks: Path) -> None:
    old, named = rulebook(tmp_path, "old.yaml", STREAK % 14), (STREAK % 14).replace("tier:", "name: Iron, tier:")
    both = named.replace("14", "7")
    assert "iron-streak: with another name, 0" in backtest(checks, rulebook(tmp_path, "a.yaml", named), old)[1]
    assert "iron-streak: with 7 days instead of 14, 1" in backtest(checks, rulebook(tmp_path, "b.yaml", both), old)[1]


def test_a_new_date_or_lapse_is_noted_in_words_of_its_own(tmp_path: Path, checks: Path) -> None:
    more = "  - {id: birthday, tier: micro, when: {date: birthday}}\n"
    more += "  - {id: broken, tier: nudge, when: {lapse: iron-streak}}\n"
    old, new = rulebook(tmp_path, "old.yaml", STREAK % 14), rulebook(tmp_path, "new.yaml", STREAK % 14, more)
    _, out, _ = backtest(checks, new, old)
    assert "Note: birthday is new: dates that lie behind" in out
    assert "Note: broken is new: runs that were broken before" in out


def test_the_same_rulebook_differs_in_nothing(tmp_path: Path, checks: Path) -> None:
    old = rulebook(tmp_path, "r.yaml", STREAK % 14)
    data = json.loads(backtest(checks, old, old, as_json=True)[1])
    assert (data["changes"], data["in_all"]["old"], data["in_all"]["difference"]) == ([], 1, 0)
    assert data["sentences"] == ["In all, 0 more celebrations, $0 more."]


def test_programs_get_figures_by_rule_tier_and_client_with_their_cost(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(event(day, "session.completed", session_id=f"s{day}") for day in range(1, 6)))
    old = rulebook(tmp_path, "old.yaml", SESSIONS % ("3", ""))
    new = rulebook(tmp_path, "new.yaml", SESSIONS % ("3, 5", ", gift_cents: 1000"))
    status, out, _ = backtest(log, new, old, as_json=True)
    data = json.loads(out)
    figures = {
        "old": 1, "new": 2, "difference": 1, "old_cents": 2600, "new_cents": 2200, "difference_cents": -400,
    }  # fmt: skip
    assert (status, data["lines"], data["in_all"]) == (0, 5, figures)
    assert data["rules"] == [{"rule": "sessions", "tier": "major", **figures}]
    assert data["tiers"] == [{"tier": "major", **figures}]
    assert data["clients"] == [{"tenant": "t", "client": "ana", "rule": "sessions", "tier": "major", **figures}]
    assert data["sentences"][0] == (
        "sessions: with 3 and 5 sessions instead of 3 (and another gift cents), 1 more celebration, $4 less"
    )


def test_what_is_withdrawn_counts_for_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(event(1, "session.completed", session_id="s") + event(2, "session.canceled", session_id="s"))
    old, new = rulebook(tmp_path, "old.yaml", STREAK % 3), rulebook(tmp_path, "new.yaml", SESSIONS % ("1", ""))
    data = json.loads(backtest(log, new, old, as_json=True)[1])
    assert (data["in_all"]["new"], data["clients"]) == (0, [])


def test_a_rule_that_is_new_or_widened_is_noted_and_one_that_is_gone_is_told(tmp_path: Path, checks: Path) -> None:
    old = rulebook(tmp_path, "old.yaml", STREAK % 14, SESSIONS % ("3", ""))
    new = rulebook(tmp_path, "new.yaml", STREAK % 7, (SESSIONS % ("3", "")).replace("sessions", "first"))
    _, out, _ = backtest(checks, new, old)
    assert "Note: first is new: thresholds that clients have passed before" in out
    assert "Note: iron-streak is changed: clients who have already passed" in out
    assert "sessions: taken out, 0 more celebrations" in out


def test_another_answer_alone_needs_no_note(tmp_path: Path, checks: Path) -> None:
    old, new = (rulebook(tmp_path, f"{n}.yaml", SESSIONS % ("3", f", gift_cents: {n}")) for n in (1, 2))
    _, out, _ = backtest(checks, new, old)
    assert "sessions: with another gift cents, 0 more celebrations" in out
    assert "Note" not in out


def test_refused_lines_are_told_once_and_the_others_are_folded(tmp_path: Path, checks: Path) -> None:
    checks.write_text("nonsense\n" + checks.read_text())
    new, old = (rulebook(tmp_path, f"{days}.yaml", STREAK % days) for days in (7, 14))
    status, out, err = backtest(checks, new, old, as_json=True)
    assert (status, json.loads(out)["refused"], json.loads(out)["in_all"]["new"]) == (2, 1, 2)
    assert err.count("line 1: not_json") == 1


def test_a_dash_reads_standard_input(tmp_path: Path, checks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = (rulebook(tmp_path, f"{days}.yaml", STREAK % days) for days in (7, 14))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(checks.read_bytes())))
    assert backtest("-", new, old) == backtest(checks, new, old)


def test_profiles_decide_as_in_a_replay() -> None:
    log, clients = REPLAYS / "practice.events.jsonl", REPLAYS / "practice.clients.jsonl"
    replayed = map(json.loads, (REPLAYS / "practice.milestones.jsonl").read_text().splitlines())
    kinds = [m["type"] for m in replayed if m["rule"] == "iron-streak"]
    (streaks,) = (
        row["new"]
        for row in json.loads(backtest(log, STARTER, STARTER, clients=clients, as_json=True)[1])["rules"]
        if row["rule"] == "iron-streak"
    )
    assert streaks == kinds.count("milestone.reached") - kinds.count("milestone.retracted") > 0


def test_what_cannot_be_used_is_status_2(tmp_path: Path, checks: Path) -> None:
    good, bad = rulebook(tmp_path, "r.yaml", STREAK % 14), tmp_path / "bad.yaml"
    bad.write_text("rules: 5\n")
    assert backtest(checks, bad, good)[0] == 2
    assert "bad.yaml:1:1: rules" in backtest(checks, good, bad)[2]
    assert backtest(tmp_path / "none.jsonl", good, good)[0] == 2
