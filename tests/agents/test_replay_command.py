"""`cairn replay`, as a person meets it."""

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.replay import run_replay

REPLAYS = Path(__file__).parents[1] / "replays"
STARTER = Path(__file__).parents[2] / "deploy" / "rulebooks" / "starter.yaml"
SHOWN = [
    "type", "tenant", "client", "rule", "tier", "threshold", "occurrence", "value", "reached_at", "milestone_id",
    "revision",
]  # fmt: skip


def _replay(events: Path | str, rules: Path = STARTER, **options: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = run_replay(rules=rules, events=str(events), out=out, err=err, **options)
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("log", sorted(REPLAYS.glob("*.events.jsonl")), ids=lambda path: path.name)
def test_recorded_logs_say_what_they_said(log: Path) -> None:
    name = log.name.removesuffix(".events.jsonl")
    clients, rules = REPLAYS / f"{name}.clients.jsonl", REPLAYS / f"{name}.rules.yaml"
    status, out, err = _replay(
        log, rules if rules.exists() else STARTER, clients=clients if clients.exists() else None,
        until=datetime(2026, 7, 1, tzinfo=UTC),
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert out == (REPLAYS / f"{name}.milestones.jsonl").read_text(encoding="utf-8")


def test_a_line_shows_these_fields_and_no_other() -> None:
    _, out, _ = _replay(REPLAYS / "practice.events.jsonl")
    assert {tuple(json.loads(line)) for line in out.splitlines()} == {tuple(SHOWN)}


def test_refused_lines_are_told_with_number_and_reason_and_the_others_are_folded(tmp_path: Path) -> None:
    good = (REPLAYS / "practice.events.jsonl").read_bytes().splitlines()
    first = next(line for line in good if b"session.completed" in line)
    (tmp_path / "log.jsonl").write_bytes(b"nonsense\n\n" + first + b"\n{}\n")
    (tmp_path / "clients.jsonl").write_text('{"tenant":"t1","client":"c1","timezone":"Mars"}\n\n{"client":"c1"}\n5\n')
    status, out, err = _replay(tmp_path / "log.jsonl", clients=tmp_path / "clients.jsonl")
    assert (status, len(out.splitlines())) == (2, 1)
    clients = tmp_path / "clients.jsonl"
    assert [line.rpartition(": ")[0].partition(": ")[0] for line in err.splitlines()] == [
        f"{clients}:1", f"{clients}:3", f"{clients}:4", "line 1", "line 4",
    ]  # fmt: skip
    assert "missing_subject" in err


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    log = (REPLAYS / "practice.events.jsonl").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log)))
    assert _replay("-") == _replay(REPLAYS / "practice.events.jsonl")


def test_a_file_that_cannot_be_used_is_status_1(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("rules: 5\n")
    assert _replay(tmp_path / "none.jsonl")[0] == 1
    status, out, err = _replay(REPLAYS / "practice.events.jsonl", tmp_path / "bad.yaml")
    assert (status, out) == (1, "")
    assert "bad.yaml:1:1: rules" in err
