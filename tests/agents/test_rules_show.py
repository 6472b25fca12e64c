"""`cairn rules show` says what a rulebook means, in sentences that leave nothing out."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from agents.answer_sentences import answer, tier_answer
from agents.cli import load
from agents.rule_sentences import happens, ordinal, sentence
from agents.rules_show import run_rules_show
from agents.tenants import STARTER_RULEBOOK
from schemas.contracts.generate import contracts
from schemas.rulebook import Rulebook, load_rulebook

APP = load()

IRON = "  - {id: iron, tier: streak, when: {streak: habit.checked, per: habit_id, days: [14]}}\n"


def book(words: str, policy: str = "") -> Rulebook:
    return load_rulebook(f"rules:\n{IRON}  - {{id: a, {words}}}\n{policy}", "r")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("when: {count: session.completed, reaches: [1]}", "When a client completes their first session"),
        ("when: {count: session.completed, reaches: [2, 11, 23]}", "completes their 2nd, 11th or 23rd session"),
        ("when: {count: session.completed, per: kind, reaches: [5]}", "completes their 5th session of the same kind"),
        ("when: {count: session.completed, every: 10}", "a client completes another 10 sessions (10, 20, 30, ...)"),
        ("when: {count: purchase.completed, every: 1}", "Every time a client makes a purchase"),
        ("when: {count: program.completed, per: program_id, reaches: [1]}",
         "When a client completes a program (counted for each program_id)"),
        ("when: {count: yoga.done, reaches: [1000]}", "When yoga.done happens to a client for the 1,000th time"),
        ("when: {count: yoga.done, per: place, reaches: [1]}", "to a client for the first time for each place"),
        ("when: {count: yoga.done, every: 1}", "Every time yoga.done happens to a client"),
        ("when: {count: yoga.done, per: place, every: 5}",
         "Every time yoga.done has happened to a client another 5 times of the same place (5, 10, 15, ...)"),
        ("when: {streak: habit.checked, days: [7, 30]}, repeat: per-streak",
         "When a client checks any habit 7 or 30 days in a row, each time anew"),
        ("when: {streak: habit.checked, per: habit_id, days: [7]}, where: {habit_id: run}",
         "When a client checks the same habit 7 days in a row, once, only where habit_id is run"),
        ("when: {percent: course.progressed, per: course_id, reaches: [50]}", "has done 50 percent of a course"),
        ("when: {percent: book.read, of: done, per: book, reaches: [50, 75]}",
         "When done of book.read reaches 50 or 75 percent, counted for each book"),
        ("when: {percent: book.read, reaches: [50]}", "When percent of book.read reaches 50 percent"),
        ("when: {sum: purchase.completed, of: amount_cents, reaches: [50000]}, where: {currency: [USD, EUR]}",
         "When the amount of all purchase.completed of a client adds up to 500.00, only where currency is USD or EUR"),
        ("when: {sum: walk.done, of: steps, per: place, every: 10000}, where: {alone: true}",
         "walk.done of a client adds up to every further 10,000, counted for each place, only where alone"),
        ("when: {value: weight.logged, of: kilos, falls_to: [80, 77.5]}",
         "When the kilos of a client's weight.logged falls to 80 or 77.5"),
        ("when: {value: lift.logged, of: kilos, per: lift, reaches: [100]}",
         "When the kilos of a client's lift.logged rises to 100, looked at for each lift"),
        ("when: {date: birthday}", "On a client's birthday, at 09:00 of the client's time"),
        ("when: {date: joined_on, every: year, at: 07:30}",
         "Every year on the day of a client's joining, at 07:30 of the client's time"),
        ("when: {date: joined_on, days_after: [30, 90]}", "30 days after or 90 days after a client's joining"),
        ("when: {date: renewal_on, days_before: [0, 1]}", "On the day of or 1 day before a client's renewal, at 09:00"),
        ("when: {lapse: iron}",
         "When a client's run of at least 3 days for iron has ended and the 36 hours to mend it are over"),
        ("when: {count: a.b, reaches: [1]}, settle: 10m", "if it still holds 10 minutes later"),
        ("when: {count: a.b, reaches: [1]}, settle: 1d", "if it still holds 24 hours later"),
        ("when: {count: a.b, reaches: [1]}, settle: 1s", "if it still holds 1 second later"),
        ("when: {count: a.b, reaches: [1]}, effective_from: 2026-03-01", ", from 2026-03-01 on"),
        ("when: {count: a.b, reaches: [1]}, clients: {share: 0.125}", ", only for 12.5% of the clients"),
        ("when: {count: a.b, reaches: [1]}, clients: {tags: [vip, gold]}", ", only for clients tagged vip or gold"),
        ("when: {count: a.b, reaches: [1]}, clients: {ids: c1}", ", only for 1 client by its id"),
        ("when: {count: a.b, reaches: [1]}, clients: {ids: [c1, c2]}", ", only for 2 clients by their ids"),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(words: str, says: str) -> None:
    rulebook = book(f"tier: micro, {words}")
    assert says in sentence(rulebook.by_id["a"], rulebook)


def test_a_kind_without_words_is_an_error() -> None:
    with pytest.raises(NotImplementedError):
        happens(5)


def test_ranks_are_english() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 12, 21, 113, 1002)] == [
        "first", "2nd", "3rd", "4th", "12th", "21st", "113th", "1,002nd",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("tier: major", "an email with a certificate, a $25 gift after your approval and a question for a referral"),
        ("tier: major, gift_cents: 0", "an email with a certificate and a question for a referral"),
        ("tier: major, channels: [gift], gift_cents: 1250, approval: never", "a $12.50 gift"),
        ("tier: major, channels: [gift], approval: always", "a $25 gift, all of it after your approval"),
        ("tier: streak", "an email with a badge and a line in the app"),
        ("tier: streak, channels: [email, certificate]", "an email with a badge and a certificate"),
        ("tier: micro, channels: [certificate, coach_task, sms]", "a certificate, a task for you and a text message"),
        ("tier: micro, channels: [gift]", "nothing"),
        ("tier: major, channels: [gift], reward: {cents: [0, 1500]}, approval: never", "a $15 gift"),
        ("tier: streak, channels: [email], by_hand: true", "an email with a badge, by you and never by itself"),
    ],
)
def test_an_answer_names_what_a_client_gets_and_what_needs_approval(words: str, says: str) -> None:
    rulebook = book(f"{words}, when: {{count: a.b, reaches: [1]}}")
    assert answer(rulebook.by_id["a"], rulebook.policy) == says


def test_a_tier_names_its_limits() -> None:
    cap = "{per_day: 1, per_week: 2}"
    tier = f"{{channels: [email, sms], class: marketing, recap: true, cost_cents: 250, cap: {cap}, quiet: send, "
    tier += "follow_up: {channels: [sms]}}"
    rulebook = load_rulebook(f"rules: []\ntiers: {{program: {tier}}}\n", "r")
    assert tier_answer(rulebook.policy.tiers["program"], rulebook.policy) == (
        "an email and a text message; only with consent to marketing; with a look back at the way so far; costs $2.50; "
        "at most 1 per client and day; at most 2 per client and week; a text message after 4 hours, unless the message "
        "was opened; goes out in quiet hours too; no longer sent after 24 hours"
    )


def _shown(rules: Path, *, colours: bool = False) -> tuple[int, str, str]:
    out, err = (Console(file=io.StringIO(), width=80, force_terminal=colours) for _ in range(2))
    status = run_rules_show(rules, out=out, err=err)
    return status, *(console.file.getvalue() for console in (out, err))  # type: ignore[attr-defined] # StringIO


def test_the_starter_is_readable_in_80_columns_without_colours() -> None:
    status, out, err = _shown(STARTER_RULEBOOK)
    assert (status, err, "\x1b" in out) == (0, "", False)
    assert max(map(len, out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in out.splitlines())
    said = " ".join(out.split())
    assert (
        "When a client completes their 36th session: an email with a certificate, a $25 gift after your approval"
        in said
    )
    assert "Money: at most $40 per client and $1,000 in all, per calendar month." in said
    assert "Quiet hours: 21:00 to 08:00 of the client's own day." in said


def test_a_terminal_has_colours() -> None:
    assert "\x1b[" in _shown(STARTER_RULEBOOK, colours=True)[1]


def test_what_stands_beside_a_rule_is_said_too(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "mode: shadow\nhold_out: {share: 0.05}\nrules:\n"
        "  - {id: a, tier: major, when: {count: a.b, reaches: [1]}, "
        "template: special, moment: end, name: '[b] {threshold}'}\n"
        "  - {id: off, tier: micro, when: {count: a.c, reaches: [1]}, enabled: false}\n"
    )
    said = " ".join(_shown(tmp_path / "r.yaml")[1].split())
    for words in (
        "Shadow mode: everything is planned and shown, and nothing is sent.",
        "It is called “[b] N”.",
        "whichever rule of the moment end comes first",
        "In words of its own: special.",
        "Switched off off.",
        "Left uncelebrated to measure the effect: 5% of the clients.",
    ):
        assert words in said


def test_a_rulebook_that_does_not_hold_up_is_status_1_and_an_unreadable_one_2(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("rules: 5\n")
    status, out, err = _shown(tmp_path / "r.yaml")
    assert (status, out) == (1, "")
    assert "r.yaml:1:1: rules" in err
    assert _shown(tmp_path / "none.yaml")[0] == 2


def test_the_commands_show_and_print_the_schema() -> None:
    shown = CliRunner().invoke(APP, ["rules", "show", str(STARTER_RULEBOOK)])
    assert (shown.exit_code, "thirty-six  major" in shown.output) == (0, True)
    schema = CliRunner().invoke(APP, ["rules", "schema"])
    assert (schema.exit_code, schema.output) == (0, contracts()["rulebook.schema.json"])
    assert json.loads(schema.output)["title"] == "A rulebook"
