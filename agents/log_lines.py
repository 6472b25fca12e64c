"""Lines of a log and of its profiles, decoded: what `cairn replay` and `cairn backtest` fold.

A line that holds no event becomes a refusal with its number, so that the others go on.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec

from schemas.client import Profile
from schemas.codec import Refused, decode_event, decode_profile
from schemas.event import Event
from schemas.text import Identifier
from streams.tracking.replay import Line


def read_lines(log: Iterable[bytes]) -> Iterator[Line]:
    """The events of a log with their line numbers; an empty line is none."""
    for number, line in enumerate(log, start=1):
        if not line.isspace():
            yield number, _event(line)


def _event(line: bytes) -> Event | Refused:
    try:
        return decode_event((), line)
    except Refused as refusal:
        return refusal


def read_profiles(clients: Path | None, err: TextIO) -> tuple[dict[str, Profile], int]:
    """The profiles by `tenant/client`, and how many lines were refused; `err` is told which."""
    profiles: dict[str, Profile] = {}
    refused = 0
    for number, line in enumerate(clients.read_bytes().splitlines() if clients else (), start=1):
        if not line.strip():
            continue
        try:
            profiles[_who(line)] = decode_profile(line)
        except Refused as refusal:
            refused += 1
            err.write(f"{clients}:{number}: {refusal}\n")
    return profiles, refused


def _who(line: bytes) -> str:
    """Whom a line of profiles is about: its `tenant` and `client`."""
    try:
        about = msgspec.json.decode(line, type=_About)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("wrong_profile", f"a line needs tenant and client: {error}") from None
    return f"{about.tenant}/{about.client}"


class _About(msgspec.Struct):
    tenant: Identifier
    client: Identifier
