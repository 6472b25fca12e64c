"""Brings the jars of the embedded broker from Maven Central into the user's cache, once.

Must never hand out a jar whose content is not the pinned one, and never resolve versions at run time.

Theory of operation: `kafka_jars.txt` pins every jar by coordinate and SHA-256 (the full closure, without the
Connect workers and shells that a broker does not need). A jar is downloaded into a folder of its own and
moved into place in one step, so two processes that fetch at the same time at worst fetch twice. Contents are
checked on every use: 44 MB cost less than a tenth of a second.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).with_name("kafka_jars.txt")
_ATTEMPTS = 3
_PARALLEL = 6
_TIMEOUT_SECONDS = 60


class JarUnavailableError(RuntimeError):
    """A pinned jar could not be brought here, or what arrived is something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One pinned jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """Its name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def class_path(report: Callable[[str], None], *, what: str = "Apache Kafka", pins: Path = PINS) -> str:
    """The Java class path of the broker, or of another list of pins; missing jars are downloaded first.

    Args:
        report: Is told, in words for people, what is being fetched.
        what: What the jars are together, as people call it.
        pins: A file like `kafka_jars.txt`.

    Raises:
        JarUnavailableError: No network, or a content that is not the pinned one.
    """
    folder = _cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    jars = pinned(pins)
    missing = [jar for jar in jars if not _is_intact(folder / jar.filename, jar)]
    if missing:
        report(f"fetching {what}: {len(missing)} jars from Maven Central, once")
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda jar: _fetch(jar, folder), missing))
    return os.pathsep.join(str(folder / jar.filename) for jar in jars)


def pinned(pins: Path = PINS) -> tuple[Jar, ...]:
    """Every jar of `kafka_jars.txt`, or of another file like it."""
    lines = (line.split() for line in pins.read_text().splitlines() if line and not line.startswith("#"))
    return tuple(
        Jar(group=group, artifact=artifact, version=version, sha256=sha256)
        for coordinate, sha256 in lines
        for group, artifact, version in [coordinate.split(":")]
    )


def _cache_folder() -> Path:
    # XDG Base Directory Specification: an unset or empty variable means ~/.cache
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cairn" / "jars"


def _is_intact(path: Path, jar: Jar) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def _fetch(jar: Jar, folder: Path) -> None:
    failure: OSError | RuntimeError | None = None
    for _ in range(_ATTEMPTS):
        try:
            _download(jar, folder)
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo's are RuntimeErrors
            failure = error
        else:
            return
    raise JarUnavailableError(
        f"{jar.filename} could not be fetched from Maven Central in {_ATTEMPTS} attempts ({failure}). "
        "Check the network and HTTPS_PROXY, or name running servers instead of the embedded ones."
    ) from failure


def _download(jar: Jar, folder: Path) -> None:
    from jgo.maven import MavenContext, PythonResolver

    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        maven = MavenContext(
            resolver=PythonResolver(), repo_cache=Path(scratch), local_repos=[], timeout=_TIMEOUT_SECONDS
        )
        path = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        if not _is_intact(path, jar):
            raise JarUnavailableError(f"{jar.filename} arrived with a content other than the pinned one")
        path.replace(folder / jar.filename)
