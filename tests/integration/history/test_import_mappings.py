"""`cairn import` of tables that need no database, on a real broker: guesses, mappings and ways of writing."""

import asyncio
from pathlib import Path

import pytest

from schemas.codec import decode_event
from schemas.topics import EVENTS
from tests.integration.history.stage import Stage


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_table_by_client_id_needs_no_database_and_is_silent(stage: Stage, tmp_path: Path) -> None:
    table = tmp_path / "history.csv"
    table.write_text("Client ID,TYPE,Time,Habit ID\nana,habit.checked,2026-05-01T07:00:00+02:00,run\n")
    said = await stage.cairn("import", table, "--tenant", stage.tenant, "--yes")
    assert said.status == 0, said.err
    assert said.out.endswith("1 events imported, 0 lines rejected.\n")
    (record,) = await stage.records(EVENTS)
    event = decode_event(record.headers, record.value)
    assert (event.client, event.type, event.silent, event.data.habit_id) == ("ana", "habit.checked", True, "run")
    assert record.key == f"{stage.tenant}/ana".encode()


async def test_live_leaves_events_loud(stage: Stage, tmp_path: Path) -> None:
    table = tmp_path / "history.csv"
    table.write_text("client,type,time,habit\nana,habit.checked,2026-05-01,run\n")
    assert (await stage.cairn("import", table, "--tenant", stage.tenant, "--yes", "--live")).status == 0
    (record,) = await stage.records(EVENTS)
    assert not decode_event(record.headers, record.value).silent


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.csv", b"\xef\xbb\xbfclient,type,time,title\nana,note.kept,2026-05-01,caf\xc3\xa9\n"),
        ("semicolons.csv", "Client;Type;Time;Title\r\nana;note.kept;2026-05-01;café\r\n".encode()),
        ("tabs.tsv", "CLIENT\tTYPE\tTIME\tTITLE\nana\tnote.kept\t2026-05-01\tcafé\n".encode()),
        ("quoted.csv", '"client","type","time","title"\n"ana","note.kept","2026-05-01","café"'.encode()),
    ],
)
async def test_tables_are_read_as_spreadsheets_write_them(
    stage: Stage, tmp_path: Path, name: str, content: bytes
) -> None:
    table = tmp_path / name
    table.write_bytes(content)
    said = await stage.cairn("import", table, "--tenant", stage.tenant, "--yes")
    assert said.status == 0, said.err
    (record,) = await stage.records(EVENTS)
    assert decode_event(record.headers, record.value).data == {"title": "café"}


async def test_a_guess_is_shown_and_nothing_is_sent_until_somebody_agrees(stage: Stage, tmp_path: Path) -> None:
    table = tmp_path / "h.csv"
    table.write_text("E-Mail,Habit,Date,Mood\nana@example.org,run,28.05.2026,[red]good\n")
    for more in ((), ("--dry-run",)):
        said = await stage.cairn("import", table, "--tenant", stage.tenant, *more, COLUMNS="200")
        for told in ("email: E-Mail", "constant: habit.checked", "%d.%m.%Y", "Not used: Mood", "habit_id run"):
            assert told in said.out
        assert "ana@example.org" not in said.out + said.err
    assert said.status == 0
    assert "1 events of 1 clients would be imported, in silence." in said.out
    refused = await stage.cairn("import", table, "--tenant", stage.tenant)
    assert (refused.status, "Nothing was sent" in refused.err) == (1, True)
    assert await stage.records(EVENTS) == []
    assert names(tmp_path) == {"h.csv"}


async def test_the_guess_written_down_is_a_mapping_that_says_the_same(stage: Stage, tmp_path: Path) -> None:
    table = tmp_path / "h.csv"
    table.write_text("client,Habit,Date\nana,run,28.05.2026\n")
    said = await stage.cairn("import", table, "--tenant", stage.tenant, "--yes")
    written = said.out[said.out.index("client:") : said.out.index("Times without")]
    mapping = tmp_path / "m.yaml"
    mapping.write_text(written)
    again = await stage.cairn("import", table, "--tenant", stage.tenant, "--mapping", mapping)
    assert "Nothing was left to do" in again.out


@pytest.mark.parametrize(
    ("header", "mapping", "expected"),
    [
        ("client,Type,type,time", None, ["names the column", "Type", "2 times"]),
        ("who,what", None, ["client_id or email", "type and time", "--mapping"]),
        ("ana@example.org,habit.checked", None, ["line 1 holds an address"]),
        (
            "client,when",
            "client: {id: Klient}\nevent:\n  type: {constant: habit.checked}\n  time: {column: wen, format: '%'}\n",
            ["m.yaml:4: event.time.format: not a date format"],
        ),
        (
            "client,when",
            "client: {id: Klient}\nevent:\n  type: {constant: habit.checked}\n  time: wen\n  data:\n    habit: when\n",
            [
                'm.yaml:1: client.id: the table has no column "Klient"; the nearest is "client"',
                'm.yaml:4: event.time: the table has no column "wen"; the nearest is "when"',
                "m.yaml:5: event.data: habit.checked needs habit_id",
                "m.yaml:6: event.data.habit: habit.checked has no such field",
            ],
        ),
        ("client,when", "client: {id: client}\nevent: {type: client, time: when, data: {email: when}}\n",
         ["m.yaml:2: event.data.email", "contact data"]),
        ("client,when", "client: [", ["m.yaml:1"]),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_said_at_once_and_is_wrong_input(
    stage: Stage, tmp_path: Path, header: str, mapping: str | None, expected: list[str]
) -> None:
    table = tmp_path / "h.csv"
    table.write_text(f"{header}\na,b\n")
    options: list[object] = []
    if mapping:
        (tmp_path / "m.yaml").write_text(mapping)
        options = ["--mapping", tmp_path / "m.yaml"]
    said = await stage.cairn("import", table, "--tenant", stage.tenant, "--yes", *options)
    assert said.status == 2
    assert [text for text in expected if text not in said.err] == [], said.err
    assert "ana@" not in said.err


async def test_the_rate_of_a_table_is_kept(stage: Stage, tmp_path: Path) -> None:
    table = tmp_path / "h.csv"
    table.write_text("client,habit,date\n" + "".join(f"c{n},run,2026-05-01\n" for n in range(600)))
    began = asyncio.get_running_loop().time()
    await stage.cairn("import", table, "--tenant", stage.tenant, "--yes", "--rate", "300")
    assert asyncio.get_running_loop().time() - began > 1.5


async def test_rejected_lines_never_take_the_place_of_another_file(stage: Stage, tmp_path: Path) -> None:
    table, precious = tmp_path / "history.csv", tmp_path / "precious.txt"
    table.write_text("client,type,time,habit\nana,habit.checked,2026-05-01,run\n")
    precious.write_text("precious\n")
    for rejects in (table, precious):
        before = rejects.read_text()
        said = await stage.cairn("import", table, "--tenant", stage.tenant, "--yes", "--rejects", rejects)
        assert (said.status, "name another" in said.err) == (2, True)
        assert rejects.read_text() == before
    assert await stage.records(EVENTS) == []


@pytest.mark.parametrize(
    "event",
    [
        "{type: type, time: {column: time, as: text}}",
        "{type: type, time: {constant: true}}",
        "{type: type, time: time, id: {column: habit, as: number}}",
    ],
)
async def test_who_what_and_when_are_read_in_one_way_and_a_mapping_that_says_another_is_told(
    stage: Stage, tmp_path: Path, event: str
) -> None:
    table, mapping = tmp_path / "history.csv", tmp_path / "m.yaml"
    table.write_text("client,type,time,habit\nana,habit.checked,2026-05-01,run\n")
    mapping.write_text(f"client: {{id: client}}\nevent: {event}\n")
    said = await stage.cairn("import", table, "--tenant", stage.tenant, "--dry-run", "--mapping", mapping)
    assert said.status == 2, said.err
    assert f"{mapping}:2" in said.err
    assert "Traceback" not in said.err


async def test_headers_that_no_field_can_have_are_told(stage: Stage, tmp_path: Path) -> None:
    table = tmp_path / "history.csv"
    table.write_text(f"client,type,time,data_{'x' * 80}\nana,note.kept,2026-05-01,run\n")
    said = await stage.cairn("import", table, "--tenant", stage.tenant, "--dry-run")
    assert (said.status, "--mapping" in said.err, "Traceback" in said.err) == (2, True, False)


async def test_a_slip_in_the_tenants_name_is_told_where_the_folders_are_known(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "iron-and-oak").mkdir()
    (tmp_path / "iron-and-oak" / "tenant.yaml").write_text("name: Iron and Oak\n")
    table = tmp_path / "history.csv"
    table.write_text("client,type,time,habit\nana,habit.checked,2026-05-01,run\n")
    said = await stage.cairn(
        "import", table, "--tenant", "iron-and-oka", "--yes", CAIRN_TENANTS_DIR=str(tmp_path), COLUMNS="200"
    )
    assert (said.status, "the nearest is iron-and-oak" in said.err) == (2, True)
    assert await stage.records(EVENTS) == []
