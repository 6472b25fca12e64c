"""`cairn` in odd surroundings: `python -m tests.chaos.surrounded '{"detour": 9093, "clock_seconds": 600}' track`.

Every connection to the broker is led through a proxy, every look at the wall clock finds it ahead or behind. The
monotonic clock, from which time-outs are measured, stays as it is, as under a wrong NTP server.
"""

import json
import sys
import time

import time_machine

from tests.integration.engine.worker import detour


def main() -> None:
    """Run the command that is left on the line."""
    odd = json.loads(sys.argv.pop(1))
    if odd["detour"]:
        detour(odd["detour"])
    if odd["clock_seconds"]:
        time_machine.travel(time.time() + odd["clock_seconds"]).start()
    from agents.cli import load

    load()()


if __name__ == "__main__":
    main()
