"""`cairn import` of tables that name clients by address, on a real broker and database."""

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.intake.admission import Admission
from agents.intake.finding import Finding, Person
from agents.intake.secrecy import Secrecy
from agents.ledger.migrate import migrate
from agents.ledger.pool import Pool, connect
from agents.ledger.queries import load_queries
from agents.publishing import open_publisher
from schemas.codec import decode_event
from schemas.event import Event
from schemas.topics import CLIENTS, EVENTS
from tests.integration.history.stage import Said, Stage

KEY = "an identity key of 32 bytes or so"
EMAIL_MAPPING = """
client: {email: E-Mail}
timezone: Europe/Vienna
event:
  type: {constant: habit.checked}
  time: {column: Date, format: "%d.%m.%Y"}
  data: {habit_id: Habit, title: Note}
"""
CRM_MAPPING = """
client: {email: Mail, external_id: No}
source: crm
profile:
  name: Name
  birthday: {column: Born, format: "%d.%m.%Y"}
  joined_on: {column: Joined, format: "%d.%m.%Y"}
  renewal_on: Renews
moments:
  - type: {constant: race.finished}
    time: First race
    data: {place: {column: Place, as: number}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A broker, a database and a folder of files."""

    stage: Stage
    dsn: str
    pool: Pool
    folder: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    async def cairn(self, *arguments: object) -> Said:
        return await self.stage.cairn("import", *arguments, "--tenant", self.stage.tenant, **self.environment())

    def environment(self) -> dict[str, str]:
        return {"CAIRN_DATABASE_URL": self.dsn, "CAIRN_IDENTITY_KEY": KEY, "COLUMNS": "200"}

    async def events(self) -> list[Event]:
        return [decode_event(record.headers, record.value) for record in await self.stage.records(EVENTS)]

    async def profiles(self) -> dict[str, dict[str, Any]]:
        """The newest profile of each client."""
        records = await self.stage.records(CLIENTS)
        return {(record.key or b"").decode().partition("/")[2]: json.loads(record.value or b"{}") for record in records}

    def rejected(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / f"{name}.rejected.jsonl").read_text().splitlines()]


@pytest.fixture
async def tables(stage: Stage, database: str, tmp_path: Path) -> Any:
    await migrate(database)
    pool = await connect(database, max_connections=2)
    try:
        yield Tables(stage=stage, dsn=database, pool=pool, folder=tmp_path)
    finally:
        await pool.close()


async def test_one_address_is_one_client_in_tables_and_in_hooks_and_stands_in_no_event(tables: Tables) -> None:
    async with open_publisher(tables.stage.options, rate=1000) as publisher:
        admission = Admission(tables.pool, load_queries("intake"), publisher, Secrecy(KEY.encode()))  # type: ignore[arg-type]
        person = Person(external_id="7", email="ana@example.org")
        facts = {"email": person.email, "name": "Ana", "timezone": "Europe/Vienna"}
        heard = Finding(person=person, facts=facts, happenings=())
        await admission.admit(tables.stage.tenant, "acuity", heard, tables.stage.settings.clock.now())
    (ana,) = await tables.profiles()
    mapping = tables.write("m.yaml", EMAIL_MAPPING)
    table = tables.write(
        "h.csv",
        "e-mail;date;habit;note\nANA@example.org;01.05.2026;run;\nben@example.org;02.05.2026;run;Yes\n"
        "ana@example.org;03.05.2026;run;\n",
    )
    said = await tables.cairn(table, "--mapping", mapping)
    assert (said.status, said.out) == (0, "3 events imported, 1 profiles published, 0 lines rejected.\n")
    events = await tables.events()
    assert [str(event.data.day) for event in events if event.client == ana] == ["2026-05-01", "2026-05-03"]
    (ben,) = {event.client for event in events} - {ana}
    assert await tables.profiles() == {
        ana: {"name": "Ana", "email": "ana@example.org", "timezone": "Europe/Vienna"},
        ben: {"email": "ben@example.org"},
    }
    assert all(b"@" not in (record.value or b"") + (record.key or b"") for record in await tables.stage.records(EVENTS))


async def test_a_crm_tells_profiles_and_moments_and_what_it_repeats_is_not_published_again(tables: Tables) -> None:
    mapping = tables.write("m.yaml", CRM_MAPPING)
    rows = (
        'No,Name,Mail,Born,Joined,Renews,First race,Place\n1,"Berger, Ana",ana@example.org,03.04.1990,01.02.2024,'
        "2027-02-01,2025-06-01,3\n2,Ben,ben@example.org,,05.02.2024,,,\n"
    )
    said = await tables.cairn(tables.write("crm.csv", rows), "--mapping", mapping)
    assert (said.status, said.out) == (0, "1 events imported, 2 profiles published, 0 lines rejected.\n")
    profiles = sorted((await tables.profiles()).values(), key=lambda profile: str(profile["email"]))
    assert profiles == [
        {"name": "Berger, Ana", "email": "ana@example.org", "birthday": "1990-04-03", "joined_on": "2024-02-01",
         "renewal_on": "2027-02-01"},
        {"name": "Ben", "email": "ben@example.org", "joined_on": "2024-02-05"},
    ]  # fmt: skip
    (event,) = await tables.events()
    assert (event.type, event.data, event.source) == ("race.finished", {"place": 3}, f"cairn/{tables.stage.tenant}/crm")
    again = await tables.cairn(tables.write("later.csv", rows + "3,Cy,,,,,,\n"), "--mapping", mapping)
    assert again.out == "1 events imported, 1 profiles published, 0 lines rejected.\n"
    first, second = await tables.events()
    assert first.id == second.id  # the tracker counts it once


async def test_bad_rows_stand_beside_with_line_and_column_and_the_good_ones_go_in(tables: Tables) -> None:
    mapping = tables.write("m.yaml", EMAIL_MAPPING)
    table = tables.write(
        "h.csv",
        b"E-Mail;Habit;Date;Note\n"
        b"ana@example.org;run;01.05.2026;good\n"
        b"no address;run;01.05.2026;\n"
        b"ana@example.org;run;2026-05-02;\n"
        b"ana@example.org;;02.05.2026;\n"
        b"ana@example.org;run;02.05.2026;write to ben@example.org\n"
        b";run;02.05.2026;\n"
        b"ana@example.org;run\n"
        b"\n;;;\n"
        b'ana@example.org;run;03.05.2026;"never closed\n'
        b"ana@example.org;run;04.05.2026;caf\xe9\n"
        b"ana@example.org;run;01.01.2190;\n"
        b'ana@example.org;run;05.05.2026;"two\r\nlines"\n',
    )
    said = await tables.cairn(table, "--mapping", mapping)
    assert (said.status, said.out) == (1, "2 events imported, 1 profiles published, 9 lines rejected.\n")
    rejected = tables.rejected("h")
    assert [(each["line"], each["reason"]) for each in rejected] == [
        (3, "wrong_profile"), (4, "wrong_time"), (5, "wrong_data"), (6, "contact_data"), (7, "no_client"),
        (8, "wrong_row"), (11, "wrong_row"), (12, "not_utf8"), (13, "time_in_future"),
    ]  # fmt: skip
    assert 'column "E-Mail"' in rejected[0]["detail"]
    assert 'column "Date"' in rejected[1]["detail"]
    assert "data.title holds an address" in rejected[3]["detail"]
    assert not any("@" in each["detail"] for each in rejected)
    assert "@" not in said.out + said.err
    assert [event.data.title for event in await tables.events()] == ["good", "two\r\nlines"]


async def test_an_erased_person_is_not_taken_in_again(tables: Tables) -> None:
    mapping = tables.write("m.yaml", EMAIL_MAPPING)
    row = "ana@example.org;run;01.05.2026;\n"
    await tables.cairn(tables.write("h.csv", f"E-Mail;Habit;Date;Note\n{row}"), "--mapping", mapping)
    (ana,) = await tables.profiles()
    async with open_publisher(tables.stage.options, rate=1000) as publisher:
        admission = Admission(tables.pool, load_queries("intake"), publisher, Secrecy(KEY.encode()))  # type: ignore[arg-type]
        await admission.erase(tables.stage.tenant, ana)
    said = await tables.cairn(tables.write("i.csv", f"E-Mail;Habit;Date;Note\n{row}"), "--mapping", mapping)
    assert (said.status, said.out) == (1, "0 events imported, 1 lines rejected.\n")
    assert tables.rejected("i")[0]["reason"] == "erased"
    assert len(await tables.events()) == 1
    assert (await tables.stage.records(CLIENTS))[-1].value is None


async def test_an_interrupted_table_goes_on_and_every_row_arrives(tables: Tables) -> None:
    mapping = tables.write("m.yaml", EMAIL_MAPPING)
    rows = "".join(f'c{n % 50}@example.org;h{n};01.05.2026;"line\nbreak"\n' for n in range(600))
    table = tables.write("h.csv", f"E-Mail;Habit;Date;Note\n{rows}nonsense\n")
    command = ("import", table, "--mapping", mapping, "--tenant", tables.stage.tenant)
    process = await tables.stage.start(*command, "--rate", "200", **tables.environment())
    async with asyncio.timeout(30):
        while not table.with_name("h.csv.checkpoint.json").exists():  # noqa: ASYNC110 - a file gives no event
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    other = tables.write("n.yaml", EMAIL_MAPPING + "source: app\n")
    assert "another mapping" in (await tables.cairn(table, "--mapping", other)).err
    said = await tables.cairn(table, "--mapping", mapping, "--rate", "5000")
    assert "Went on after line" in said.out
    assert "600 events imported" in said.out
    events = await tables.events()
    assert {event.data.habit_id for event in events} == {f"h{n}" for n in range(600)}
    assert len({event.id for event in events}) == 600
    assert len(await tables.profiles()) == 50
    assert [each["line"] for each in tables.rejected("h")] == [1202]
