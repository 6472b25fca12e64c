"""Which dead letters a replay takes."""

from typing import Any

import pytest

from agents.dead_letters import DeadLetter, each_hook_once
from schemas.topics import DEAD_LETTERS, EVENTS


def letter(offset: int, source: str = "hook:school", **changes: Any) -> DeadLetter:
    plain: dict[str, Any] = {
        "kept_in": "Kafka",
        "topic": DEAD_LETTERS,
        "partition": 0,
        "offset": offset,
        "source": source,
        "reason": "not_confirmed",
        "detail": "",
        "key": b"northstar/school",
        "value": b"sealed anew %d" % offset,
        "headers": (),
        "refused_ms": offset,
        "digest": "aa" * 32,
    }
    return DeadLetter(**{**plain, **changes})


@pytest.mark.parametrize(
    ("key", "tenant"),
    [
        (b"northstar/school", "northstar"),
        (b"iron/a/b", None),
        (b"northstar", None),
        (b"\xff/ana", None),
        (None, None),
    ],
)
def test_a_letter_is_of_the_tenant_that_its_key_names(key: bytes | None, tenant: str | None) -> None:
    assert letter(1, key=key).tenant == tenant


def test_a_hook_that_was_set_aside_again_stands_behind_those_that_were_not() -> None:
    again, other, last = letter(1), letter(2, digest="bb" * 32), letter(3, reason="source_silent")
    assert each_hook_once([again, other, last]) == [other, last]


def test_the_same_body_of_another_source_and_what_is_no_hook_are_others() -> None:
    letters = [
        letter(1),
        letter(2, key=b"northstar/other"),
        letter(3, source="hook:other"),
        letter(4, EVENTS, digest=None),
        letter(5, EVENTS, digest=None),
    ]
    assert each_hook_once(letters) == letters


def test_hooks_of_an_earlier_version_are_told_apart_by_what_was_sealed() -> None:
    letters = [letter(1, digest=None), letter(2, digest=None)]
    assert each_hook_once([*letters, letters[0]]) == [letters[1], letters[0]]
