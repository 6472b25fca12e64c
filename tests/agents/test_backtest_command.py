"""`cairn backtest`: two rulebooks on one log."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.backtest import run_backtest

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


def backtest(log: Path | str, new: Path, old: Path, **more: Any) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run_backtest(rules=new, against=old, log=str(log), out=out, err=err, **more)
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
    assert "iron-streak: with 7 days instead of 14 days, 1 more celebration, $0 more\n" in out
    assert "In all, 1 more celebration, $0 more." in out
    assert "1 of 2 clients differ" in out


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
    assert data["sentences"][0] == "sessions: with reaches 3, 5 instead of reaches 3, 1 more celebration, $4 less"


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
