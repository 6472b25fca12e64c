"""The award ledger: identities, revisions, settling and silence (semantics 1, 8, 9 and 10).

An award is `pending` (crossed, not yet settled), `standing` or `withdrawn`. Its identity is
(rule, threshold, occurrence). Whether it is loud is decided once, at its first crossing.
"""

from datetime import date, datetime, timedelta
from typing import Any

from tests.model.amounts import Rule

Award = dict[str, Any]
Milestone = dict[str, Any]
Cause = dict[str, Any]
"""Why something is decided: `at` (its time), `clock` (when it is decided), `day` (local, of `at`), `silent`."""

REACHED, RETRACTED = "milestone.reached", "milestone.retracted"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Ledger:
    """The awards of one client, and the milestones that they have emitted in this step."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.awards: list[Award] = []
        self.emitted: list[Milestone] = []

    def find(self, rule: Rule, threshold: Any, **fields: Any) -> Award | None:
        """The award of a rule and threshold whose fields are these, whatever its state."""
        for award in self.awards:
            wanted = {"rule": rule["id"], "threshold": threshold, **fields}
            if all(award[name] == value for name, value in wanted.items()):
                return award
        return None

    def of(self, rule: Rule) -> list[Award]:
        """The awards of a rule that stand or wait to."""
        return [award for award in self.awards if award["rule"] == rule["id"] and award["state"] != "withdrawn"]

    def reach(self, rule: Rule, award: Award | None, new: Award, cause: Cause) -> None:
        """Cross a threshold: `award` is what the ledger has of it, `new` what a first award would hold."""
        if award is None:
            award = {**new, "rule": rule["id"], "revision": 0, "loud": not cause["silent"]}
            self.awards.append(award)
        award.update(value=new["value"], reached_at=new.get("reached_at") or cause["at"], state="pending")
        award["due_at"] = cause["clock"] + settle_of(rule)
        if award["due_at"] == cause["clock"]:
            self.settle(rule, award)

    def settle(self, rule: Rule, award: Award) -> None:
        """Let an award stand that still holds at the end of its time."""
        award["state"] = "standing"
        award["revision"] += 1
        self._emit(REACHED, rule, award, award["value"], award["reached_at"])

    def withdraw(self, rule: Rule, award: Award, value: Any, cause: Cause) -> None:
        """Take back an award that no longer holds; one that never stood leaves no trace."""
        was_pending = award["state"] == "pending"
        award["state"] = "withdrawn"
        if not was_pending:
            self._emit(RETRACTED, rule, award, value, cause["at"])
        elif award["revision"] == 0:
            self.awards.remove(award)

    def _emit(self, kind: str, rule: Rule, award: Award, value: Any, at: datetime) -> None:
        if not award["loud"]:
            return
        name = rule.get("name")
        self.emitted.append(
            {
                "type": kind,
                "client": self.client,
                "rule": rule["id"],
                "tier": rule.get("tier"),
                "moment": rule.get("moment"),
                "name": name and name.replace("{threshold}", str(award["threshold"])),
                "threshold": award["threshold"],
                "occurrence": award["occurrence"],
                "value": value,
                "reached_at": at,
                "revision": award["revision"],
            }
        )


def settle_of(rule: Rule) -> timedelta:
    """How long a crossing must hold: `10m`, `2h`; nothing without the option."""
    text = str(rule.get("settle") or "0m")
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def is_outside(rule: Rule, client: str, tags: tuple[str, ...], day: date, share: float) -> bool:
    """Whether a crossing on a local day is silent by the rule's own options.

    Args:
        share: where the client's stable hash lies, from 0 up to but not including 1.
    """
    begins = rule.get("effective_from")
    if begins is not None and day < (begins if isinstance(begins, date) else date.fromisoformat(begins)):
        return True
    clients = rule.get("clients") or {}
    return (
        ("share" in clients and share >= clients["share"])
        or ("tags" in clients and not set(clients["tags"]) & set(tags))
        or ("ids" in clients and client not in clients["ids"])
    )


def occurrence(*parts: Any) -> str:
    """The parts that apply, joined by `/`; `once` if none does."""
    return "/".join(str(part) for part in parts if part is not None) or "once"
