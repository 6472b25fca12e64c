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
    """An application, its consumer and its thread in one, whose generation ends right before the seek."""

    consumer_generation_id = GENERATION
    rebalancing_count = 1

    @property
    def consumer(self) -> "Group":
        return self

    @property
    def thread(self) -> "Group":
        return self

    def assignment(self) -> frozenset[Any]:
        return frozenset()

    def member_generation(self) -> int:
        return GENERATION

    async def seek_all(self, positions: Mapping[Any, int], idle: frozenset[Any], generation: int) -> bool:
        return False


class Opened:
    """A claimant that counts what is open."""

    def __init__(self) -> None:
        self.open = 0

    async def claim(self, partitions: frozenset[int], token: Token, *, keep: bool) -> Mapping[int, Claim]:
        self.open += 1
        return {}

    async def release(self) -> None:
        self.open = 0


async def test_an_attempt_that_is_superseded_at_its_seek_closes_what_it_opened() -> None:
    config = EngineConfig(app_id="a", bootstrap_servers="b", source_topics=("t",), partitions=1)
    claimant = Opened()
    ownership = Ownership(Group(), config, claimant, Observer())
    with pytest.raises(SupersededError):
        await ownership.own(GENERATION)
    assert claimant.open == 0
    assert not ownership.ready
