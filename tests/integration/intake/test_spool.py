"""The spool on a real disk."""

import asyncio
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from agents.intake.outgoing import Outgoing
from agents.intake.spool import Spool, SpoolDamaged, SpoolFull
from agents.intake.spool_file import SpoolInUse

WRITER = Path(__file__).with_name("spool_writer.py")


def record(number: int, *, size: int = 10) -> Outgoing:
    return Outgoing(topic="t", key=str(number).encode(), value=b"x" * size, headers=(("h", b"v"),))


def opened(folder: Path, *, max_bytes: int = 1 << 20) -> Spool:
    spool = Spool(folder, max_bytes=max_bytes)
    spool.open()
    return spool


def drained(spool: Spool) -> list[Outgoing]:
    found: list[Outgoing] = []
    while batch := spool.next_batch():
        found += batch
        spool.advance()
    return found


async def test_records_come_back_in_order_as_they_were(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await asyncio.gather(*(spool.append([record(2 * n), record(2 * n + 1)]) for n in range(50)))
    assert drained(spool) == [record(number) for number in range(100)]
    spool.close()


async def test_a_tombstone_comes_back_as_one(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([Outgoing(topic="t", key=b"k", value=None)])
    assert drained(spool)[0].value is None
    spool.close()


async def test_a_batch_is_read_again_until_it_is_passed(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1)])
    assert spool.next_batch() == spool.next_batch() == (record(1),)
    spool.close()


async def test_what_was_read_makes_room_once_all_of_it_was_read(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1)])
    assert not await spool.clear_if_read()
    drained(spool)
    assert await spool.clear_if_read()
    assert spool.is_empty
    await spool.append([record(2)])
    assert drained(spool) == [record(2)]
    spool.close()


async def test_its_size_is_measured_from_the_start_until_it_is_cut(tmp_path: Path) -> None:
    def told() -> float | None:
        return REGISTRY.get_sample_value("cairn_spool_bytes")

    def on_disk() -> int:
        return (tmp_path / "intake.spool").stat().st_size

    spool = opened(tmp_path)
    assert told() == 0
    await spool.append([record(1)])
    assert told() == on_disk() > 0
    spool.close()
    other = opened(tmp_path / "other")
    assert told() == 0
    other.close()
    again = opened(tmp_path)
    assert told() == on_disk() > 0
    drained(again)
    await again.clear_if_read()
    assert told() == on_disk() == 0
    again.close()


async def test_a_full_spool_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=1_000)
    await spool.append([record(1, size=800)])
    with pytest.raises(SpoolFull):
        await spool.append([record(2, size=200)])
    await spool.append([record(3, size=10)])
    assert [one.key for one in drained(spool)] == [b"1", b"3"]
    spool.close()


async def test_what_stands_in_it_is_there_after_a_restart(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1)])
    spool.close()
    again = opened(tmp_path)
    assert not again.is_empty
    assert drained(again) == [record(1)]
    again.close()


@pytest.mark.parametrize("lost", [1, 9, 20])
async def test_an_unfinished_frame_is_cut_and_the_next_append_follows_the_last_whole_one(
    tmp_path: Path, lost: int
) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1)])
    await spool.append([record(2)])
    spool.close()
    path = tmp_path / "intake.spool"
    path.write_bytes(path.read_bytes()[:-lost])
    again = opened(tmp_path)
    await again.append([record(3)])
    assert drained(again) == [record(1), record(3)]
    again.close()


async def test_a_flipped_bit_is_never_read_as_a_record(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1)])
    spool.close()
    path = tmp_path / "intake.spool"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    again = opened(tmp_path)
    assert again.is_empty
    again.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def damage(path: Path, needle: bytes) -> bytes:
    """Flip a bit where the needle stands; returns all that the file holds now."""
    raw = bytearray(path.read_bytes())
    raw[raw.index(needle)] ^= 1
    path.write_bytes(raw)
    return bytes(raw)


async def test_whole_records_behind_a_damaged_one_are_kept_and_the_damaged_file_stands_beside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1), Outgoing(topic="t", key=b"damaged", value=b"topic"), record(3), record(4)])
    spool.close()
    path = tmp_path / "intake.spool"
    damaged = damage(path, b"damaged")
    again = opened(tmp_path)
    assert (tmp_path / "intake.spool.damaged-1").read_bytes() == damaged
    assert "spool_damaged" in caplog.text + capsys.readouterr().out
    await again.append([record(5)])
    assert drained(again) == [record(1), record(3), record(4), record(5)]
    with pytest.raises(SpoolInUse):
        opened(tmp_path)
    again.close()
    third = opened(tmp_path)
    assert drained(third) == [record(1), record(3), record(4), record(5)]
    third.close()
    assert names(tmp_path) == ["intake.spool", "intake.spool.damaged-1"]


@pytest.mark.parametrize("at", range(8))
async def test_a_damaged_length_or_checksum_hides_no_record_behind_it(tmp_path: Path, at: int) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1), record(2), record(3)])
    spool.close()
    path = tmp_path / "intake.spool"
    raw = bytearray(path.read_bytes())
    raw[at] ^= 64
    raw += b"torn"
    path.write_bytes(raw)
    again = opened(tmp_path)
    assert drained(again) == [record(2), record(3)]
    again.close()


async def test_a_record_that_was_damaged_while_it_waited_is_told_and_not_waited_for(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1), Outgoing(topic="t", key=b"damaged", value=b"x"), record(3)])
    damage(tmp_path / "intake.spool", b"damaged")
    assert spool.next_batch() == (record(1),)
    spool.advance()
    with pytest.raises(SpoolDamaged, match="cannot be read at byte"):
        spool.next_batch()
    assert not await spool.clear_if_read()
    spool.close()


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(SpoolInUse, match="another process"):
        opened(tmp_path)
    spool.close()


async def test_who_gives_up_waiting_spoils_no_other_append(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    appends = [asyncio.create_task(spool.append([record(number)])) for number in range(20)]
    await asyncio.sleep(0)
    for append in appends[::2]:
        append.cancel()
    ended = await asyncio.gather(*appends, return_exceptions=True)
    await spool.append([record(20)])
    kept = drained(spool)
    spool.close()
    assert [end for end in ended if end is not None and not isinstance(end, asyncio.CancelledError)] == []
    assert kept == [record(number) for number in range(21)]


async def test_a_disk_that_refuses_is_said_to_the_caller_and_nothing_is_kept(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await spool.append([record(1)])
    spool.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await spool.append([record(2)])
    again = opened(tmp_path)
    assert drained(again) == [record(1)]
    again.close()


async def test_every_append_that_returned_survives_kill_9(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(200)]
    process.kill()
    lines += (await process.stdout.read()).splitlines()
    await process.wait()
    spool = opened(tmp_path)
    kept = [int(one.key) for one in drained(spool)]
    spool.close()
    returned = [int(line) for line in lines]
    assert kept[: len(returned)] == returned == list(range(len(returned)))
