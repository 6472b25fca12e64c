"""A chain of reschedules is one session, in whatever order its links are heard."""

import asyncio
from collections.abc import AsyncIterator
from itertools import permutations

import pytest

from agents.intake.aliases import Aliases, Settled
from agents.intake.secrecy import Secrecy
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.ledger.queries import load_queries

LINKS = (("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database)
    pool = await connect(database)
    yield pool
    await pool.close()


@pytest.fixture
def aliases(pool: Pool) -> Aliases:
    return Aliases(pool, load_queries("intake"), Secrecy(b"an identity key of 32 bytes or so"))


async def test_a_booking_alone_is_its_own_session_and_leaves_no_row(pool: Pool, aliases: Aliases) -> None:
    assert await aliases.settle("t", "calls", ("a",)) == Settled(session_id="a")
    assert await pool.fetchval("SELECT count(*) FROM session_aliases") == 0


async def test_a_chain_keeps_its_first_id_however_long_it_gets(aliases: Aliases) -> None:
    for link in LINKS:
        assert await aliases.settle("t", "calls", link) == Settled(session_id="a")
    assert await aliases.settle("t", "calls", ("e",)) == Settled(session_id="a")


async def test_every_order_of_the_links_ends_with_one_session_that_knows_what_others_gave_up(aliases: Aliases) -> None:
    for order in permutations(LINKS):
        tenant = "".join(older for older, _ in order)
        told = {(await aliases.settle(tenant, "calls", link)).session_id for link in order}
        settled = [await aliases.settle(tenant, "calls", (booking,)) for booking in "abcde"]
        (session_id,) = {one.session_id for one in settled}
        given_up = {lost for one in settled for lost in one.given_up}
        assert session_id not in given_up
        assert told - {session_id} <= given_up
        assert {(await aliases.settle(tenant, "calls", link)).session_id for link in LINKS} == {session_id}


async def test_a_link_that_joins_two_parts_says_again_what_was_given_up(aliases: Aliases) -> None:
    await aliases.settle("t", "calls", ("b", "c"))
    joined = await aliases.settle("t", "calls", ("a", "b"))
    assert joined == Settled(session_id="b", given_up=("a",))
    assert await aliases.settle("t", "calls", ("a", "b")) == joined


async def test_a_chain_that_is_told_at_once_is_one_link_after_another(aliases: Aliases) -> None:
    assert await aliases.settle("t", "calls", ("a", "b", "c")) == Settled(session_id="a")
    assert await aliases.settle("t", "calls", ("c", "d")) == Settled(session_id="a")


async def test_links_that_come_at_once_make_one_session(aliases: Aliases) -> None:
    await asyncio.gather(*(aliases.settle("t", "calls", link) for link in LINKS * 5))
    assert len({(await aliases.settle("t", "calls", (booking,))).session_id for booking in "abcde"}) == 1


async def test_another_tenants_and_another_sources_bookings_are_others(aliases: Aliases) -> None:
    await aliases.settle("t", "calls", ("a", "b"))
    assert await aliases.settle("t", "other", ("b",)) == Settled(session_id="b")
    assert await aliases.settle("u", "calls", ("b",)) == Settled(session_id="b")
