"""Appends to a spool until it is killed, and says after each append that it returned."""

import asyncio
import sys
from pathlib import Path

from agents.intake.outgoing import Outgoing
from agents.intake.spool import Spool


async def _write(folder: Path) -> None:
    spool = Spool(folder, max_bytes=1 << 30)
    spool.open()
    number = 0
    while True:
        await spool.append([Outgoing(topic="t", key=str(number).encode(), value=b"x" * 5_000)])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


asyncio.run(_write(Path(sys.argv[1])))
