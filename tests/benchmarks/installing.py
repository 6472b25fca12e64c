"""Where peers run: each Python peer in a virtual environment of its own, the Java peer from its compiled classes.

Both are made in build/peers when first asked for, from what is pinned by content beside the peer (hashes of packages,
SHA-256 of jars), and made anew when that changes. Nothing but Python 3.11 and the package registries is needed.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from agents.embedded.jars import JarUnavailableError
from tests.benchmarks.peer import NotMeasuredError
from tests.toolchains import compile_java, java

PEERS = Path(__file__).with_name("peers")
_PLACES = Path(__file__).parents[2] / "build" / "peers"
_INSTALL_SECONDS = 600


def python_of(name: str) -> Path:
    """The interpreter of a Python peer, with what `peers/NAME.txt` pins and nothing else.

    Raises:
        NotMeasuredError: the packages could not be installed; the text quotes pip.
    """
    pins = PEERS / f"{name}.txt"
    place = _PLACES / name
    interpreter = place / "bin" / "python"
    if not _is_made_of(place, [pins]):
        sys.stderr.write(f"installing the packages of {name}, once\n")
        shutil.rmtree(place, ignore_errors=True)
        _run(sys.executable, "-m", "venv", place)
        quiet = ("--quiet", "--disable-pip-version-check")
        _run(interpreter, "-m", "pip", "install", *quiet, "--require-hashes", "--no-deps", "-r", pins)
        _stamp(place, [pins])
    return interpreter


def java_of(name: str) -> list[str]:
    """The beginning of the command of a Java peer: sources in `peers/NAME`, jars in `peers/NAME.txt`.

    Raises:
        NotMeasuredError: the jars could not be fetched.
        RuntimeError: a source has a fault; the text quotes the compiler.
    """
    pins = PEERS / f"{name}.txt"
    sources = sorted((PEERS / name).glob("*.java"))
    place = _PLACES / name
    try:
        if not _is_made_of(place, [pins, *sources]):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            compile_java(sources, place, pins=pins)
            _stamp(place, [pins, *sources])
        return java(classes=place, pins=pins)
    except JarUnavailableError as error:
        raise NotMeasuredError(str(error)) from error


def _is_made_of(place: Path, files: Iterable[Path]) -> bool:
    stamp = place / "made-of"
    return stamp.exists() and stamp.read_text() == _digest(files)


def _stamp(place: Path, files: Iterable[Path]) -> None:
    (place / "made-of").write_text(_digest(files))


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        raise NotMeasuredError(f"{' '.join(map(str, command[:4]))} ... ended with {done.returncode}:\n{done.stderr}")
