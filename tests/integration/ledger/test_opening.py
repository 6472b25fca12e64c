"""Opening the ledger: what waiting cannot mend is refused at once, in words that hold no password."""

from urllib.parse import urlsplit

import pytest

from agents.ledger.opening import UNFIT, DatabaseAway, DatabaseRefused, open_ledger
from tests.integration.commands import cairn


@pytest.mark.parametrize(
    "dsn", ["mysql://cairn:hunter2@localhost/cairn", "postgresql://cairn:hunter2@localhost:port/x"]
)
async def test_an_address_that_is_none_is_refused(dsn: str) -> None:
    with pytest.raises(DatabaseRefused, match="CAIRN_DATABASE_URL must be postgresql://") as refused:
        async with open_ledger(dsn, max_connections=1):
            pass
    assert "hunter2" not in str(refused.value)


async def test_a_database_that_is_not_there_is_refused(database: str) -> None:
    strange = urlsplit(database)._replace(path="/nowhere").geturl()
    with pytest.raises(DatabaseRefused, match='database "nowhere" does not exist'):
        async with open_ledger(strange, max_connections=1):
            pass


async def test_a_database_without_schema_is_the_operators_to_mend(database: str) -> None:
    with pytest.raises(UNFIT, match="cairn migrate"):
        async with open_ledger(database, max_connections=1):
            pass


async def test_who_does_not_wait_for_ever_is_told_that_it_is_away() -> None:
    with pytest.raises(DatabaseAway, match="does not answer") as away:
        async with open_ledger("postgresql://cairn:hunter2@127.0.0.1:1/x", max_connections=1, patience_seconds=0.1):
            pass
    assert "hunter2" not in str(away.value)


async def test_a_command_gives_up_with_a_sentence() -> None:
    answer = await cairn("why", "northstar/ana", settings={"CAIRN_DATABASE_URL": "postgresql://c:c@127.0.0.1:1/x"})
    assert answer.status == 3
    assert "Postgres does not answer" in answer.err
