"""`cairn rules check`, as a person meets it: errors, warnings, and a log that the rulebook is tried on."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from agents.cli import load
from agents.confetti import GUARD_PER_MONTH, confetti_of
from agents.rules_check import run_rules_check
from agents.tenants import STARTER_RULEBOOK
from tests.sample_milestones import milestone

APP = load()

REPLAYS = Path(__file__).parents[1] / "replays"
EVERY = """\
rules:
  - {id: first, tier: micro, when: {count: session.completed, reaches: [1]}}
  - {id: every, tier: micro, when: {count: session.completed, every: 1}}
"""


def _check(rules: Path, **options: Path) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return run_rules_check(rules, out=out, err=err, **options), out.getvalue(), err.getvalue()


def _written(folder: Path, text: str) -> Path:
    (folder / "r.yaml").write_text(text)
    return folder / "r.yaml"


def _session(number: int, client: str = "c1") -> str:
    return json.dumps({
        "specversion": "1.0", "id": f"{client}-{number}", "source": "s", "type": "session.completed", "subject": client,
        "tenantid": "t1", "time": f"2026-05-{number:02}T08:00:00Z", "data": {"session_id": f"{client}-{number}"},
    })  # fmt: skip


def test_what_holds_up_is_said() -> None:
    status, out, err = _check(STARTER_RULEBOOK)
    assert (status, err) == (0, "")
    assert out.startswith(f"{STARTER_RULEBOOK}: valid, ")
    assert "version 1, digest " in out


def test_a_variant_whose_words_nobody_wrote_is_refused_and_one_beside_the_rulebook_is_found(tmp_path: Path) -> None:
    variants = "{plain: {}, short: {template: streek}}"
    rules = _written(tmp_path, f"rules: []\nexperiments: [{{id: words, tiers: [streak], variants: {variants}}}]\n")
    status, _, err = _check(rules)
    assert status == 1
    assert "2:74: experiments[0].variants.short.template: no template has this name: streek" in err
    assert "did you mean streak?" in err
    (tmp_path / "templates" / "en").mkdir(parents=True)
    (tmp_path / "templates" / "en" / "streek.email.txt").write_text("Subject: x")
    assert _check(rules)[0] == 0


def test_every_error_is_told_with_its_line(tmp_path: Path) -> None:
    rules = _written(tmp_path, "rules:\n  - {id: a, tier: micro}\n  - {id: b, teir: micro}\n")
    status, out, err = _check(rules)
    assert (status, out) == (1, "")
    assert [line.split(":")[1] for line in err.splitlines()] == ["2", "3", "3", "3"]


def test_a_warning_is_told_at_its_place_and_changes_no_status(tmp_path: Path) -> None:
    text = "rules:\n  - {id: a, tier: micro, when: {count: a.b, every: 2}, clients: {share: 0}}\n"
    rules = _written(tmp_path, text)
    status, out, err = _check(rules)
    assert (status, err) == (0, "")
    warning, valid = out.splitlines()
    assert warning == f"{rules}:2:66: warning: a is for no client, so nobody hears of it"
    assert valid.startswith(f"{rules}: valid, 1 of 1 rules enabled")


def test_a_file_that_cannot_be_read_is_status_2(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff")
    assert _check(tmp_path / "r.yaml")[0] == 2
    for options in ({}, {"against": tmp_path / "none.jsonl"}):
        status, out, err = _check(STARTER_RULEBOOK if options else tmp_path / "none.yaml", **options)
        assert (status, out) == (2, "")
        assert "none." in err
        assert err.endswith(": cannot be read: No such file or directory\n")


def test_a_log_shows_who_would_be_celebrated_too_often(tmp_path: Path) -> None:
    rules, log = _written(tmp_path, EVERY), tmp_path / "log.jsonl"
    often = [_session(number) for number in range(1, 6)]
    twice = [_session(number, client="c2") for number in (1, 2)]
    log.write_text("\n".join([*often, *twice]))
    status, out, err = _check(rules, against=log)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == (
        f"{rules}:3:5: warning: every brings 1 client above 3 celebrations in a month; "
        "the most are 6 for t1/c1 in 2026-05, 5 of them by this rule"
    )
    assert "valid" in out.splitlines()[1]


def test_lines_that_cannot_be_folded_are_told_and_are_status_2(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(f"nonsense\n{_session(1)}\n")
    (tmp_path / "clients.jsonl").write_text("5\n")
    status, out, err = _check(
        _written(tmp_path, EVERY), against=tmp_path / "log.jsonl", clients=tmp_path / "clients.jsonl"
    )
    assert (status, len(out.splitlines())) == (2, 1)
    assert [line.split(": ")[0].rsplit("/", 1)[1] for line in err.splitlines()] == ["clients.jsonl:1", "log.jsonl:1"]


def test_the_recorded_practice_is_celebrated_within_measure() -> None:
    status, out, err = _check(
        STARTER_RULEBOOK, against=REPLAYS / "practice.events.jsonl", clients=REPLAYS / "practice.clients.jsonl"
    )
    assert (status, err, len(out.splitlines())) == (0, "", 1)


def test_the_command_hands_on_its_options_and_status(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(_session(number) for number in range(1, 6)))
    shown = CliRunner().invoke(APP, ["rules", "check", str(_written(tmp_path, EVERY)), "--against", str(log)])
    assert (shown.exit_code, "warning: every brings 1 client" in shown.output) == (0, True)
    assert CliRunner().invoke(APP, ["rules", "check", str(_written(tmp_path, "rules: 5\n"))]).exit_code == 1


def test_profiles_without_a_log_are_a_wrong_question(tmp_path: Path) -> None:
    arguments = ["rules", "check", str(STARTER_RULEBOOK), "--clients", str(tmp_path / "clients.jsonl")]
    assert CliRunner().invoke(APP, arguments).exit_code == 2


def _reached(rule: str, day: int, **changes: object) -> Any:
    at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=day)
    return milestone(rule, "count", "micro", 1, reached_at=at, **changes)


def test_months_within_the_guard_are_no_confetti() -> None:
    spread = [_reached("a", 31 * month) for month in range(12) for _ in range(GUARD_PER_MONTH)]
    assert confetti_of(spread) == ()


def test_what_is_celebrated_once_is_counted_once() -> None:
    again = [_reached("a", day, revision=2) for day in range(9)]
    withdrawn = [_reached("a", day, type="milestone.retracted") for day in range(9)]
    same_moment = [_reached(rule, 1, moment="graduation", facts={"program_id": "p"}) for rule in "abcdef"]
    assert confetti_of([*again, *withdrawn, *same_moment]) == ()


def test_every_rule_that_is_first_among_the_causes_is_named() -> None:
    found = confetti_of([
        *(_reached(rule, day, client="one") for rule in "ab" for day in range(2)),
        *(_reached(rule, day, client="two") for rule in "ab" for day in range(3)),
        _reached("c", 1, client="two"),
    ])  # fmt: skip
    assert [(confetti.rule, confetti.clients) for confetti in found] == [("a", 2), ("b", 2)]
    assert "brings 2 clients above 3" in str(found[0])
    assert (found[0].worst.celebrations, found[0].worst.by_rule) == (7, 3)
