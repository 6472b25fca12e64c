"""`make chaos`."""

import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.chaos import play, world
from tests.chaos.rows import ROWS


async def main() -> int:
    console = Console()
    names = sys.argv[1].split(",")
    with tempfile.TemporaryDirectory(prefix="cairn-chaos-") as name:
        async with world.opened(Path(name), console) as w, play.opened(w) as theatre:
            for row in ROWS:
                if row.name in names:
                    out = await theatre.play(row, seed=1, rate=3000, cycles=int(sys.argv[2]), tell=console.print)
                    console.print(out, out.is_good)
            console.print(await theatre.judge_all())
    return 0


sys.exit(asyncio.run(main()))
