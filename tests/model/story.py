"""A story told to the model: what happens to one client, and the milestones in a short form."""

from datetime import datetime
from typing import Any

from schemas.yaml_lines import read_yaml
from tests.model.model import NaiveTracker

CLIENT = "c1"


class Story:
    """Sends records in order of arrival, each after the tick that precedes it."""

    def __init__(self, *rules: str, share: float = 0.0, **defaults: Any) -> None:
        self.model = NaiveTracker(book(*rules, **defaults), share_of=lambda _rule, _client: share)
        self.told: list[dict[str, Any]] = []
        self._sent = 0

    def send(self, event_type: str, at: str, *, arrives: str | None = None, **more: Any) -> list[str]:
        """An event that happened and, unless told otherwise, arrived at a time; its id is `id` or made up."""
        self._sent += 1
        silent, name = more.pop("silent", False), more.pop("id", f"e{self._sent}")
        data = {field.rstrip("_"): value for field, value in more.items()}
        wire = {"specversion": "1.0", "id": name, "source": "app", "type": event_type, "subject": CLIENT}
        wire |= {"tenantid": "t1", "time": stamp(at), "silent": silent, "data": data}
        return self._tell(at if arrives is None else arrives, lambda now: self.model.event(wire, now))

    def profile(self, at: str, **fields: Any) -> list[str]:
        return self._tell(at, lambda now: self.model.profile(CLIENT, fields, now))

    def rules(self, at: str, *rules: str) -> list[str]:
        return self._tell(at, lambda now: self.model.rulebook(book(*rules), now))

    def tick(self, at: str) -> list[str]:
        return self._tell(at, lambda _now: [])

    def check(self, *days: int, month: int = 5, **more: Any) -> list[str]:
        """Checks of the habit `h` at ten o'clock on days of a month of 2026."""
        found = [self.send("habit.checked", f"2026-{month:02}-{day:02}T10:00", habit_id="h", **more) for day in days]
        return [milestone for milestones in found for milestone in milestones]

    def _tell(self, at: str, step: Any) -> list[str]:
        now_ms = int(datetime.fromisoformat(stamp(at)).timestamp() * 1000)
        told = [*self.model.tick(now_ms), *step(now_ms)]
        self.told += told
        return [short(milestone) for milestone in told]


def book(*rules: str, **defaults: Any) -> dict[str, Any]:
    """A rulebook of rules in YAML; the tier does not matter here."""
    return {"defaults": defaults, "rules": [{"tier": "micro", **read_yaml(f"{{{rule}}}")[0]} for rule in rules]}


def stamp(at: str) -> str:
    """A time with its offset; UTC if it has none."""
    return at if at.endswith("Z") or "+" in at else f"{at}:00Z"


def short(milestone: dict[str, Any]) -> str:
    """`+rule threshold occurrence = value #revision`, with a minus when it is retracted."""
    sign = "+" if milestone["type"] == "milestone.reached" else "-"
    named = [milestone["rule"], milestone["threshold"], milestone["occurrence"]]
    identity = " ".join(str(part) for part in named if part is not None)
    return f"{sign}{identity} = {milestone['value']} #{milestone['revision']}"
