"""Settings, metrics and commands are an interface: what the documents name is what the code has."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from prometheus_client.metrics import MetricWrapperBase

from agents import metrics, settings
from agents.cli import SUBJECTS, load

ROOT = Path(__file__).parents[1]
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
_SAMPLED = re.compile(
    r'Sampled\(\s*"(?P<name>cairn_\w+)",\s*"(?P<meaning>[^"]+)"|'
    r'^\s+\("(?P<name2>cairn_\w+)", "(?P<meaning2>[^"]+)"',
    re.MULTILINE,
)


def metric_names() -> dict[str, tuple[tuple[str, ...], str]]:
    """Every metric by the name that Prometheus shows, with its labels and meaning."""
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            suffix = "_total" if metric._type == "counter" else ""
            found[metric._name + suffix] = (tuple(metric._labelnames), metric._documentation)
    for path in sorted((ROOT / "agents").rglob("*.py")):
        for match in _SAMPLED.finditer(path.read_text(encoding="utf-8")):
            found[match["name"] or match["name2"]] = ((), match["meaning"] or match["meaning2"])
    return found


def command_paths() -> list[tuple[str, str]]:
    """Every command with the first line of its help."""
    return sorted(_walk(typer.main.get_command(load()), ()))


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from _walk(below, (*path, name))
    else:
        yield " ".join(path), (command.help or "").splitlines()[0]


def test_every_setting_stands_in_the_example_and_nothing_else_does() -> None:
    kinds = (settings.TrackSettings, settings.DeliverSettings, settings.ServeSettings)
    names = {f"CAIRN_{name.upper()}" for kind in kinds for name in kind.model_fields}
    clock = {name for name in names if name.startswith("CAIRN_CLOCK_")}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#? ?(CAIRN_\w+)=", example, re.MULTILINE)) == names - clock


def test_every_metric_is_documented_with_its_meaning_and_nothing_else_is() -> None:
    documented = dict(re.findall(r"^\| `(cairn_\w+)` \|[^|]*\| (.+) \|$", OPERATE, re.MULTILINE))
    assert documented == {name: meaning for name, (_, meaning) in metric_names().items()}


def test_metrics_are_named_by_base_units_and_carry_no_personal_label() -> None:
    for name, (labels, _) in metric_names().items():
        assert not re.search(r"_(ms|millis|minutes_total|kb)$", name), name
        assert not {"client", "tenant", "email", "event_id"} & set(labels), name


def test_every_command_is_documented_and_nothing_else_is() -> None:
    documented = dict(re.findall(r"^\| `cairn ([a-z -]+)` \| (.+) \|$", OPERATE, re.MULTILINE))
    assert documented == dict(command_paths())


def test_every_command_explains_itself_in_a_sentence() -> None:
    for path, meaning in command_paths():
        assert meaning[0].isupper(), path
        assert meaning.endswith("."), path


def test_every_metric_of_the_catalogue_is_fed() -> None:
    code = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "agents").rglob("*.py") if p.name != "metrics.py")
    metric_constants = [name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)]
    assert [name for name in metric_constants if not re.search(rf"\b{name}\b", code) and name.isupper()] == []


def test_a_command_is_there_when_only_its_own_subject_is_imported() -> None:
    named = {path.split(" ")[0] for path, _ in command_paths()}
    assert set(SUBJECTS) == named
    asks = "import sys, typer, agents.cli as cli; print(*typer.main.get_command(cli.load(sys.argv[1])).commands)"
    for subject in set(SUBJECTS.values()):
        commands = {command for command, of in SUBJECTS.items() if of == subject}
        asked = (sys.executable, "-c", asks, min(commands))
        said = subprocess.run(asked, capture_output=True, text=True, check=True)
        assert commands <= set(said.stdout.split())
