"""A rulebook is validated whole: every error at once, with its line and the word that was meant."""

import re
from pathlib import Path

import pytest

from schemas.policy import Policy, parse_duration
from schemas.rulebook import RulebookErrors, load_rulebook, read_rulebook
from schemas.rulebook_doubts import doubts
from schemas.rules import CountWhen, Rule
from schemas.whens import KINDS

STARTER = Path(__file__).parents[2] / "deploy" / "rulebooks" / "starter.yaml"
RULE = "{id: a, tier: micro, when: {count: session.completed, reaches: [1]}"


def errors_of(text: str) -> list[str]:
    with pytest.raises(RulebookErrors) as errors:
        load_rulebook(text, "r.yaml")
    return str(errors.value).splitlines()


def rule(text: str) -> str:
    return f"rules:\n  - {text}\n"


def test_the_starter_holds_up_and_decides_what_ships() -> None:
    starter = load_rulebook(STARTER.read_text(encoding="utf-8"), "starter.yaml")
    assert list(starter.by_id) == [
        "first-session", "iron-streak", "halfway", "thirty-six", "first-goal", "streak-broken",
    ]  # fmt: skip
    assert starter.policy.tiers == Policy().tiers
    assert starter.policy.quiet_hours == Policy().quiet_hours
    assert (starter.version, starter.defaults.grace_hours) == (1, 36)


EXAMPLE = re.compile(r"^  # (- \{.+(?:\n  #    .+)*)", re.MULTILINE)


def opened(example: re.Match[str]) -> str:
    return "  " + example[1].replace("\n  # ", "\n  ")


def test_every_commented_example_of_the_starter_holds_up_alone() -> None:
    text = STARTER.read_text(encoding="utf-8")
    for example in EXAMPLE.finditer(text):
        one = load_rulebook(text[: example.start()] + opened(example) + text[example.end() :], "starter.yaml")
        assert len(one.rules) == 7


def test_the_commented_examples_are_of_every_kind_and_hold_up_together_without_a_doubt() -> None:
    text = STARTER.read_text(encoding="utf-8")
    rulebook, places = read_rulebook(EXAMPLE.sub(opened, text), "starter.yaml")
    assert list(rulebook.by_id)[6:] == [
        "welcome", "every-ten", "first-mat", "graduation", "core-goal", "on-the-way", "loyal-buyer", "ten-kilos",
        "birthday", "anniversary", "settled-in", "renewal",
    ]  # fmt: skip
    assert {rule.when.kind for rule in rulebook.rules} == set(KINDS)
    assert doubts(rulebook, places) == ()
    assert not re.search(r"^ *# *- *\{", EXAMPLE.sub(opened, text), re.MULTILINE)


def test_every_error_is_told_at_once_with_its_place_and_the_nearest_word() -> None:
    text = """\
version: 0
defaults: {timezone: Europe/Vienne, grace_hour: 36}
quiet_hours: {form: "21:00"}
tiers:
  majr: {channels: [emial]}
rules:
  - {id: first-session, tier: micor, when: {count: session.complete, reaches: [1]}}
  - {id: iron-streak, tier: streak, when: {streak: habit.checked, days: [14, 30, 14]}, repeat: per-strek}
  - {id: iron-streak, tier: major, when: {percent: course.progressed, per: course, reaches: [101]}, gift_cents: 50001}
"""
    assert errors_of(text) == [
        "r.yaml:1:1: version: Input should be greater than or equal to 1",
        "r.yaml:2:12: defaults.timezone: no such time zone: Europe/Vienne; did you mean Europe/Vienna?",
        "r.yaml:2:37: defaults.grace_hour: no such word here: grace_hour; did you mean grace_hours?",
        "r.yaml:3:15: quiet_hours.form: no such word here: form; did you mean from?",
        "r.yaml:5:3: tiers.majr: Input should be 'micro', 'streak', 'program', 'major' or 'nudge'; did you mean major?",
        (
            "r.yaml:5:21: tiers.majr.channels[0]: Input should be 'in_app', 'email', 'sms', 'slack', 'gift', "
            "'certificate', 'badge', 'video', 'referral' or 'coach_task'; did you mean email?"
        ),
        (
            "r.yaml:7:25: rules[0].tier: Input should be 'micro', 'streak', 'program', 'major' or 'nudge'; "
            "did you mean micro?"
        ),
        "r.yaml:7:45: rules[0].when.count: no such event type: session.complete; did you mean session.completed?",
        "r.yaml:8:67: rules[1].when.days: must rise, each number once",
        "r.yaml:8:88: rules[1].repeat: Input should be 'once' or 'per-streak'; did you mean per-streak?",
        "r.yaml:9:6: rules[2].id: another rule has the id iron-streak",
        "r.yaml:9:71: rules[2].when.per: course.progressed has no field course to look at; did you mean course_id?",
        "r.yaml:9:94: rules[2].when.reaches[0]: Input should be less than or equal to 100",
        "r.yaml:9:101: rules[2].gift_cents: Input should be less than or equal to 50000",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rule(RULE + ", colour: red}"), "no such word here: colour"),
        (rule("{id: a, tier: micro}"), "when is missing"),
        (rule("{id: A b, tier: micro, when: {count: goal.completed, reaches: [1]}}"), "String should match"),
        (rule("{id: a, tier: micro, when: {}}"), "one of: count, streak, percent, sum, value, date, lapse"),
        (rule("{id: a, tier: micro, when: 5}"), "when needs exactly one of"),
        (rule("{id: a, tier: micro, when: {count: a.b, percent: c.d}}"), "when needs exactly one of"),
        (rule("{id: a, tier: micro, when: {count: a.b}}"), "either reaches: [..] or every: N"),
        (rule("{id: a, tier: micro, when: {count: a.b, every: 2, reaches: [1]}}"), "either reaches: [..] or every: N"),
        (rule("{id: a, tier: micro, when: {count: a.b, reaches: [0]}}"), "greater than or equal to 1"),
        (rule("{id: a, tier: micro, when: {count: a.b, reaches: []}}"), "List should have at least 1 item"),
        (rule("{id: a, tier: micro, when: {count: Session, reaches: [1]}}"), "String should match"),
        (rule("{id: a, tier: micro, when: {count: goal.completed, per: gaol_id, reaches: [1]}}"), "mean goal_id?"),
        (rule(RULE + ", where: {kinds: [yoga]}}"), "no field kinds to look at; did you mean kind?"),
        (rule(RULE + ", repeat: per-streak}"), "per-streak belongs to streak rules"),
        (rule(RULE + ', name: "{treshold}!"}'), "a name cannot say {treshold}; did you mean threshold?"),
        (rule(RULE + ", gift_cents: 100}"), "a micro milestone costs nothing"),
        (rule("{id: a, tier: streak, when: {streak: habit.checked, days: [3]}, where: {title: x}}"), "no field title"),
        (rule("{id: a, tier: streak, when: {streak: session.completed, days: [3]}}"), "should be 'habit.checked'"),
        ("rules: []\ntiers: {micro: {channels: [in_app], cost_cents: 1}}\n", "the micro tier costs nothing"),
        ("rules: []\ntiers: {major: {channels: [gift], gift_cents: 4001}}\n", "more than 4000: say generous: true"),
        ("rules: []\ntiers: {major: {channels: [gift], expires: soon}}\n", "a whole number and a unit"),
        ("rules: [\n", "expected"),
        (rule("{id: a, tier: micro, when: {}, where: {kind: [yoga]}}"), "when needs exactly one of"),
        ("rules: []\ntiers: {major: {channels: [gift], cap: {per_dya: 1}}}\n", "did you mean per_day?"),
        ("rules: 5\n", "valid tuple"),
        ("defaults: {}\n", "rules is missing"),
        ("- 1\n", "must be a mapping"),
        ("", "must be a mapping"),
    ],
)
def test_what_does_not_hold_up_is_said(text: str, told: str) -> None:
    assert told in "\n".join(errors_of(text))


MAJOR = RULE.replace("tier: micro", "tier: major")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{MAJOR}, reward: {{by: occurrence}}}}", "cents is missing"),
        (f"{MAJOR}, reward: {{cents: [0, 1000, 4001]}}}}", "4001 cents are more than 4000: say generous: true"),
        (f"{MAJOR}, gift_cents: 4001}}", "4001 cents are more than 4000: say generous: true"),
        (f"{MAJOR}, gift_cents: 50001, generous: true}}", "less than or equal to 50000"),
        (f"{MAJOR}, gift_cents: 100, reward: {{cents: [100]}}}}", "two answers to one question"),
        (f"{RULE}, reward: {{cents: [0, 100]}}}}", "a micro milestone costs nothing"),
        (f"{RULE}, next: money}}", "resource"),
    ],
)
def test_money_and_next_steps_are_meant(text: str, told: str) -> None:
    assert told in "\n".join(errors_of(rule(text)))


def test_a_large_gift_or_one_of_a_light_tier_is_given_when_it_is_meant() -> None:
    rules = (f"{MAJOR}, gift_cents: 9000, generous: true}}", f"{RULE}, reward: {{cents: [0, 500]}}, generous: true}}")
    for text in rules:
        assert load_rulebook(rule(text), "r").rules[0].generous
    major, micro = "channels: [gift], gift_cents: 9000", "channels: [gift], gift_cents: 1"
    meant = f"rules: []\ntiers: {{major: {{{major}, generous: true}}, micro: {{{micro}, generous: true}}}}\n"
    assert load_rulebook(meant, "r").policy.tiers["micro"].gift_cents == 1
    (told,) = errors_of(meant.replace(", generous: true", ""))
    assert "9000 cents are more than 4000" in told
    (told,) = errors_of(meant.replace(f"{micro}, generous: true", micro))
    assert "the micro tier costs nothing" in told


def test_json_is_a_rulebook_too_also_with_tabs() -> None:
    text = '{\n\t"rules": [\n\t\t{"id": "a", "tier": "micro", "when": {"count": "a.b", "reaches": [1]}}\n\t]\n}'
    assert load_rulebook(text, "r.json").by_id["a"].tier == "micro"


def test_the_digest_is_of_the_meaning_and_not_of_the_text() -> None:
    one = load_rulebook(rule(RULE + "}"), "a")
    two = load_rulebook("# a comment\nversion: 7\nrules: [{when: {reaches: [1], count: session.completed}, "
                        "tier: micro, id: a}]\n", "b")  # fmt: skip
    other = load_rulebook(rule(RULE.replace("[1]", "[2]") + "}"), "c")
    assert one.digest == two.digest != other.digest
    assert (one.version, two.version) == (1, 7)


def test_a_rule_may_answer_differently_from_its_tier() -> None:
    text = rule("{id: a, tier: major, when: {count: a.b, reaches: [1]}, channels: [email], template: special, "
                "gift_cents: 1500, approval: always, moment: graduation, where: {plan: gold, ok: true}}")  # fmt: skip
    found = load_rulebook(text, "r").by_id["a"]
    assert (found.channels, found.template, found.gift_cents, found.approval) == (("email",), "special", 1500, "always")
    assert found.where == {"plan": ("gold",), "ok": (True,)}


def test_a_tier_that_the_file_leaves_out_is_as_in_the_starter() -> None:
    policy = load_rulebook("rules: []\ntiers: {micro: {channels: [email]}}\n", "r").policy
    assert policy.tiers["micro"].channels == ("email",)
    assert policy.tiers["major"] == Policy().tiers["major"]


def test_a_rule_may_be_made_of_parts() -> None:
    when = CountWhen(count="a.b", reaches=(1,))
    assert Rule(id="a", tier="micro", when=when).when == when


@pytest.mark.parametrize("text", ["10", "1.5h", "h", "", "-1h", 5])
def test_a_duration_needs_a_number_and_a_unit(text: object) -> None:
    with pytest.raises(ValueError, match="a whole number and a unit"):
        parse_duration(text)


def test_a_duration_is_read() -> None:
    assert [parse_duration(text).total_seconds() for text in ("30s", "10m", "24h", "2d", parse_duration("1s"))] == [
        30, 600, 86_400, 172_800, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "approval: always", "cap: {per_day: 1}", "by_hand: {tags: [vip]}", "ask_first: {ids: [a]}", "surge: {times: 9}",
        "unknown: resend", "experiments: [{id: e, rules: [a], variants: {x: {}, y: {}}}]",
        "tiers: {major: {channels: [email], generous: true}}",
        "tiers: {major: {channels: [email, sms], follow_up: {channels: [sms]}}}",
    ],
)  # fmt: skip
def test_a_word_that_is_used_is_part_of_the_meaning_and_one_that_is_not_changes_nothing(words: str) -> None:
    plain = load_rulebook(rule(f"{RULE}}}"), "r")
    said = load_rulebook(f"{rule(f'{RULE}}}')}{words}\n", "r")
    assert said.digest != plain.digest
    for word in ("by_hand: true", "personal: true", "generous: true"):
        assert load_rulebook(rule(f"{RULE}, {word}}}"), "r").digest != plain.digest


def test_a_reminder_goes_by_a_channel_of_its_tier() -> None:
    with pytest.raises(RulebookErrors, match=r"r:\d+.*follow_up: sms is not among the tier's channels"):
        load_rulebook(
            rule(f"{RULE}}}") + "tiers: {major: {channels: [email, in_app], follow_up: {channels: [in_app, sms]}}}\n",
            "r",
        )


def test_the_digest_of_a_file_is_what_earlier_builds_had() -> None:
    assert load_rulebook(STARTER.read_text(encoding="utf-8"), "starter").digest == "cb41810cbe62d5d6"
