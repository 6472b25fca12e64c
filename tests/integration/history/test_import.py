"""`cairn import` on a real broker: silent, slow, and from where it was left."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from schemas.topics import EVENTS
from tests.integration.history.stage import Stage, habit


def write(path: Path, *lines: object) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def file(stage: Stage, tmp_path: Path) -> Path:
    """600 days of one client."""
    events = (habit("ana", 1, tenant=stage.tenant, id=f"e{number}") for number in range(600))
    return write(tmp_path / "history.jsonl", *events)


async def imported(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(record.value or b"") for record in await stage.records(EVENTS)]


async def test_history_is_silent_unless_it_is_live(stage: Stage, tmp_path: Path) -> None:
    event = habit("ana", 1, tenant=stage.tenant, traceparent="00-1", receivedat="2020-01-01T00:00:00Z")
    silent, live = write(tmp_path / "a.jsonl", event), write(tmp_path / "b.jsonl", event)
    said = await stage.cairn("import", silent, "--tenant", stage.tenant)
    assert (said.status, said.out) == (0, "1 events imported, 0 lines rejected.\n")
    await stage.cairn("import", live, "--tenant", stage.tenant, "--live")
    first, second = await imported(stage)
    del event["receivedat"]
    assert (first, second) == ({**event, "silent": True}, event)


async def test_a_missing_tenant_and_id_are_filled_in_the_same_way_each_time(stage: Stage, tmp_path: Path) -> None:
    event = {name: value for name, value in habit("ana", 1, tenant="").items() if name not in {"id", "tenantid"}}
    turned = dict(reversed(event.items()))
    file = write(tmp_path / "history.jsonl", event, turned, {**event, "time": "2026-05-02T07:00:00Z"})
    await stage.cairn("import", file, "--tenant", stage.tenant)
    one, same, other = await imported(stage)
    assert one["id"] == same["id"] != other["id"]
    assert one["tenantid"] == stage.tenant


async def test_bad_lines_stand_beside_with_number_and_reason_and_the_good_ones_go_in(
    stage: Stage, tmp_path: Path
) -> None:
    good = habit("ana", 1, tenant=stage.tenant)
    file = write(
        tmp_path / "history.jsonl",
        "nonsense", good, "", habit("ana", 2, tenant="other"), {**good, "id": "f", "time": "2190-01-01T00:00:00Z"},
        {**good, "data": {}}, "x" * 70_000,
    )  # fmt: skip
    said = await stage.cairn("import", file, "--tenant", stage.tenant)
    assert (said.status, said.out) == (1, "1 events imported, 5 lines rejected.\n")
    assert "history.rejected.jsonl" in said.err
    rejected = read(tmp_path / "history.rejected.jsonl")
    assert [(line["line"], line["reason"]) for line in rejected] == [
        (1, "not_json"), (4, "wrong_envelope"), (5, "time_in_future"), (6, "wrong_data"), (7, "too_large"),
    ]  # fmt: skip
    assert rejected[0]["content"] == "nonsense"
    assert [event["id"] for event in await imported(stage)] == ["ana-1"]


async def test_a_dry_run_tells_what_stands_in_the_file_and_touches_nothing(stage: Stage, tmp_path: Path) -> None:
    file = write(
        tmp_path / "history.jsonl",
        habit("ana", 1, tenant=stage.tenant), habit("ben", 3, tenant=stage.tenant), "nonsense",
    )  # fmt: skip
    said = await stage.cairn("import", file, "--tenant", stage.tenant, "--dry-run")
    assert said.status == 1
    for told in (
        "habit.checked",
        "2 events of 2 clients",
        "2026-05-01T07:00:00",
        "1 lines would be rejected: not_json",
    ):
        assert told in said.out
    assert "line 3: not_json" in said.err
    assert await imported(stage) == []
    assert names(tmp_path) == {"history.jsonl"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_an_interrupted_import_goes_on_and_every_event_arrives(
    stage: Stage, file: Path, number: signal.Signals
) -> None:
    with file.open("a") as more:
        more.write("nonsense\n")
    command = ("import", file, "--tenant", stage.tenant, "--rate", "60")
    process = await stage.start(*command)
    checkpoint = file.with_name("history.jsonl.checkpoint.json")
    async with asyncio.timeout(20):
        while not checkpoint.exists():  # noqa: ASYNC110 - a file gives no event
            await asyncio.sleep(0.02)
    process.send_signal(number)
    out, err = await process.communicate()
    assert process.returncode in {-signal.SIGKILL, 130}, (out, err)
    said = await stage.cairn(*command[:-1], "5000")
    assert said.status == 1
    assert "Went on after line" in said.out
    assert "600 events imported, 1 lines rejected." in said.out
    ids = [event["id"] for event in await imported(stage)]
    assert set(ids) == {f"e{number}" for number in range(600)}
    assert len(ids) <= 600 + 20  # at most the chunk that was under way came twice
    assert [line["line"] for line in read(file.with_name("history.rejected.jsonl"))] == [601]


async def test_what_was_imported_is_not_imported_again(stage: Stage, file: Path) -> None:
    command = ("import", file, "--tenant", stage.tenant, "--rate", "5000")
    assert (await stage.cairn(*command)).status == 0
    again = await stage.cairn(*command)
    assert again.status == 0
    assert "Nothing was left to do: all 600 lines were imported before." in again.out
    assert len(await imported(stage)) == 600


async def test_another_file_tenant_or_manner_does_not_go_on_from_a_checkpoint(stage: Stage, file: Path) -> None:
    await stage.cairn("import", file, "--tenant", stage.tenant, "--rate", "5000")
    for changed, more, text in (
        ("", ("--tenant", f"{stage.tenant}2"), "another tenant"),
        ("", ("--tenant", stage.tenant, "--live"), "the other choice of --live"),
        ("\n", ("--tenant", stage.tenant), "another file"),
    ):
        with file.open("a") as appended:
            appended.write(changed)
        said = await stage.cairn("import", file, *more)
        assert said.status == 2
        assert text in said.err.replace("\n", " ")


async def test_the_rate_is_kept(stage: Stage, file: Path) -> None:
    began = asyncio.get_running_loop().time()
    await stage.cairn("import", file, "--tenant", stage.tenant, "--rate", "300")
    assert asyncio.get_running_loop().time() - began > 1.5


async def test_a_file_that_is_not_there_is_wrong_input(stage: Stage, tmp_path: Path) -> None:
    assert (await stage.cairn("import", tmp_path / "none.jsonl", "--tenant", stage.tenant)).status == 2
