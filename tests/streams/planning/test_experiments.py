"""A client's variant is the same for ever, and nobody is moved by what is not about them."""

import pytest

from schemas.experiments import Experiment, Variant
from schemas.policy import HoldOut
from streams.planning import experiments as subject
from streams.planning.experiments import assign, is_held_out
from tests.sample_milestones import milestone

CLIENTS = [f"c-{number}" for number in range(20_000)]
WORDS = Experiment.model_validate(
    {"id": "words", "rules": ["iron-streak"], "variants": {"long": {"share": 0.7}, "short": {"template": "short"}}}
)
FIRST_TWELVE = "short short long short short long long long short long short short".split()  # noqa: SIM905 - twelve quoted words read worse


def variant(experiment: Experiment, client: str, rule: str = "iron-streak") -> str | None:
    reached = milestone(rule, "streak", "streak", 30, client=client)
    found = assign((experiment,), reached)
    return found and found.name


def with_variants(*names: str, **shares: float) -> Experiment:
    variants = {name: Variant(share=shares.get(name)) for name in names}
    return Experiment(id="words", rules=("iron-streak",), variants=variants)


def test_a_client_gets_the_same_variant_every_time() -> None:
    assert [variant(WORDS, client) for client in CLIENTS[:500]] == [variant(WORDS, client) for client in CLIENTS[:500]]


def test_the_variant_of_known_clients_never_changes() -> None:
    """These were assigned when experiments began; another answer would move every client of every experiment."""
    assert [variant(WORDS, f"c-{number}") for number in range(12)] == FIRST_TWELVE


def test_shares_are_kept_within_four_standard_deviations() -> None:
    long = sum(variant(WORDS, client) == "long" for client in CLIENTS)
    assert abs(long - 14_000) < 4 * (20_000 * 0.7 * 0.3) ** 0.5


def test_another_experiment_moves_nobody_and_is_no_copy_of_the_first() -> None:
    other = WORDS.model_copy(update={"id": "format", "rules": ("thirty-six",)})
    first = [variant(WORDS, client) for client in CLIENTS[:2_000]]
    second = [variant(other, client, "thirty-six") for client in CLIENTS[:2_000]]
    streak = [
        assign((other, WORDS), milestone("iron-streak", "streak", "streak", 30, client=c)) for c in CLIENTS[:2_000]
    ]
    assert [found and found.name for found in streak] == first
    alike = sum(one == two for one, two in zip(first, second, strict=True))
    assert abs(alike - 2_000 * 0.58) < 4 * (2_000 * 0.58 * 0.42) ** 0.5


def test_the_order_of_the_lines_moves_nobody() -> None:
    one, two = with_variants("a", "b", "c"), with_variants("c", "a", "b")
    assert [variant(one, client) for client in CLIENTS[:2_000]] == [variant(two, client) for client in CLIENTS[:2_000]]


def test_a_variant_without_a_share_of_anybody_is_given_to_nobody() -> None:
    given = {variant(with_variants("a", "b", "c", a=0.0, b=1.0, c=0.0), client) for client in CLIENTS[:2_000]}
    assert given == {"b"}


def test_shares_that_come_to_a_hair_less_than_one_leave_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_place", lambda *_: 2**64 - 1)
    short = with_variants("a", "b", "c", a=0.5, b=0.5 - 1e-10, c=0.0)
    assert variant(short, "c-1") == "b"


def test_a_tier_can_be_asked_about_and_what_is_in_none_is_answered_as_ever() -> None:
    tiers = Experiment.model_validate({"id": "t", "tiers": ["streak"], "variants": {"a": {}, "b": {}}})
    assert assign((tiers,), milestone("any", "streak", "streak", 14)) is not None
    assert assign((WORDS, tiers), milestone("any", "count", "major", 36)) is None
    assert assign((), milestone("any", "count", "major", 36)) is None


def test_what_is_pinned_names_the_experiment_and_the_variant() -> None:
    found = assign((WORDS,), milestone("iron-streak", "streak", "streak", 30))
    assert found is not None
    assert found.pinned == f"words/{found.name}"
    assert found.variant is WORDS.variants[found.name]


def test_nobody_is_held_out_by_default_and_everybody_at_one() -> None:
    assert not any(is_held_out(HoldOut(), "northstar", client) for client in CLIENTS[:1_000])
    assert all(is_held_out(HoldOut(share=1), "northstar", client) for client in CLIENTS[:1_000])


def test_a_hold_out_keeps_its_share_and_grows_without_letting_anybody_go() -> None:
    few = {client for client in CLIENTS if is_held_out(HoldOut(share=0.05), "northstar", client)}
    more = {client for client in CLIENTS if is_held_out(HoldOut(share=0.1), "northstar", client)}
    assert abs(len(few) - 1_000) < 4 * (20_000 * 0.05 * 0.95) ** 0.5
    assert few < more
    assert few != {client for client in CLIENTS if is_held_out(HoldOut(share=0.05), "other", client)}
