"""An experiment says what it compares, or is refused with every error at its place."""

import pytest

from schemas.experiments import Experiment
from schemas.rulebook import RulebookErrors, load_rulebook

RULES = """\
rules:
  - {id: first-session, tier: micro, when: {count: session.completed, reaches: [1]}}
  - {id: iron-streak, tier: streak, when: {streak: habit.checked, days: [14]}}
  - {id: halfway, tier: program, when: {percent: course.progressed, reaches: [50]}}
"""
VARIANTS = "variants: {a: {}, b: {template: short}}"


def refused(experiments: str, rules: str = RULES) -> list[str]:
    with pytest.raises(RulebookErrors) as errors:
        load_rulebook(f"{rules}experiments:\n{experiments}", "r")
    return [str(fault) for fault in errors.value.faults]


def shares(**said: float | None) -> dict[str, float]:
    variants = {name: {} if share is None else {"share": share} for name, share in said.items()}
    return Experiment.model_validate({"id": "e", "tiers": ["streak"], "variants": variants}).shares


def test_an_experiment_is_read_with_its_variants_in_their_order() -> None:
    book = load_rulebook(f"{RULES}experiments:\n  - {{id: words, rules: [iron-streak], {VARIANTS}}}\n", "r")
    (experiment,) = book.policy.experiments
    assert list(experiment.variants) == ["a", "b"]
    assert experiment.variants["b"].template == "short"


def test_what_has_no_share_gets_an_equal_part_of_what_is_left() -> None:
    assert shares(a=None, b=None) == {"a": 0.5, "b": 0.5}
    assert shares(a=0.5, b=None, c=None) == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert shares(a=0.9, b=0.1) == {"a": 0.9, "b": 0.1}


def test_a_file_without_experiments_keeps_the_digest_that_it_had() -> None:
    assert load_rulebook(RULES, "r").digest == load_rulebook(f"{RULES}experiments: []\n", "r").digest
    with_one = load_rulebook(f"{RULES}experiments:\n  - {{id: words, rules: [iron-streak], {VARIANTS}}}\n", "r")
    assert with_one.digest != load_rulebook(RULES, "r").digest


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (f"id: e, {VARIANTS}", "needs exactly one of: rules, tiers"),
        (f"id: e, rules: [iron-streak], tiers: [micro], {VARIANTS}", "needs exactly one of: rules, tiers"),
        ("id: e, tiers: [program], variants: {a: {share: 0.5}, b: {share: 0.4}}", "the shares come to 0.9"),
        ("id: e, tiers: [program], variants: {a: {share: 0.9}, b: {share: 0.4}}", "the shares come to 1.3"),
        ("id: e, tiers: [program], variants: {a: {share: 1}, b: {}}", "leave nobody for the other variants"),
        ("id: e, tiers: [program], variants: {a: {}}", "at least 2"),
        (
            "id: e, tiers: [program], variants: {a: {}, b: {templat: x}}",
            "no such word here: templat; did you mean template?",
        ),
        ("id: e, tiers: [program], variants: {a: {}, b: {channels: [emial]}}", "did you mean email?"),
        (f"id: e, rule: [halfway], tiers: [program], {VARIANTS}", "no such word here: rule; did you mean rules?"),
        (
            f"id: e, rules: [iron-streek], {VARIANTS}",
            "no rule of this file has the id iron-streek; did you mean iron-streak?",
        ),
        (
            "id: e, rules: [iron-streak], variants: {a: {}, b: {channels: [email, gift]}}",
            "a streak milestone costs nothing: take the gift out",
        ),
        ("id: e, tiers: [micro], variants: {a: {}, b: {channels: [gift]}}", "a micro milestone costs nothing"),
    ],
)
def test_an_experiment_that_does_not_hold_up_is_refused_at_its_line(words: str, text: str) -> None:
    (fault,) = refused(f"  - {{{words}}}\n")
    assert text in fault
    assert fault.startswith("6:")


def test_a_rule_is_in_one_experiment_whichever_way_it_is_named() -> None:
    faults = refused(
        f"  - {{id: one, rules: [iron-streak], {VARIANTS}}}\n"
        f"  - {{id: two, tiers: [streak], {VARIANTS}}}\n"
        f"  - {{id: three, rules: [halfway, iron-streak], {VARIANTS}}}\n"
    )
    why = "iron-streak is in the experiment one already: nobody could say which of the two made the difference"
    places = ["experiments[1].tiers", "experiments[2].rules"]
    assert [fault.split(": ", 1)[1] for fault in faults] == [f"{place}: {why}" for place in places]


def test_two_experiments_about_one_tier_meet_also_where_no_rule_is_of_it_yet() -> None:
    (fault,) = refused(
        f"  - {{id: one, tiers: [major], {VARIANTS}}}\n  - {{id: two, tiers: [major, nudge], {VARIANTS}}}\n"
    )
    assert "major is in the experiment one already" in fault


def test_two_experiments_with_one_id_are_refused() -> None:
    (fault,) = refused(
        f"  - {{id: one, tiers: [program], {VARIANTS}}}\n  - {{id: one, rules: [iron-streak], {VARIANTS}}}\n"
    )
    assert "another experiment has the id one" in fault


@pytest.mark.parametrize("words", ["[1]", "{a: 1}", "- {variants: [1], rules: halfway}", "- {id: [x], tiers: 3}"])
def test_what_has_another_shape_altogether_is_refused_by_its_shape(words: str) -> None:
    assert refused(f"  {words}\n")
