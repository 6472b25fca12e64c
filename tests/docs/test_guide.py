"""The guide for subscribers shows the programs that are tested, and says of partitions what is true."""

import re
import zlib
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2

from schemas.contracts import examples
from schemas.topics import client_key

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "subscribe.md").read_text(encoding="utf-8")
PROGRAMS = sorted(path for path in (DOCS / "examples").rglob("*") if path.suffix in {".py", ".js", ".java"})
_SHOWN = re.compile(
    r"^\[docs/(?P<named>\S+)\]\((?P<linked>\S+)\)\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_NOT_CODE = re.compile(r"\s*(?:$|//|#|/\*\*|import\b|from\b|\"\"\"|[\])}]+[,;]?$)")


def test_the_guide_shows_every_program_as_it_is_and_no_other() -> None:
    shown = {match["linked"]: match["text"] for match in _SHOWN.finditer(GUIDE)}
    assert shown == {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in PROGRAMS}
    assert all(match["named"] == match["linked"] for match in _SHOWN.finditer(GUIDE))
    assert len(re.findall(r"^```(?:python|js|java)$", GUIDE, re.MULTILINE)) == len(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_a_program_is_short(program: Path) -> None:
    code = [line for line in program.read_text(encoding="utf-8").splitlines() if not _NOT_CODE.match(line)]
    assert len(code) <= 25


def test_the_guides_key_lies_where_the_guide_says() -> None:
    key = client_key(examples.TENANT, examples.CLIENT)
    right, signed, crc = (murmur2(key) & 0x7FFFFFFF) % 24, murmur2(key) % 2**32 % 24, zlib.crc32(key) % 24
    assert f"`{key.decode()}`" in GUIDE
    assert (
        f"Of 24 partitions it belongs to {right}; with the sign bit kept it would be {signed}, with CRC32 {crc}."
        in GUIDE
    )


def test_every_link_of_the_guide_leads_to_a_file() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE):
        assert (DOCS / link).is_file(), link
