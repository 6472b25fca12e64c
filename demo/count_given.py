"""The independent count of what is given with a win: certificates, badges, videos, gifts, referral asks.

Like `demo.count` it is written from the words of the practice's rulebook, imports nothing of the
service, and must never be mended by looking at what the service answered.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from demo.count import CHANNELS, TIERS, Count, Win
from demo.steps import MessageStep, Step

PARTS = {"streak": ("badge",), "program": ("video",), "major": ("certificate", "gift", "referral")}
NEEDS_MARKETING = frozenset({"gift", "referral"})
GIFT_CENTS = 2_500
CLIENT_MONTH_CENTS = 4_000
PRACTICE_MONTH_CENTS = 100_000
COOL_DOWN = timedelta(days=180)
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What must be given.

    Attributes:
        parts: how many of each, by client, rule and part; a gift that waits is none of them.
        gifts: how many gifts of so many cents, by client.
        waiting: gifts that a coach is asked about, by client.
    """

    parts: Counter[Key] = field(default_factory=Counter)
    gifts: Counter[tuple[str, int]] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)

    def by_part(self) -> Counter[str]:
        """How many of each part."""
        totals: Counter[str] = Counter()
        for (_, _, part), times in self.parts.items():
            totals[part] += times
        return totals

    @property
    def cents(self) -> int:
        """What the gifts cost together."""
        return sum(cents * times for (_, cents), times in self.gifts.items())


def count_given(steps: Iterable[Step], counted: Count) -> Given:
    """Go through the wins in the order of their days and give what the rulebook foresees."""
    consents = _consents(steps)
    given, purse, asked = Given(), _Purse(), dict[str, date]()
    for win in sorted(counted.wins, key=lambda win: win.on):
        for part in PARTS.get(TIERS[win.rule], ()):
            if part in NEEDS_MARKETING and not _agrees(consents[win.client], win.on):
                continue
            if part == "gift":
                _gift(win, counted, given, purse)
            elif _is_carried(win, counted) and not (part == "referral" and _was_asked(asked, win)):
                given.parts[win.client, win.rule, part] += 1
                if part == "referral":
                    asked[win.client] = win.on
    return given


class _Purse:
    """What was given in each calendar month, to each client and in all."""

    def __init__(self) -> None:
        self._spent: Counter[tuple[str, int, int]] = Counter()

    def covers(self, client: str, on: date) -> bool:
        """Whether both budgets of the month leave enough; if so it is taken."""
        own, all_of_it = (client, on.year, on.month), ("", on.year, on.month)
        if self._spent[own] + GIFT_CENTS > CLIENT_MONTH_CENTS:
            return False
        if self._spent[all_of_it] + GIFT_CENTS > PRACTICE_MONTH_CENTS:
            return False
        self._spent[own] += GIFT_CENTS
        self._spent[all_of_it] += GIFT_CENTS
        return True


def _gift(win: Win, counted: Count, given: Given, purse: _Purse) -> None:
    """A gift goes by itself for a session that somebody ticked off, within the budgets; otherwise a coach is asked."""
    if win.on >= counted.withheld.get((win.client, "gift"), date.max):
        return
    if win.is_inferred or not purse.covers(win.client, win.on):
        given.waiting[win.client] += 1
        return
    given.parts[win.client, win.rule, "gift"] += 1
    given.gifts[win.client, GIFT_CENTS] += 1


def _is_carried(win: Win, counted: Count) -> bool:
    """Whether a message goes that can carry something."""
    return any(win.on < counted.withheld.get((win.client, channel), date.max) for channel in CHANNELS[TIERS[win.rule]])


def _was_asked(asked: dict[str, date], win: Win) -> bool:
    last = asked.get(win.client)
    return last is not None and win.on < last + COOL_DOWN


def _consents(steps: Iterable[Step]) -> defaultdict[str, list[tuple[datetime, bool]]]:
    """What each client has said about marketing, in order."""
    said: defaultdict[str, list[tuple[datetime, bool]]] = defaultdict(list)
    for step in steps:
        if isinstance(step, MessageStep) and step.body["type"] == "client.updated":
            client = step.body["data"]["client"]
            marketing = client.get("consents", {}).get("marketing")
            if marketing is not None:
                said[client["email"].lower()].append((step.at, marketing["granted"]))
    for words in said.values():
        words.sort()
    return said


def _agrees(said: list[tuple[datetime, bool]], on: date) -> bool:
    """The last word by that day; without any there is no consent."""
    words = [granted for at, granted in said if at.date() <= on]
    return bool(words) and words[-1]
