"""The public port: which doors it has."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agents.serve import public_app
from agents.settings import ServeSettings
from tests.sample_milestones import tenant


def test_the_public_port_has_the_page_for_coaches_and_their_approvals(tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "kafka_bootstrap_servers": "kafka:9092",
        "partitions": 8,
        "database_url": "postgresql://postgres/cairn",
        "tenants_dir": tmp_path,
        "secrets_dir": tmp_path,
        "public_url": "https://cairn.example",
        "link_key": "l" * 32,
        "identity_key": "i" * 32,
        "spool_dir": tmp_path,
    }
    nobody: Any = SimpleNamespace(
        routes=(), admission=SimpleNamespace(erase=None, restate=None), producer=SimpleNamespace(deliver=None)
    )
    uptake: Any = SimpleNamespace(tenants=lambda: {"northstar": tenant(tmp_path)}, secrets=lambda *_: ())
    app = public_app(ServeSettings(**fields), uptake, nobody, nobody)
    doors = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    one = "/v1/admin/tenants/{tenant}/approvals/{id}"
    assert {("GET", "/a/{token}"), ("POST", "/a/{token}"), ("GET", one), ("POST", f"{one}/approve")} <= doors
