"""`make demo`: the worked example, from an empty folder to a report, on the real components.

Exit status: 0 when all numbers agree with the independent count, 1 when they do not, 3 when
something did not start or ended by itself, 130 when somebody ended it before the report.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from rich.console import Console

from agents.embedded.folder_lock import FolderInUseError
from agents.embedded.jars import JarUnavailableError
from agents.embedded.ports import PortTakenError
from agents.stack import ChildFailedError
from demo.perform import Options, perform
from demo.practice import FULL_CLIENTS, FULL_SEED

_FAILED = 3
_INTERRUPTED = 130


def main() -> int:
    """Run the demo; returns the exit status."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 110)
    try:
        return asyncio.run(_until_asked_to_end(options, console))
    except asyncio.CancelledError:
        console.print("Ended before the report.")
        return _INTERRUPTED
    except (ChildFailedError, FolderInUseError, JarUnavailableError, PortTakenError) as error:
        console.print(str(error), markup=False, highlight=False)
        return _FAILED


async def _until_asked_to_end(options: Options, console: Console) -> int:
    """Perform; the first SIGINT or SIGTERM cancels, further ones change nothing."""
    performing = asyncio.create_task(perform(options, console))
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not performing.cancelling():
            performing.cancel()

    for asked in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(asked, end)
    return await performing


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Plays 90 days of a coaching practice.")
    parser.add_argument("--clients", type=int, default=FULL_CLIENTS, help="how many clients (120)")
    parser.add_argument("--days", type=int, default=90, help="how many days (90)")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long the play takes (120)")
    parser.add_argument("--seed", type=int, default=FULL_SEED, help="another seed is another practice")
    parser.add_argument("--folder", type=Path, default=Path("build/demo"), help="emptied first (build/demo)")
    given = parser.parse_args()
    return Options(
        clients=given.clients,
        days=given.days,
        seconds=given.seconds,
        seed=given.seed,
        folder=given.folder,
        stays_up=sys.stdin.isatty() and sys.stdout.isatty(),
    )


if __name__ == "__main__":
    sys.exit(main())
