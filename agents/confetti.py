"""Confetti: rules that would celebrate a client more often than a celebration can bear.

Few and meaningful beats many. The guard is three celebrations a client and calendar month
(UTC); a moment counts once, as planning celebrates it once. Caps and quiet hours are left
out: they would thin the confetti and not the rules that throw it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.milestone import REACHED, Milestone

GUARD_PER_MONTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One client's month: how many celebrations, and how many of them by the rule in question."""

    client: str
    month: str
    celebrations: int
    by_rule: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confetti:
    """A rule that is first among the causes of a month with too many celebrations.

    Attributes:
        clients: for how many clients.
        worst: the month with the most celebrations.
    """

    rule: str
    clients: int
    worst: Month

    def __str__(self) -> str:
        worst = self.worst
        clients = "1 client" if self.clients == 1 else f"{self.clients} clients"
        return (
            f"{self.rule} brings {clients} above {GUARD_PER_MONTH} celebrations in a month; the most are "
            f"{worst.celebrations} for {worst.client} in {worst.month}, {worst.by_rule} of them by this rule"
        )


def confetti_of(milestones: Iterable[Milestone]) -> tuple[Confetti, ...]:
    """The rules to blame where a client would get more celebrations a month than the guard, by their ids."""
    months: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    moments: set[tuple[str, str, object]] = set()
    for reached in milestones:
        who = f"{reached.tenant}/{reached.client}"
        if reached.type != REACHED or reached.revision != 1 or reached.tier == "nudge":
            continue  # a nudge is no celebration
        if reached.moment is not None:
            moment = (who, reached.moment, reached.facts.get("program_id"))
            if moment in moments:
                continue
            moments.add(moment)
        months[who, f"{reached.reached_at:%Y-%m}"][reached.rule] += 1
    return _blamed(months)


def _blamed(months: dict[tuple[str, str], Counter[str]]) -> tuple[Confetti, ...]:
    found: dict[str, list[Month]] = defaultdict(list)
    for (client, month), by_rule in months.items():
        if by_rule.total() <= GUARD_PER_MONTH:
            continue
        most = max(by_rule.values())
        for rule in (rule for rule, count in by_rule.items() if count == most):
            found[rule].append(Month(client=client, month=month, celebrations=by_rule.total(), by_rule=most))
    return tuple(
        Confetti(
            rule=rule,
            clients=len({month.client for month in blamed}),
            worst=max(blamed, key=lambda month: (month.celebrations, month.by_rule)),
        )
        for rule, blamed in sorted(found.items())
    )
