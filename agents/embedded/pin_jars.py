"""Renews `kafka_jars.txt`: `python -m agents.embedded.pin_jars`, as `make lock` calls it.

Must never run outside development: everybody else takes the pins as they are.

Theory of operation: jgo resolves the closure of the broker by Maven's rules; each jar is downloaded, which
checks the repository's SHA-1, and its SHA-256 is written down.
"""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jgo.maven import Artifact, MavenContext, PythonResolver

from agents.embedded.jars import PINS

_KAFKA = "4.1.1"
_ROOTS = (f"org.apache.kafka:kafka_2.13:{_KAFKA}", "org.slf4j:slf4j-simple:1.7.36")


def main() -> None:
    """Renew the broker's pins."""
    pin(_ROOTS, f"Apache Kafka {_KAFKA} as a broker, and nothing else. Renewed by `make lock`.", PINS)


def pin(coordinates: Sequence[str], head: str, pins: Path) -> None:
    """Resolve the closure of some artifacts, download it and write its pins.

    Args:
        coordinates: `group:artifact:version` of each.
        head: The comment at the head of the file.
        pins: The file that is written, as `jars.class_path` reads it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        maven = MavenContext(resolver=PythonResolver(), repo_cache=Path(scratch), local_repos=[], timeout=60)
        roots = [maven.create_dependency(coordinate) for coordinate in coordinates]
        inputs, transitive = maven.resolver.resolve(roots)
        lines = sorted(_pin(dependency.artifact) for dependency in [*inputs, *transitive])
    pins.write_text(f"# {head}\n" + "".join(lines))
    sys.stdout.write(f"{pins.name}: {len(lines)} jars\n")


def _pin(artifact: Artifact) -> str:
    sha256 = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
    return f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {sha256}\n"


if __name__ == "__main__":
    main()
