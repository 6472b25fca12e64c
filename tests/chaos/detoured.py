"""`cairn`, with every connection to the broker led through a proxy: `python -m tests.chaos.detoured PORT track`."""

import sys

from agents.cli import app
from tests.integration.engine.worker import detour

if __name__ == "__main__":
    detour(int(sys.argv.pop(1)))
    app()
