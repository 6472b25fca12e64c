"""The OpenAPI document names every route of the public port, and is written by its own command."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agents.intake.hooks import Hooks
from agents.intake.served import Served
from agents.serve import public_app
from agents.settings import ServeSettings
from agents.web import openapi
from schemas.contracts.readable_yaml import readable_yaml
from tests.sample_milestones import tenant

DOCUMENT = openapi.openapi()


def routes(folder: Path) -> set[tuple[str, str]]:
    """What the public port answers; preflights and the page for every other address are no operations."""
    fields: dict[str, Any] = {
        "kafka_bootstrap_servers": "kafka:9092", "partitions": 8, "database_url": "postgresql://postgres/cairn",
        "tenants_dir": folder, "secrets_dir": folder, "spool_dir": folder, "public_url": "https://cairn.example",
        "link_key": "l" * 32, "identity_key": "i" * 32,
    }  # fmt: skip
    nobody: Any = SimpleNamespace(deliver=None, erase=None, restate=None)
    hooks = Hooks(Served, desk=nobody, kept=nobody, clock=nobody)
    intake: Any = SimpleNamespace(routes=hooks.routes(), admission=nobody, producer=nobody)
    uptake: Any = SimpleNamespace(tenants=lambda: {"northstar": tenant(folder)}, secrets=lambda *_: ())
    app = public_app(ServeSettings(**fields), uptake, nobody, intake)
    found = {(one.method, one.resource.canonical) for one in app.router.routes() if one.resource}
    return {(method, path) for method, path in found if method not in ("HEAD", "OPTIONS") and "{tail" not in path}


def test_the_document_names_what_the_public_port_answers(tmp_path: Path) -> None:
    named = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert named == routes(tmp_path)


def test_the_document_is_current() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == readable_yaml(DOCUMENT), "run python -m agents.web.openapi"


def test_an_operation_has_a_name_of_its_own() -> None:
    names = [one["operationId"] for methods in DOCUMENT["paths"].values() for one in methods.values()]
    assert len(set(names)) == len(names)
