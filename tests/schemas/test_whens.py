"""Every kind of `when` says what it may and refuses what it cannot mean."""

from datetime import date, timedelta
from typing import Any

import pytest

from schemas.rulebook import RulebookErrors, load_rulebook
from schemas.rules import DateWhen, Rule

IRON = "  - {id: iron, tier: streak, when: {streak: habit.checked, days: [14]}}\n"


def rule_of(words: str) -> Rule:
    return load_rulebook(f"rules:\n{IRON}  - {{id: a, tier: micro, {words}}}\n", "r").by_id["a"]


def when_of(when: str) -> Any:
    return rule_of(f"when: {when}").when


def told_of(words: str) -> str:
    with pytest.raises(RulebookErrors) as errors:
        rule_of(words)
    (told,) = str(errors.value).splitlines()
    return told


@pytest.mark.parametrize(
    ("when", "kind", "event_type", "said"),
    [
        ("{sum: purchase.completed, of: amount_cents, reaches: [50000, 1000000000000]}", "sum", "purchase.completed",
         {"of": "amount_cents", "per": None, "reaches": (50_000, 10**12), "every": None}),
        ("{sum: steps.walked, of: steps, per: place, every: 1000000}", "sum", "steps.walked",
         {"of": "steps", "per": "place", "reaches": None, "every": 1_000_000}),
        ("{value: weight.logged, of: kilos, falls_to: [80, 77.5, -1]}", "value", "weight.logged",
         {"of": "kilos", "reaches": None, "falls_to": (80, 77.5, -1)}),
        ("{value: course.progressed, of: percent, per: course_id, reaches: [10, 20.0]}", "value", "course.progressed",
         {"per": "course_id", "reaches": (10, 20), "falls_to": None}),
        ("{date: birthday}", "date", "", {"per": None, "at": "09:00", "every": None, "days_after": None}),
        ("{date: birthday, every: year}", "date", "", {"every": "year"}),
        ("{date: joined_on, every: year, at: 07:30}", "date", "", {"every": "year", "at": "07:30"}),
        ("{date: joined_on, days_after: [90, 30]}", "date", "", {"days_after": (30, 90), "days_before": None}),
        ("{date: renewal_on, days_before: 14}", "date", "", {"days_before": (14,), "days_after": None}),
        ("{date: renewal_on, days_after: 0}", "date", "", {"days_after": (0,)}),
        ("{lapse: iron}", "lapse", "", {"per": None, "lapse": "iron", "min_days": 3}),
        ("{lapse: iron, min_days: 7}", "lapse", "", {"min_days": 7}),
    ],
)  # fmt: skip
def test_a_when_is_read(when: str, kind: str, event_type: str, said: dict[str, Any]) -> None:
    found = when_of(when)
    assert (found.kind, found.event_type) == (kind, event_type)
    assert {name: getattr(found, name) for name in said} == said


def test_a_whole_number_is_whole_however_it_is_written() -> None:
    found = when_of("{value: weight.logged, of: kilos, falls_to: [80.0, 1e1]}").falls_to
    assert [type(number) for number in found] == [int, int]


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("{sum: purchase.completed, reaches: [5]}", "of is missing"),
        ("{sum: purchase.completed, of: amount_cent, reaches: [5]}", "no field amount_cent to look at; did you mean"),
        ("{sum: purchase.completed, of: order_id, reaches: [5]}", "order_id of purchase.completed is no number"),
        ("{sum: purchase.completed, of: amount_cents, per: curency, every: 5}", "did you mean currency?"),
        ("{sum: a.b, of: c}", "a sum needs either reaches: [..] or every: N"),
        ("{sum: a.b, of: c, reaches: [1], every: 5}", "a sum needs either reaches: [..] or every: N"),
        ("{sum: a.b, of: c, reaches: [0]}", "greater than or equal to 1"),
        ("{sum: a.b, of: c, reaches: [1.5]}", "valid integer"),
        ("{sum: a.b, of: c, every: 1000000000001}", "less than or equal to 1000000000000"),
        ("{sum: a.b, of: c, reaches: [2, 1]}", "must rise"),
        ("{value: a.b, of: c}", "a value needs either reaches: [..] or falls_to: [..]"),
        ("{value: a.b, of: c, reaches: [1], falls_to: [1]}", "a value needs either reaches: [..] or falls_to: [..]"),
        ("{value: a.b, of: c, reaches: []}", "at least 1 item"),
        ("{value: a.b, of: c, reaches: [2, 1]}", "must rise, each number once"),
        ("{value: a.b, of: c, falls_to: [1, 2]}", "must fall, each number once"),
        ("{value: a.b, of: c, falls_to: [1, 1.0]}", "must fall, each number once"),
        ("{value: a.b, of: c, falls_to: [yes]}", "must be a number"),
        ("{value: a.b, of: c, falls_to: [true]}", "must be a number"),
        ("{value: a.b, of: c, falls_to: [1e999]}", "must be a number"),
        ("{value: a.b, of: c, reaches: [99999999999999999]}", "at most 2 to the power of 53"),
        ("{date: birthdy}", "did you mean birthday?"),
        ("{date: birthday, days_after: 3}", "birthday knows no days_after; it may have every"),
        ("{date: birthday, days_before: 3}", "birthday knows no days_before; it may have every"),
        ("{date: birthday, every: month}", "should be 'year'"),
        ("{date: birthday, at: 9am}", "String should match"),
        ("{date: joined_on}", "joined_on needs every or days_after"),
        ("{date: joined_on, days_before: 3}", "joined_on knows no days_before; it may have every or days_after"),
        ("{date: joined_on, days_after: 0}", "days_after of at least 1"),
        ("{date: joined_on, days_after: 3651}", "less than or equal to 3650"),
        ("{date: joined_on, days_after: [3, 3]}", "must have each number once"),
        ("{date: joined_on, every: year, days_after: 3}", "a date needs only one of: every, days_after"),
        ("{date: renewal_on}", "renewal_on needs days_before or days_after"),
        ("{date: renewal_on, every: year}", "renewal_on knows no every; it may have days_before or days_after"),
        ("{date: renewal_on, days_before: 366}", "less than or equal to 365"),
        ("{date: renewal_on, day_before: 3}", "no such word here: day_before; did you mean days_before?"),
        ("{lapse: irom}", "no streak rule of this file has the id irom; did you mean iron?"),
        ("{lapse: a}", "a is no streak rule"),
        ("{lapse: iron, min_days: 0}", "greater than or equal to 1"),
        ("{lapse: [iron]}", "valid string"),
        ("{streaks: habit.checked, days: [3]}", "lapse; did you mean streak?"),
        ("{falls_to: [3]}", "needs exactly one of: count, streak, percent, sum, value, date, lapse"),
    ],
)  # fmt: skip
def test_a_when_that_means_nothing_is_refused(when: str, told: str) -> None:
    assert told in told_of(f"when: {when}")


def test_a_lapse_needs_its_streak_rule_switched_on() -> None:
    text = """\
rules:
  - {id: off, tier: streak, enabled: false, when: {streak: habit.checked, days: [3]}}
  - {id: lost, tier: nudge, when: {lapse: off}}
  - {id: unused, tier: nudge, enabled: false, when: {lapse: off}}
"""
    with pytest.raises(RulebookErrors) as errors:
        load_rulebook(text, "r")
    assert str(errors.value) == (
        "r:3:36: rules[1].when.lapse: the streak rule off is not enabled: enable it, or disable this one"
    )


def test_a_lapse_is_told_beside_every_other_error() -> None:
    with pytest.raises(RulebookErrors) as errors:
        load_rulebook("rules:\n  - 5\n  - {tier: nugde, when: {lapse: b}}\n", "r")
    assert [str(fault).split(": ")[1] for fault in errors.value.faults] == [
        "rules[0]", "rules[1]", "rules[1].tier", "rules[1].when.lapse",
    ]  # fmt: skip


def test_options_say_when_and_for_whom() -> None:
    found = rule_of(
        "when: {count: a.b, every: 2}, settle: 10m, effective_from: 2026-03-01, clients: {tags: [vip, gold]}"
    )
    assert (found.settle, found.effective_from) == (timedelta(minutes=10), date(2026, 3, 1))
    assert found.clients is not None
    assert (found.clients.tags, found.clients.share, found.clients.ids) == (("vip", "gold"), None, None)


@pytest.mark.parametrize(
    ("clients", "said"),
    [("{share: 0.1}", (0.1, None, None)), ("{share: 1}", (1.0, None, None)), ("{tags: vip}", (None, ("vip",), None)),
     ("{ids: [c1, c2]}", (None, None, ("c1", "c2")))],
)  # fmt: skip
def test_an_audience_is_a_share_tags_or_ids(clients: str, said: tuple[object, ...]) -> None:
    found = rule_of(f"when: {{count: a.b, every: 2}}, clients: {clients}").clients
    assert found is not None
    assert (found.share, found.tags, found.ids) == said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("when: {count: a.b, every: 2}, settle: 0s", "longer than nothing and at most 7d"),
        ("when: {count: a.b, every: 2}, settle: 8d", "longer than nothing and at most 7d"),
        ("when: {count: a.b, every: 2}, settle: soon", "a whole number and a unit"),
        ("when: {count: a.b, every: 2}, effective_from: 1.3.2026", "must be a date of the calendar: 2026-03-01"),
        ("when: {count: a.b, every: 2}, effective_from: 2026-02-30", "must be a date of the calendar"),
        ("when: {count: a.b, every: 2}, effective_from: 20260301", "must be a date"),
        ("when: {count: a.b, every: 2}, clients: {}", "clients needs exactly one of: share, tags, ids"),
        ("when: {count: a.b, every: 2}, clients: {share: 1, tags: [a]}", "clients needs exactly one of"),
        ("when: {count: a.b, every: 2}, clients: {share: 1.5}", "less than or equal to 1"),
        ("when: {count: a.b, every: 2}, clients: {share: true}", "valid number"),
        ("when: {count: a.b, every: 2}, clients: {tag: [a]}", "no such word here: tag; did you mean tags?"),
        ("when: {count: a.b, every: 2}, clients: {tags: []}", "at least 1 item"),
        ("when: {date: birthday}, where: {kind: [a]}", "a date looks at no event: take where out"),
        ("when: {lapse: iron}, where: {kind: [a]}", "a lapse looks at no event: take where out"),
        ("when: {sum: purchase.completed, of: amount_cents, every: 5}, where: {curency: [USD]}", "mean currency?"),
        ("when: {date: birthday}, settle: 10m", "a date is due when it is due: take settle out"),
        ("when: {lapse: iron}, settle: 10m", "a lapse is due when it is due: take settle out"),
        ("when: {date: birthday}, repeat: per-streak", "per-streak belongs to streak rules"),
        ("when: {lapse: iron}, repeat: per-streak", "per-streak belongs to streak rules"),
        ('when: {lapse: iron}, name: "{threshold} days"', "a lapse crosses no number: its name cannot say {threshold}"),
        ('when: {date: birthday}, name: "{age}"', "a name cannot say {age}"),
    ],
)  # fmt: skip
def test_an_option_that_means_nothing_is_refused(words: str, told: str) -> None:
    assert told in told_of(words)


def test_a_rule_of_wrong_kind_is_told_once_whatever_stands_beside_it() -> None:
    told = told_of('when: {}, settle: 10m, where: {kind: [a]}, name: "{threshold}", repeat: per-streak')
    assert "when needs exactly one of" in told


def test_a_when_may_be_made_of_parts() -> None:
    when = DateWhen(date="joined_on", days_after=(30,))
    assert Rule(id="a", tier="micro", when=when, effective_from=date(2026, 1, 1)).when == when
