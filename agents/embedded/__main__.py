"""Keeps a broker and a database running in the foreground, for developers who run tests often.

    python -m agents.embedded [FOLDER]

prints the two lines to export, and stops both on Ctrl-C. Must never be how a service is run.
"""

import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from agents.embedded.kafka import EmbeddedKafka
from agents.embedded.postgres import EmbeddedPostgres


def main() -> None:
    """Run until a signal asks for the end."""
    ended = threading.Event()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, lambda *_: ended.set())
    with ExitStack() as stack:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else stack.enter_context(tempfile.TemporaryDirectory()))
        kafka = EmbeddedKafka(folder / "kafka", report=_report)
        postgres = EmbeddedPostgres(folder / "postgres", durable=False, report=_report)
        for server in (postgres, kafka):
            stack.callback(server.stop)
            server.start()
        sys.stdout.write(f"export CAIRN_TEST_KAFKA={kafka.bootstrap_servers}\n")
        sys.stdout.write(f"export CAIRN_TEST_POSTGRES={postgres.dsn}\n")
        sys.stdout.flush()
        ended.wait()


def _report(step: str) -> None:
    sys.stderr.write(f"{step}\n")


if __name__ == "__main__":
    main()
