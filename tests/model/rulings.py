"""Rulings: what the ledger makes of the numbers, runs and breaks that hold at a step.

Each ruling withdraws what no longer holds, then reaches what holds and does not stand yet.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.model.amounts import Rule, standing
from tests.model.lapses import Break, awards_of_run, break_that_holds, breaks_of, when_due
from tests.model.ledger import Award, Cause, Ledger, occurrence
from tests.model.log import Event
from tests.model.streaks import Run, overlapping, runs_of

Clockwork = tuple[Any, dict[str, Any]]
"""The profile and the defaults, which say when a day ends."""


class Rulings:
    """Decides for one client; the signatures say from where in the log each rule counts."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.signatures: dict[str, int] = {}
        self.silent_breaks: dict[tuple[Any, ...], bool] = {}
        self.skipped: set[tuple[Any, ...]] = set()

    def take(self, rules: list[Rule], now_at: int) -> None:
        """Keep the counters of known signatures, and begin those of new ones here."""
        known = self.signatures
        self.signatures = {signature_of(rule): known.get(signature_of(rule), now_at) for rule in rules}

    def amount(self, rule: Rule, events: list[Event], cause: Cause) -> None:
        """Judge a count, sum, percent or value."""
        numbers = standing(rule, events, self._start(rule))
        for award in self._mine(rule):
            number, held = numbers.get(award["per"], (0, {}))
            if award["threshold"] not in held:
                self.ledger.withdraw(rule, award, number, cause)
        for per in sorted(numbers, key=str):
            for threshold, (number, at) in numbers[per][1].items():
                new = {"threshold": threshold, "per": per, "value": number, "occurrence": occurrence(per)}
                self._reach(rule, self.ledger.find(rule, threshold, per=per), {**new, "reached_at": at}, cause)

    def streak(self, rule: Rule, events: list[Event], cause: Cause) -> None:
        """Judge a streak: any run holds a once-award, its own runs hold an award of a run."""
        runs = runs_of(rule, events, self._start(rule))
        is_once = rule.get("repeat", "once") == "once"
        for award in self._mine(rule):
            mine = runs.get(award["per"], [])
            own = mine if is_once else overlapping(award, mine)
            longest = max(map(len, own), default=0)
            if longest < award["threshold"]:
                self.ledger.withdraw(rule, award, longest, cause)
            else:
                _extend(award, [run for run in overlapping(award, mine) if len(run) >= award["threshold"]])
        for per in sorted(runs, key=str):
            for threshold in sorted(rule["when"]["days"]):
                for run in runs[per]:
                    if len(run) >= threshold:
                        self._reach_run(rule, threshold, per, run, cause, is_once=is_once)

    def _reach_run(self, rule: Rule, threshold: int, per: str | None, run: Run, cause: Cause, *, is_once: bool) -> None:
        named = [a for a in self._all(rule) if a["threshold"] == threshold and a["per"] == per]
        owners = named if is_once else [award for award in named if overlapping(award, [run])]
        new = {"threshold": threshold, "value": len(run), **_given_for(per, run)}
        if not owners:
            self._reach(rule, None, new, cause)
        for owner in owners:
            if owner["state"] == "withdrawn":
                self._reach(rule, owner, new, cause)
                _extend(owner, [run])

    def lapse(self, rule: Rule, streak: Rule, events: list[Event], cause: Cause, clockwork: Clockwork) -> None:
        """Take back the lapses that were mended."""
        breaks = self._breaks(rule, streak, events, clockwork)
        for award in self._mine(rule):
            rivals = [other for other in self._all(rule) if other["per"] == award["per"]]
            found = break_that_holds(award, rivals, breaks.get(award["per"], []), cause["clock"])
            if found is None:
                self.ledger.withdraw(rule, award, award["value"], cause)
            else:
                award["missed"] = found["missed"]

    def note_breaks(
        self, rules: list[tuple[Rule, Rule]], events: list[Event], clockwork: Clockwork, *, silent: bool
    ) -> None:
        """Note for each deadline of a lapse rule and its streak whether the event that set it was silent."""
        self.silent_breaks = {
            name: self.silent_breaks.get(name, silent)
            for rule, streak in rules
            for per, breaks in self._breaks(rule, streak, events, clockwork).items()
            for name in (_name(rule["id"], per, found) for found in breaks)
        }

    def lapses_due(
        self, rule: Rule, streak: Rule, events: list[Event], now: datetime, clockwork: Clockwork
    ) -> list[tuple[datetime, Callable[[Cause], None]]]:
        """The lapses that are due by now and have not fired, and what firing each of them does."""
        due = []
        for per, breaks in self._breaks(rule, streak, events, clockwork).items():
            for found in breaks:
                rivals = [award for award in self._all(rule) if award["per"] == per]
                owner = next(iter(awards_of_run(found["run"], rivals)), None)
                is_open = owner is None or owner["state"] == "withdrawn"
                is_skipped = (*_name(rule["id"], per, found), found["due_at"]) in self.skipped
                if is_open and not is_skipped and found["due_at"] <= now:
                    due.append((found["due_at"], self._break(rule, per, found, owner)))
        return due

    def passed(
        self, rule: Rule, streak: Rule, events: list[Event], now: datetime, clockwork: Clockwork
    ) -> set[tuple[Any, ...]]:
        """The names of all breaks that are due by now, each with the time at which it was."""
        breaks = self._breaks(rule, streak, events, clockwork)
        return {
            (*_name(rule["id"], per, found), found["due_at"])
            for per, mine in breaks.items()
            for found in mine
            if found["due_at"] <= now
        }

    def _break(self, rule: Rule, per: str | None, found: Break, owner: Award | None) -> Callable[[Cause], None]:
        def fire(cause: Cause) -> None:
            silent = cause["silent"] or self.silent_breaks.get(_name(rule["id"], per, found), False)
            new = {"threshold": None, "value": len(found["run"]), "missed": found["missed"]}
            self._reach(rule, owner, {**new, **_given_for(per, found["run"])}, {**cause, "silent": silent})
            if owner is not None:
                owner["missed"] = found["missed"]
                _extend(owner, [found["run"]])

        return fire

    def _reach(self, rule: Rule, award: Award | None, new: Award, cause: Cause) -> None:
        if award is None or award["state"] == "withdrawn":
            self.ledger.reach(rule, award, {**new, "signature": signature_of(rule)}, cause)

    def _breaks(self, rule: Rule, streak: Rule, events: list[Event], clockwork: Clockwork) -> dict[Any, list[Break]]:
        found: dict[Any, list[Break]] = breaks_of(rule, streak, events, self._start(streak), when_due(*clockwork))
        return found

    def _start(self, rule: Rule) -> int:
        return self.signatures[signature_of(rule)]

    def _all(self, rule: Rule) -> list[Award]:
        return [award for award in self.ledger.awards if award["rule"] == rule["id"]]

    def _mine(self, rule: Rule) -> list[Award]:
        """The awards that may be withdrawn: one of another signature is judged by nothing any more."""
        mine = [award for award in self.ledger.of(rule) if award["signature"] == signature_of(rule)]
        return [award for award in mine if _is_asked(rule, award["threshold"])]


def signature_of(rule: Rule) -> str:
    """What two rules that share a counter have in common: type, `of`, `per` and `where`."""
    when = rule["when"]
    kind = next(kind for kind in ("count", "streak", "percent", "sum", "value", "date", "lapse") if kind in when)
    of = when.get("of", "percent") if kind == "percent" else when.get("of")
    return repr((kind, when[kind], of, when.get("per"), sorted(rule.get("where", {}).items())))


def _is_asked(rule: Rule, threshold: Any) -> bool:
    """Whether the rule, as it now stands, has a threshold at all; a lapse has none."""
    when = rule["when"]
    if step := when.get("every") or rule.get("every"):
        return bool(threshold % step == 0)
    return threshold is None or threshold in (when.get("reaches") or when.get("falls_to") or when["days"])


def _name(whose: str, per: str | None, found: Break) -> tuple[Any, ...]:
    return whose, per, found["run"][-1], found["missed"]


def _given_for(per: str | None, run: Run) -> Award:
    return {"per": per, "first_day": run[0], "last_day": run[-1], "occurrence": occurrence(per, run[0].isoformat())}


def _extend(award: Award, runs: list[Run]) -> None:
    """Let the days that an award was given for grow with its runs."""
    for run in runs:
        award["first_day"] = min(award["first_day"], run[0])
        award["last_day"] = max(award["last_day"], run[-1])
