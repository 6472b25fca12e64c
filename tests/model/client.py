"""One client: every step is applied, and then everything is computed anew from the whole log."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.model.amounts import KINDS, Rule
from tests.model.dates import dates_due
from tests.model.days import DEFAULTS, day_of, local_day, start_of, zone_of
from tests.model.ledger import Cause, Ledger, Milestone, is_outside, occurrence
from tests.model.log import Event, decoded, is_known, kept, refuse
from tests.model.rulings import Rulings
from tests.model.units import inferred_completion, schedules, units

_SESSION, _LAPSE, _DATE, _SETTLE = range(4)
Deadline = tuple[datetime, int, int, Callable[[], None]]
ShareOf = Callable[[str, str], float]


class Client:
    """The whole history of one client, and the ledger of what was decided on the way."""

    def __init__(self, name: str, rulebook: dict[str, Any], share_of: ShareOf, now: datetime) -> None:
        self.name, self.share_of = name, share_of
        self.log: list[Event] = []
        self.inferred: dict[str, datetime] = {}
        self.inferred_seq: dict[str, int] = {}
        self.was_counted: dict[str, bool] = {}
        self.profile: Any = None
        self.looked_at = now
        self.skipped_dates: set[tuple[str, str, datetime]] = set()
        self.ledger = Ledger(name)
        self.rulings = Rulings(self.ledger)
        self.rules: list[Rule] = []
        self.defaults: dict[str, Any] = {}
        self.adopt(rulebook, now)

    def event(self, wire: dict[str, Any], now: datetime) -> list[Milestone]:
        """Apply a record.

        Raises:
            Refused: it is not applied.
        """
        event = {**decoded(wire), "seq": len(self.log), "applied_at": now}
        refuse(event, self.log)
        if is_known(event, self.log):
            return []
        today = day_of(event, self.profile, self.defaults)
        self.was_counted = {session: self._is_counted(session) for session in self.inferred}
        self.log.append({**event, "day": event["data"].get("day", today)})
        self._forget_moved_sessions(now)
        if event["type"] == "event.retracted":
            self._restore_sessions(now)
        self._decide({"at": event["time"], "clock": now, "day": today, "silent": event["silent"]})
        return self._emitted()

    def change_profile(self, profile: Any, now: datetime) -> list[Milestone]:
        """Take a new profile; what has passed by the change itself does not fire."""
        before = self._dates(now)
        broken = self._lapses(now)
        self.profile = profile
        self.skipped_dates |= self._dates(now) - before
        self.rulings.skipped |= self._lapses(now) - broken
        return []

    def tick(self, now: datetime) -> list[Milestone]:
        """Fire what is due, in order of time."""
        while deadlines := [deadline for deadline in self._deadlines(now) if deadline[0] <= now]:
            min(deadlines, key=lambda deadline: deadline[:3])[3]()
        self.looked_at = max(self.looked_at, now)
        return self._emitted()

    def adopt(self, rulebook: dict[str, Any], now: datetime) -> list[Milestone]:
        """Take a rulebook: what new rules find already passed enters the ledger without a word."""
        known = list(self.rules)
        self.defaults = {**DEFAULTS, **rulebook.get("defaults", {})}
        self.rules = list(rulebook["rules"])
        self.rulings.take(self.rules, len(self.log))
        self._judge({"at": now, "clock": now, "day": self._local_day(now), "silent": True})
        is_new = {rule["id"] for rule in self.rules if rule not in known}
        self.skipped_dates |= {passed for passed in self._dates(now) if passed[0] in is_new}
        self.rulings.skipped |= {passed for passed in self._lapses(now) if passed[0] in is_new}
        return []

    def _events(self) -> list[Event]:
        """The events that happened, the completions that time inferred among them."""
        events = kept(self.log)
        booked = schedules(events)
        return events + [inferred_completion(booked[name], self.inferred_seq[name]) for name in self.inferred]

    def _forget_moved_sessions(self, now: datetime) -> None:
        booked = schedules(kept(self.log))
        hold_off = timedelta(minutes=self.defaults["session_hold_off_minutes"])
        for session, ends_at in list(self.inferred.items()):
            if session not in booked:
                del self.inferred[session]
            elif booked[session]["ends_at"] != ends_at:
                del self.inferred[session]
                if self.was_counted.get(session) and booked[session]["ends_at"] + hold_off <= now:
                    self.inferred[session] = booked[session]["ends_at"]  # over before and after: it goes on counting

    def _restore_sessions(self, now: datetime) -> None:
        """What a retraction leaves of a session that is over counts with it."""
        hold_off = timedelta(minutes=self.defaults["session_hold_off_minutes"])
        for session, booking in schedules(kept(self.log)).items():
            if session not in self.inferred and booking["ends_at"] + hold_off <= now:
                self.inferred[session], self.inferred_seq[session] = booking["ends_at"], len(self.log)

    def _decide(self, cause: Cause) -> None:
        lapses = [(rule, self._streak_of(rule)) for rule in self._enabled() if "lapse" in rule["when"]]
        self.rulings.note_breaks(lapses, self._events(), self._clockwork(), silent=cause["silent"])
        self._judge(cause)

    def _judge(self, cause: Cause) -> None:
        events = self._events()
        for rule in self._enabled():
            judged = {**cause, "silent": cause["silent"] or self._is_outside(rule, cause["day"])}
            if "lapse" in rule["when"]:
                self.rulings.lapse(rule, self._streak_of(rule), events, judged, self._clockwork())
            elif "streak" in rule["when"]:
                self.rulings.streak(rule, events, judged)
            elif any(kind in rule["when"] for kind in KINDS):
                self.rulings.amount(rule, events, judged)

    def _deadlines(self, now: datetime) -> list[Deadline]:
        found: list[Deadline] = []
        hold_off = timedelta(minutes=self.defaults["session_hold_off_minutes"])
        for session, booking in schedules(kept(self.log)).items():
            if session not in self.inferred:
                found.append((booking["ends_at"] + hold_off, _SESSION, booking["seq"], self._infer(session, booking)))
        for index, rule in enumerate(self._enabled()):
            if "lapse" in rule["when"]:
                for due_at, fire in self.rulings.lapses_due(
                    rule, self._streak_of(rule), self._events(), now, self._clockwork()
                ):
                    found.append((due_at, _LAPSE, index, self._timed(rule, due_at, fire)))
            if "date" in rule["when"]:
                found += self._dates_of(rule, index, now)
            for award in self.ledger.of(rule):
                if award["state"] == "pending":
                    found.append((award["due_at"], _SETTLE, index, self._settle(rule, award)))
        return found

    def _dates_of(self, rule: Rule, index: int, now: datetime) -> list[Deadline]:
        return [
            (due["due_at"], _DATE, index, self._timed(rule, due["due_at"], self._reach_date(rule, due)))
            for due in dates_due(rule, self.profile, self.defaults, self.looked_at, now)
            if (rule["id"], due["occurrence"], due["due_at"]) not in self.skipped_dates
            and self.ledger.find(rule, None, occurrence=due["occurrence"]) is None
        ]

    def _reach_date(self, rule: Rule, due: dict[str, Any]) -> Callable[[Cause], None]:
        return lambda cause: self.ledger.reach(
            rule, None, {"threshold": None, "occurrence": occurrence(due["occurrence"]), "value": due["value"]}, cause
        )

    def _timed(self, rule: Rule, due_at: datetime, fire: Callable[[Cause], None]) -> Callable[[], None]:
        """What a deadline does: it is silent for a client who is not active."""
        day = self._local_day(due_at)
        is_active = self.profile is None or self.profile.status == "active"
        silent = not is_active or self._is_outside(rule, day)
        return lambda: fire({"at": due_at, "clock": due_at, "day": day, "silent": silent})

    def _infer(self, session: str, booking: Event) -> Callable[[], None]:
        def infer() -> None:
            ends_at = booking["ends_at"]
            due_at = ends_at + timedelta(minutes=self.defaults["session_hold_off_minutes"])
            self.inferred[session] = ends_at
            self.inferred_seq[session] = len(self.log)
            day = self._local_day(ends_at)
            self._decide({"at": ends_at, "clock": due_at, "day": day, "silent": booking["silent"]})

        return infer

    def _settle(self, rule: Rule, award: dict[str, Any]) -> Callable[[], None]:
        return lambda: self.ledger.settle(rule, award)

    def _is_counted(self, session: str) -> bool:
        found = units("session.completed", self._events())
        return any(unit["stands"] and unit["data"]["session_id"] == session for unit in found)

    def _dates(self, now: datetime) -> set[tuple[str, str, datetime]]:
        """Every date that falls due from the last tick until now."""
        return {
            (rule["id"], due["occurrence"], due["due_at"])
            for rule in self._enabled()
            if "date" in rule["when"]
            for due in dates_due(rule, self.profile, self.defaults, self.looked_at, now)
        }

    def _lapses(self, now: datetime) -> set[tuple[Any, ...]]:
        """Every lapse that is due by now, fired or not."""
        return {
            passed
            for rule in self._enabled()
            if "lapse" in rule["when"]
            for passed in self.rulings.passed(rule, self._streak_of(rule), self._events(), now, self._clockwork())
        }

    def _enabled(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.get("enabled", True)]

    def _streak_of(self, lapse: Rule) -> Rule:
        return next(rule for rule in self.rules if rule["id"] == lapse["when"]["lapse"])

    def _clockwork(self) -> tuple[Any, dict[str, Any]]:
        return self.profile, self.defaults

    def _local_day(self, at: datetime) -> Any:
        return local_day(at, zone_of(*self._clockwork()), start_of(*self._clockwork()))

    def _is_outside(self, rule: Rule, day: Any) -> bool:
        tags = self.profile.tags if self.profile else ()
        return is_outside(rule, self.name, tags, day, self.share_of(rule["id"], self.name))

    def _emitted(self) -> list[Milestone]:
        emitted, self.ledger.emitted = self.ledger.emitted, []
        return emitted
