"""`cairn clients find` on a real broker and database: the id of somebody whom the hooks named."""

import json

import pytest

from agents.intake.finding import Finding, Person
from tests.integration.commands import Answer, cairn
from tests.integration.intake.stage import IDENTITY_KEY, NOW, Stage


async def known(stage: Stage, person: Person) -> str:
    """A source names a person; returns our id of them."""
    assert await stage.intake.admission.admit(
        stage.tenant, "tracker", Finding(person=person, facts={"name": "Ada"}, happenings=()), NOW
    )
    ((client, _),) = await stage.profiles()
    return client


async def find(stage: Stage, database: str, *words: str) -> Answer:
    settings = {"CAIRN_DATABASE_URL": database, "CAIRN_IDENTITY_KEY": IDENTITY_KEY.decode()}
    return await cairn("clients", "find", *words, "--tenant", stage.tenant, settings=settings)


async def test_a_client_is_found_by_address_and_by_the_tools_own_id(stage: Stage, database: str) -> None:
    client = await known(stage, Person(external_id="u-7", email="ada@example.org"))
    by_address = await find(stage, database, "Ada@example.org")
    assert (by_address.status, by_address.out, by_address.err) == (0, client, "")
    assert (await find(stage, database, "u-7", "--source", "tracker")).out == client
    as_json = await find(stage, database, "ada@example.org", "--json")
    assert json.loads(as_json.out) == {"clients": [{"client": client, "is_erased": False}]}


async def test_an_erased_client_is_marked(stage: Stage, database: str) -> None:
    client = await known(stage, Person(email="ada@example.org"))
    await stage.intake.admission.erase(stage.tenant, client)
    assert (await find(stage, database, "ada@example.org")).out == f"{client} (erased)"


async def test_who_is_not_known_is_not_made(stage: Stage, database: str) -> None:
    for _ in range(2):
        answer = await find(stage, database, "nobody@example.org")
        assert (answer.status, answer.out) == (1, "")
        assert "nobody@" not in answer.err
    assert await stage.pool.fetchval("SELECT count(*) FROM identities WHERE tenant = $1", stage.tenant) == 0


@pytest.mark.parametrize("words", [("u-7",), ("u-7", "--source", "acuity")])
async def test_an_id_is_found_only_as_the_sources_own(stage: Stage, database: str, words: tuple[str, ...]) -> None:
    await known(stage, Person(external_id="u-7"))
    answer = await find(stage, database, *words)
    assert (answer.status, answer.out) == (1 if "--source" in words else 2, "")


async def test_why_hints_at_it_for_an_address(stage: Stage, database: str) -> None:
    answer = await cairn("why", "ada@example.org", "--tenant", stage.tenant, settings={"CAIRN_DATABASE_URL": database})
    assert (answer.status, "cairn clients find" in answer.err) == (1, True)
