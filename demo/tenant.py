"""The tenant's folder of the play, as an operator would write it, with secrets made anew each time.

The rulebook is the starter that ships, but for three things. A day of the play takes less than a
second, and hooks and pulls take as long as ever: so messages may be late without being stale, a
label may come a week after its session, and a check five days after its day, before anything
is concluded from their absence. It is a small practice that trusts its budget: a gift within it
waits for nobody. And a streak's badge has a page of its own.
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
PRACTICE_HOST = "northridge.example.org"
_SITE = f"https://{PRACTICE_HOST}"
GIFT_PRODUCT = "OKMHM2X2OHYV"
_EXPIRES = re.compile(r"expires: \w+")
_CHANGES = (
    ("grace_hours: 36 ", "grace_hours: 120"),
    ("session_hold_off_minutes: 120  ", "session_hold_off_minutes: 10080"),
    (
        "# How each tier is answered",
        "# Gifts within the budget wait for nobody: approval is never.\n# How each tier is answered",
    ),
    ("approval: money", "approval: never"),
    ("streak: {channels: [email, in_app]", "streak: {channels: [email, badge, in_app]"),
)
"""What the practice has written differently into the starter, each found once."""

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
    gift_key: str = field(default_factory=secrets.token_urlsafe, repr=False)


def _random_base64() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def rulebook_text() -> str:
    """The practice's rulebook: the starter, with patience for a fast calendar and trust in the budget.

    Raises:
        ValueError: the starter does not hold what the practice changes.
    """
    text = _EXPIRES.sub("expires: 60d", STARTER.read_text(encoding="utf-8"))
    for theirs, ours in _CHANGES:
        if text.count(theirs) != 1:
            raise ValueError(f"the starter rulebook holds this {text.count(theirs)} times, not once: {theirs}")
        text = text.replace(theirs, ours)
    return text


def rule_ids(rulebook: str) -> frozenset[str]:
    """The rules that the rulebook switches on."""
    return frozenset(_RULE_ID.findall(rulebook))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """Where the practice's tools answer."""

    acuity_url: str
    habits_url: str
    gifts_url: str


def write_tenant(tenants: Path, secrets_dir: Path, keys: Secrets, vendors: Vendors) -> None:
    """Write the folder and the secret files."""
    folder = tenants / TENANT
    folder.mkdir(parents=True, exist_ok=True)
    _write_yaml(folder / "tenant.yaml", _tenant(vendors))
    _write_yaml(folder / "coaches.yaml", {"coaches": _coaches()})
    (folder / "rulebook.yaml").write_text(rulebook_text(), encoding="utf-8")
    _write_secrets(secrets_dir / TENANT, keys)


def _tenant(vendors: Vendors) -> dict[str, object]:
    return {
        "name": PRACTICE_NAME,
        "timezone": PRACTICE_ZONE.key,
        "sender": {"from_name": PRACTICE_NAME, "from_address": "hello@northridge.example.org"},
        "gifts": {"products": [GIFT_PRODUCT], "base_url": vendors.gifts_url},
        "referral": {"url": f"{_SITE}/join?ref={{code}}", "cool_down_days": 180},
        "video": {
            "url": f"{_SITE}/films/{{rule}}-{{threshold}}.mp4",
            "poster_url": f"{_SITE}/films/{{rule}}.jpg",
            "captions_url": f"{_SITE}/films/{{rule}}-{{threshold}}.vtt",
        },
        "sources": [
            {
                "kind": "acuity",
                "name": "acuity",
                "account": ACCOUNT,
                "user_id": ACCOUNT,
                "base_url": vendors.acuity_url,
                "completed_labels": ["Completed"],
                "reread_hours": 0,  # at the demo's pace some hours are no time to ask in
            },
            {"kind": "standard_webhooks", "name": "tracker"},
            {"kind": "habit_pull", "name": "habits", "base_url": vendors.habits_url, "at": "04:00"},
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
        ("gift.key", keys.gift_key),
    ):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(f"{secret}\n", encoding="utf-8")
