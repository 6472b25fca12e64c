"""A decision's hash changes with any word of it, and says nothing of a detail whose salt is gone."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from schemas.decision_seal import Recorded, decision_hash, detail_seal, first_digest, next_digest

AT = datetime(2026, 5, 8, 5, 12, 1, 250, tzinfo=UTC)
DECISION = Recorded(
    decision_id=7,
    milestone_id="0f" * 16,
    revision=1,
    tenant="northstar",
    client="c-ü",
    part="email",
    outcome="send",
    reason="planned",
    decided_at=AT,
    created_at=AT,
)


def test_the_hash_is_that_of_the_words_behind_their_lengths() -> None:
    micros = b"1778217121000250"
    words = b"1:7" + b"32:" + b"0f" * 16 + b"1:1" + b"9:northstar" + b"4:c-\xc3\xbc" + b"5:email4:send7:planned"
    framed = words + (b"16:" + micros) * 2
    assert decision_hash(DECISION, None) == sha256(framed).digest()
    assert decision_hash(DECISION, b"s" * 32) == sha256(framed + b"s" * 32).digest()


@pytest.mark.parametrize("name", [field.name for field in fields(Recorded)])
def test_any_word_changes_it(name: str) -> None:
    value = getattr(DECISION, name)
    changed = value + timedelta(microseconds=1) if isinstance(value, datetime) else value * 2
    assert decision_hash(replace(DECISION, **{name: changed}), None) != decision_hash(DECISION, None)


def test_what_moves_from_one_word_into_the_next_changes_it() -> None:
    moved = replace(DECISION, tenant="northstarc", client="-ü")
    assert decision_hash(moved, None) != decision_hash(DECISION, None)


def test_a_detail_is_hidden_by_its_salt_and_none_has_no_seal() -> None:
    assert detail_seal(b"salt", None) is None
    assert detail_seal(b"salt", "why") == sha256(b"saltwhy").digest()
    assert detail_seal(b"other", "why") != detail_seal(b"salt", "why")


def test_a_chain_depends_on_its_number_its_order_and_all_that_was_before() -> None:
    start = first_digest(3)
    assert start != first_digest(4)
    one = next_digest(start, 1, b"a")
    assert next_digest(one, 2, b"b") != next_digest(next_digest(start, 1, b"b"), 2, b"a")
    assert next_digest(start, 2, b"a") != one
