"""Frames: how a record stands in the spool's file: its length, its CRC-32, and itself in MessagePack.

Reading must never take for a record what was not written as one. Where a frame is broken nothing
says where the next one begins; it is looked for by the words with which every record begins.
"""

import mmap
import os
import zlib
from collections.abc import Iterator

import msgspec

from agents.intake.outgoing import Outgoing

_HEAD_BYTES = 8
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Outgoing).decode
_MARK = b"\xa5topic"  # a record's first name, behind the one byte that counts its names
_MARK_AT = _HEAD_BYTES + 1


def frame(record: Outgoing) -> bytes:
    """The record as it is written."""
    body = _encode(record)
    return len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body


def frames(file: int, start: int, end: int) -> Iterator[tuple[Outgoing, int]]:
    """Records from `start` up to `end`, each with the bytes that it takes, or to the first broken one."""
    while (body := _body(file, start, end)) is not None:
        size = _HEAD_BYTES + len(body)
        yield _decode(body), size
        start += size


def whole_stretches(file: int, end: int) -> Iterator[tuple[int, int]]:
    """Where whole frames stand up to `end`, each stretch by its start and end; between them frames are broken."""
    start: int | None = 0
    while start is not None:
        behind = start + sum(size for _, size in frames(file, start, end))
        if behind > start:
            yield start, behind
        start = _next_whole(file, behind, end)


def _next_whole(file: int, broken: int, end: int) -> int | None:
    """Where the first whole frame behind the broken one begins."""
    if broken >= end:
        return None
    with mmap.mmap(file, end, access=mmap.ACCESS_READ) as text:
        at = text.find(_MARK, broken + 1 + _MARK_AT)
        while at >= 0:
            if _body(file, at - _MARK_AT, end) is not None:
                return at - _MARK_AT
            at = text.find(_MARK, at + 1)
    return None


def _body(file: int, start: int, end: int) -> bytes | None:
    """What the frame at `start` holds, if it is whole and ends before `end`."""
    head = os.pread(file, min(_HEAD_BYTES, end - start), start)
    length = int.from_bytes(head[:4], "big")
    if not length or start + _HEAD_BYTES + length > end:
        return None
    body = os.pread(file, length, start + _HEAD_BYTES)
    return body if zlib.crc32(body) == int.from_bytes(head[4:], "big") else None
