"""Renews `kafka_jars.txt`: `python -m agents.embedded.pin_jars`, as `make lock` calls it.

Must never run outside development: everybody else takes the pins as they are.

Theory of operation: jgo resolves the closure of the broker by Maven's rules; each jar is downloaded, which
checks the repository's SHA-1, and its SHA-256 is written down.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext, PythonResolver

from agents.embedded.jars import PINS

_KAFKA = "4.1.1"
_ROOTS = (f"org.apache.kafka:kafka_2.13:{_KAFKA}", "org.slf4j:slf4j-simple:1.7.36")


def main() -> None:
    """Resolve, download, write the pins."""
    with tempfile.TemporaryDirectory() as scratch:
        maven = MavenContext(resolver=PythonResolver(), repo_cache=Path(scratch), local_repos=[], timeout=60)
        roots = [maven.create_dependency(coordinate) for coordinate in _ROOTS]
        inputs, transitive = maven.resolver.resolve(roots)
        pins = sorted(_pin(dependency.artifact) for dependency in [*inputs, *transitive])
    head = f"# Apache Kafka {_KAFKA} as a broker, and nothing else. Renewed by `make lock`.\n"
    PINS.write_text(head + "".join(pins))
    sys.stdout.write(f"{PINS.name}: {len(pins)} jars\n")


def _pin(artifact: Artifact) -> str:
    sha256 = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
    return f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {sha256}\n"


if __name__ == "__main__":
    main()
