"""The tenant's folder of the play, as an operator would write it, with secrets made anew each time.

The rulebook is the starter that ships. One thing differs, because a day of the play takes less
than a second: a message may be minutes of real time late without being stale.
"""

import base64
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from demo.people import COACHES, PRACTICE_ZONE

TENANT = "northridge"
ACCOUNT = "41"
PRACTICE_NAME = "Northridge Strength"
STARTER = Path(__file__).parents[1] / "deploy" / "rulebooks" / "starter.yaml"
_EXPIRES = re.compile(r"expires: \w+")
_RULE_ID = re.compile(r"^\s*-\s*\{id: ([\w-]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the tools of the practice and Cairn share; never printed."""

    acuity_path: str = field(default_factory=secrets.token_urlsafe, repr=False)
    acuity_key: str = field(default_factory=secrets.token_urlsafe, repr=False)
    tracker_path: str = field(default_factory=secrets.token_urlsafe, repr=False)
    tracker_key: str = field(default_factory=lambda: f"whsec_{_random_base64()}", repr=False)
    pull_key: str = field(default_factory=secrets.token_urlsafe, repr=False)
    inbox_key: str = field(default_factory=secrets.token_urlsafe, repr=False)


def _random_base64() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def rulebook_text() -> str:
    """The starter rulebook with patience for a fast calendar."""
    return _EXPIRES.sub("expires: 60d", STARTER.read_text(encoding="utf-8"))


def rule_ids(rulebook: str) -> frozenset[str]:
    """The rules that the rulebook switches on."""
    return frozenset(_RULE_ID.findall(rulebook))


def write_tenant(tenants: Path, secrets_dir: Path, keys: Secrets, *, acuity_url: str, habits_url: str) -> None:
    """Write the folder and the secret files."""
    folder = tenants / TENANT
    folder.mkdir(parents=True, exist_ok=True)
    _write_yaml(folder / "tenant.yaml", _tenant(acuity_url, habits_url))
    _write_yaml(folder / "coaches.yaml", {"coaches": _coaches()})
    (folder / "rulebook.yaml").write_text(rulebook_text(), encoding="utf-8")
    _write_secrets(secrets_dir / TENANT, keys)


def _tenant(acuity_url: str, habits_url: str) -> dict[str, object]:
    return {
        "name": PRACTICE_NAME,
        "timezone": PRACTICE_ZONE.key,
        "sender": {"from_name": PRACTICE_NAME, "from_address": "hello@northridge.example.org"},
        "sources": [
            {
                "kind": "acuity",
                "name": "acuity",
                "account": ACCOUNT,
                "user_id": ACCOUNT,
                "base_url": acuity_url,
                "completed_labels": ["Completed"],
            },
            {"kind": "standard_webhooks", "name": "tracker"},
            {"kind": "habit_pull", "name": "habits", "base_url": habits_url, "at": "04:00"},
        ],
    }


def _coaches() -> list[dict[str, str]]:
    return [
        {"id": coach.id, "name": coach.name, "email": coach.email, "timezone": PRACTICE_ZONE.key} for coach in COACHES
    ]


def _write_yaml(path: Path, content: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def _write_secrets(folder: Path, keys: Secrets) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, secret in (
        ("acuity.path", keys.acuity_path),
        ("acuity.key", keys.acuity_key),
        ("tracker.path", keys.tracker_path),
        ("tracker.key", keys.tracker_key),
        ("habits.key", keys.pull_key),
        ("inbox_key", keys.inbox_key),
    ):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(f"{secret}\n", encoding="utf-8")
