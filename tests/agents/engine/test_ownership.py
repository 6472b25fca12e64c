# ruff: noqa: ARG002 - it implements protocols whose arguments it does not all need

from collections.abc import Mapping
from typing import Any

import pytest

from agents.engine.config import EngineConfig
from agents.engine.errors import SupersededError
from agents.engine.observer import Observer
from agents.engine.ownership import Claim, Ownership, Token

GENERATION = 7


class Group:
    """An application, its consumer and its thread in one."""

    rebalancing_count = 1

    def __init__(self, *, lasts: bool = True) -> None:
        self.consumer_generation_id = GENERATION
        self._lasts = lasts  # or ends right before the seek

    @property
    def consumer(self) -> "Group":
        return self

    @property
    def thread(self) -> "Group":
        return self

    def assignment(self) -> frozenset[Any]:
        return frozenset()

    def member_generation(self) -> int:
        return self.consumer_generation_id

    async def seek_all(self, positions: Mapping[Any, int], idle: frozenset[Any], generation: int) -> bool:
        return self._lasts


class Opened:
    """A claimant that counts what is open, and remembers whether it could keep what is in memory."""

    def __init__(self) -> None:
        self.open = 0
        self.kept: list[bool] = []

    async def claim(self, partitions: frozenset[int], token: Token, *, keep: bool) -> Mapping[int, Claim]:
        self.open += 1
        self.kept.append(keep)
        return {}

    async def release(self) -> None:
        self.open = 0


def ownership_of(group: Group, claimant: Opened) -> Ownership:
    config = EngineConfig(app_id="a", bootstrap_servers="b", source_topics=("t",), partitions=1)
    return Ownership(group, config, claimant, Observer())


async def test_states_are_kept_from_one_generation_to_the_next_and_dropped_when_one_was_missed() -> None:
    group, claimant = Group(), Opened()
    ownership = ownership_of(group, claimant)
    for generation in (GENERATION, GENERATION, GENERATION + 1, GENERATION + 3, 1):
        group.consumer_generation_id = generation
        await ownership.own(generation)
    assert claimant.kept == [False, True, True, False, False]


async def test_an_attempt_that_is_superseded_at_its_seek_closes_what_it_opened() -> None:
    claimant = Opened()
    ownership = ownership_of(Group(lasts=False), claimant)
    with pytest.raises(SupersededError):
        await ownership.own(GENERATION)
    assert claimant.open == 0
    assert not ownership.ready
