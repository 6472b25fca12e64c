"""The embedded database is a PostgreSQL behind a password that keeps what it committed, whatever end it
met."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest

from agents.embedded.postgres import EmbeddedPostgres

pytestmark = pytest.mark.database


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


def family_of(server: EmbeddedPostgres) -> list[psutil.Process]:
    postmaster = psutil.Process(int((server._data / "postmaster.pid").read_text().split("\n", 1)[0]))
    return [postmaster, *postmaster.children(recursive=True)]


async def test_rows_survive_a_server_that_is_killed_and_started_again(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('before')")
    family = family_of(server)
    family[0].kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    await connection.close()
    server.stop()
    server.start()
    connection = await asyncpg.connect(server.dsn)
    assert await connection.fetchval("SELECT note FROM notes") == "before"
    assert await connection.fetchval("SHOW timezone") == "UTC"
    await connection.close()
    family = family_of(server)
    server.stop()
    assert not any(process.is_running() for process in family)


async def test_a_process_id_that_belongs_to_somebody_else_by_now_stops_nobody(
    server: EmbeddedPostgres,
) -> None:
    pid_file = server._data / "postmaster.pid"
    server.stop()
    lines = ["1", str(server._data), "0", str(server.port), "", "127.0.0.1", "1 1", "ready"]
    pid_file.write_text("\n".join(lines))
    server.start()
    assert server.is_ready()


async def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    wrong = urlsplit(server.dsn)._replace(netloc=f"cairn:guess@127.0.0.1:{server.port}").geturl()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)
    assert (server._folder / "password").stat().st_mode & 0o077 == 0


def test_an_interrupted_first_start_is_begun_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    server = EmbeddedPostgres(tmp_path)
    server.start()
    assert server.is_ready()
    server.stop()


async def test_each_test_has_a_database_of_its_own(database: str) -> None:
    connection = await asyncpg.connect(database)
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables == 0
