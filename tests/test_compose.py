"""The containers fit the code: pinned, probed, ordered, without a default secret, each with its settings and
no more."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents import settings
from agents.settings import DatabaseSettings, DeliverSettings, KafkaSettings, ServeSettings, Settings, TrackSettings

_ROOT = Path(__file__).parents[1]
_DOCKERFILE = (_ROOT / "deploy" / "Dockerfile").read_text()
_COMPOSE: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
_SERVICES: dict[str, dict[str, Any]] = _COMPOSE["services"]
_PROMETHEUS: dict[str, Any] = yaml.safe_load((_ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
_PROCESSES: dict[str, tuple[type[Settings], ...]] = {
    "provision": (KafkaSettings, DatabaseSettings),
    "track": (TrackSettings,),
    "deliver": (DeliverSettings,),
    "serve": (ServeSettings,),
}
_SECRET = re.compile(r"PASSWORD|_KEY$|DATABASE_URL")
_PIN = re.compile(r"^[a-z/]+:v?\d+\.\d+")


def fields(kinds: tuple[type[Settings], ...], *, required: bool) -> set[str]:
    return {
        f"CAIRN_{name.upper()}"
        for kind in kinds
        for name, field in kind.model_fields.items()
        if field.is_required() or not required
    }


def filled(environment: dict[str, Any]) -> dict[str, str]:
    """The environment as Compose would pass it, with an answer for everything that .env must give."""
    answers = {"CAIRN_PUBLIC_URL": "http://localhost:8080", "CAIRN_SMTP_PORT": "1025", "CAIRN_SMTP_TLS": "off"}

    def answer(match: re.Match[str]) -> str:
        return answers.get(match[1], "0123456789abcdef" * 4)

    given = {name: value for name, value in environment.items() if value is not None}
    return {name: re.sub(r"\$\{(\w+):\?[^}]+\}", answer, str(value)) for name, value in given.items()}


@pytest.mark.parametrize("name", _SERVICES)
def test_an_image_is_pinned(name: str) -> None:
    assert _PIN.match(_SERVICES[name]["image"])


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_is_probed_or_runs_once(name: str) -> None:
    service = _SERVICES[name]
    if name == "provision":
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["healthcheck"]["retries"] > 0


@pytest.mark.parametrize("name", _SERVICES)
def test_a_service_waits_for_what_it_needs(name: str) -> None:
    for needed, how in _SERVICES[name].get("depends_on", {}).items():
        once = _SERVICES[needed]["restart"] == "no"
        assert how == {"condition": "service_completed_successfully" if once else "service_healthy"}


@pytest.mark.parametrize("name", _SERVICES)
def test_a_port_is_published_to_this_machine_alone(name: str) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in _SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", _SERVICES)
def test_no_secret_has_a_default(name: str) -> None:
    for setting, value in _SERVICES[name].get("environment", {}).items():
        if _SECRET.search(setting):
            assert value is None or re.search(r"\$\{\w+:\?", value), setting
        assert ":-" not in str(value), setting


@pytest.mark.parametrize("name", _PROCESSES)
def test_a_process_gets_the_settings_that_it_reads_and_no_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment, kinds = _SERVICES[name]["environment"], _PROCESSES[name]
    assert fields(kinds, required=True) <= set(environment) <= fields(kinds, required=False)
    for setting, value in filled(environment).items():
        monkeypatch.setenv(setting, value)
    for kind in kinds:
        settings.read(kind)


def test_everything_that_env_must_give_is_in_its_example() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", (_ROOT / "docker-compose.yml").read_text()))
    passed_on = {
        name for service in _PROCESSES for name, value in _SERVICES[service]["environment"].items() if value is None
    }
    offered = set(re.findall(r"^(?:# )?(\w+)=", (_ROOT / ".env.example").read_text(), re.MULTILINE))
    assert wanted | passed_on <= offered


@pytest.mark.parametrize("name", ["track", "deliver", "serve"])
def test_probes_and_scrapes_use_the_process_own_port(name: str) -> None:
    port = _SERVICES[name]["environment"][f"CAIRN_{name.upper()}_PROBE_PORT"]
    assert _SERVICES[name]["environment"]["CAIRN_PROBE_HOST"] == "0.0.0.0"  # noqa: S104 - Prometheus is another container
    assert f"127.0.0.1:{port}/readyz" in _SERVICES[name]["healthcheck"]["test"][-1]
    (job,) = [job for job in _PROMETHEUS["scrape_configs"] if job["job_name"] == f"cairn-{name}"]
    assert job["dns_sd_configs"] == [{"names": [name], "type": "A", "port": port}]
    assert str(port) in _DOCKERFILE


def test_the_scrape_configuration_is_accepted_by_prometheus_own_tool_where_there_is_one() -> None:
    assert set(_PROMETHEUS) <= {"global", "scrape_configs", "rule_files", "alerting"}
    if promtool := shutil.which("promtool"):
        subprocess.run([promtool, "check", "config", _ROOT / "deploy" / "prometheus" / "prometheus.yml"], check=True)


def test_the_image_is_pinned_hashed_and_not_root() -> None:
    bases = re.findall(r"^FROM (\S+)", _DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(re.match(r"python:3\.11\.\d+-slim-\w+$", base) for base in bases)
    assert all(
        "--require-hashes" in line or "--no-deps" in line for line in _DOCKERFILE.splitlines() if "pip install" in line
    )
    assert re.findall(r"^USER (\S+)", _DOCKERFILE, re.MULTILINE) == ["10001"]
    assert _DOCKERFILE.rstrip().endswith('ENTRYPOINT ["cairn"]')


def test_the_image_gets_every_folder_that_it_copies() -> None:
    let_in = re.findall(r"^!(\S+?)/?$", (_ROOT / ".dockerignore").read_text(), re.MULTILINE)
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", _DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    assert {word.rstrip("/") for word in copied} == set(let_in)
    assert all((_ROOT / word).exists() for word in let_in)
