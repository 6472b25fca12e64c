"""People found in sets are those whom hooks find one by one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from agents.intake.finding import Person
from agents.intake.identity import Identities
from agents.intake.many_people import ManyPeople
from agents.intake.secrecy import Secrecy
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.ledger.queries import load_queries

SECRECY = Secrecy(b"an identity key of 32 bytes or so")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    await migrate(database)
    pool = await connect(database)
    try:
        yield pool
    finally:
        await pool.close()


def many(pool: Pool) -> ManyPeople:
    return ManyPeople(pool, load_queries("intake"), SECRECY)


def single(pool: Pool) -> Identities:
    return Identities(pool, load_queries("intake"), SECRECY)


async def test_a_batch_answers_as_one_by_one_would(pool: Pool) -> None:
    people = [
        Person(email="ana@example.org"),
        Person(external_id="1", email="ana@example.org"),
        Person(external_id="2", email="ben@example.org"),
        Person(external_id="2", email="ben.new@example.org"),
        Person(external_id="3", email="ben@example.org"),
        Person(external_id="4"),
        Person(external_id="4", email="dee@example.org"),
    ]
    for tenant in ("single", "batch"):  # the id decides: 1 is known as somebody else than the address
        await single(pool).identify(tenant, "crm", Person(external_id="1"))
        await single(pool).identify(tenant, "crm", Person(email="dee@example.org"))
    one_by_one = [(await single(pool).identify("single", "crm", person)).client for person in people]
    found = await many(pool).identify("batch", "crm", people)
    in_a_batch = [found[person].client for person in people]
    assert groups(in_a_batch) == groups(one_by_one)
    assert await many(pool).identify("batch", "crm", people) == found


async def test_batches_and_hooks_at_once_agree_and_none_waits_for_ever(pool: Pool) -> None:
    people = [Person(external_id=str(n), email=f"c{n}@example.org") for n in range(120)]
    turned = people[::-1]
    async with asyncio.timeout(60):
        *batches, singles = await asyncio.gather(
            many(pool).identify("t", "crm", people),
            many(pool).identify("t", "crm", turned),
            asyncio.gather(*(single(pool).identify("t", "crm", person) for person in turned)),
        )
    expected = {person: known.client for person, known in zip(turned, singles, strict=True)}
    assert [{person: one.client for person, one in found.items()} for found in batches] == [expected, expected]
    assert len(set(expected.values())) == 120
    assert all(one != other for one, other in pairwise(expected.values()))


async def test_people_of_a_tenant_new_to_the_statistics_are_still_found_by_their_keys(pool: Pool) -> None:
    known = "SELECT 'old' || n % 4, sha256(n::text::bytea), 'c_' || n FROM generate_series(1, 40000) AS n"
    await pool.execute(f"INSERT INTO identities (tenant, key_hash, client) {known}")
    await pool.execute("ANALYZE identities")
    keys = [bytes([n % 256]) * 32 for n in range(1000)]
    asked: list[tuple[str, Sequence[object]]] = [("known_client", (keys,)), ("give_key", (keys[0], "c_1"))]
    for name, arguments in asked:
        rows = await pool.fetch(f"EXPLAIN {load_queries('intake')[name]}", "new", *arguments)
        conditions = [row[0] for row in rows if "Index Cond" in row[0]]
        assert conditions, rows
        assert all(" AND " in condition for condition in conditions), rows


def groups(clients: list[str]) -> list[int]:
    """Who is the same as whom, without the ids, which are random."""
    return [clients.index(client) for client in clients]
