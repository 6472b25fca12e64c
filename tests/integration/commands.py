"""`cairn` as an operator runs it: a process of its own, judged by what it prints and how it ends."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import agents

CAIRN = str(Path(sys.executable).with_name("cairn"))
TENANT = """
name: Northstar Strength
timezone: Europe/Vienna
sender: {from_name: Northstar, from_address: hello@northstar.example}
"""
COACHES = "coaches: [{id: jo, name: Jo Keller, email: jo@northstar.example}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a command ended, and what it printed, with all white space and frames folded."""

    status: int
    out: str
    err: str


async def cairn(*words: str, settings: Mapping[str, str], stdin: str = "") -> Answer:
    """Run one command in an environment that holds these settings only, with this on its standard input."""
    process = await asyncio.create_subprocess_exec(
        CAIRN,
        *words,
        env={"COLUMNS": "200", "PYTHONPATH": str(Path(agents.__file__).parents[1]), **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Answer(status=process.returncode, out=_folded(out), err=_folded(err))


def _folded(printed: bytes) -> str:
    return " ".join(printed.decode().replace("│", " ").replace("┃", " ").split())


def write_tenant(folder: Path, name: str = "northstar") -> Path:
    """A tenant's folder, with the starter rulebook, among those below `folder`."""
    (folder / name).mkdir(parents=True)
    (folder / name / "tenant.yaml").write_text(TENANT, encoding="utf-8")
    (folder / name / "coaches.yaml").write_text(COACHES, encoding="utf-8")
    return folder
