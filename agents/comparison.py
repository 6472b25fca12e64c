"""Two rulebooks side by side: what each would have celebrated on the same log, and for how much.

What was reached and withdrawn again counts for nothing. A nudge, a word about something missed or due,
celebrates nothing and is counted apart. The cost of a celebration is what the
policy allows for it: the tier's `cost_cents` and the gift of the rule or else of the tier.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from schemas.milestone import REACHED, Milestone, Tier
from schemas.rulebook import Rulebook


class Celebration(NamedTuple):
    """What is counted: a rule's milestones of one weight for one client."""

    rule: str
    tier: Tier
    tenant: str
    client: str


Celebrations = Counter[Celebration]


def count(celebrations: Celebrations, milestone: Milestone) -> None:
    """Count a milestone that is reached; one that is withdrawn counts against it."""
    place = Celebration(milestone.rule, milestone.tier, milestone.tenant, milestone.client)
    celebrations[place] += 1 if milestone.type == REACHED else -1


class Side(Struct, frozen=True, kw_only=True):
    """A rulebook and what it would have celebrated."""

    rulebook: Rulebook
    celebrations: Celebrations

    def is_nudge(self, place: Celebration) -> bool:
        """Whether these are nudges: of that tier, or about a run that has ended."""
        rule = self.rulebook.by_id.get(place.rule)
        return place.tier == "nudge" or (rule is not None and rule.when.kind == "lapse")

    def cents(self, place: Celebration) -> int:
        """What one of these celebrations costs."""
        tier, rule = self.rulebook.policy.tiers[place.tier], self.rulebook.by_id.get(place.rule)
        gift_cents = tier.gift_cents if rule is None or rule.gift_cents is None else rule.gift_cents
        return tier.cost_cents + gift_cents


class Figures(Struct, frozen=True, kw_only=True):
    """Celebrations and their cost under both rulebooks, and the difference (new minus old)."""

    old: int
    new: int
    difference: int
    old_cents: int
    new_cents: int
    difference_cents: int


def compare(
    old: Side, new: Side, by: Callable[[Celebration], tuple[str, ...]], *, nudges: bool = False
) -> dict[tuple[str, ...], Figures]:
    """The figures of every group that has any, in order.

    Args:
        old: what it is compared with.
        new: what is tried.
        by: the group of a celebration.
        nudges: those of nudges instead.
    """
    counts = [_grouped(side, by, nudges=nudges) for side in (old, new)]
    groups = sorted({group for numbers, _ in counts for group in numbers})
    return {group: _figures(*((numbers[group], cents[group]) for numbers, cents in counts)) for group in groups}


def in_all(old: Side, new: Side, *, nudges: bool = False) -> Figures:
    """The figures of all celebrations together, or of all nudges."""
    nothing = Figures(old=0, new=0, difference=0, old_cents=0, new_cents=0, difference_cents=0)
    return compare(old, new, lambda _: (), nudges=nudges).get((), nothing)


def _figures(old: tuple[int, int], new: tuple[int, int]) -> Figures:
    return Figures(
        old=old[0],
        new=new[0],
        difference=new[0] - old[0],
        old_cents=old[1],
        new_cents=new[1],
        difference_cents=new[1] - old[1],
    )


def _grouped(
    side: Side, by: Callable[[Celebration], tuple[str, ...]], *, nudges: bool
) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """Celebrations and cents by group; groups of nothing are left out."""
    numbers: Counter[tuple[str, ...]] = Counter()
    cents: Counter[tuple[str, ...]] = Counter()
    for place, number in side.celebrations.items():
        if number and side.is_nudge(place) == nudges:
            numbers[by(place)] += number
            cents[by(place)] += number * side.cents(place)
    return numbers, cents
