"""Numbers that cross thresholds: counts, sums, percentages and watched values.

A threshold fires when previous < threshold <= new, for every threshold crossed: never by
equality, never downwards. Downwards it is asked whether the award still holds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from streams.tracking import marks
from streams.tracking.awards import Awards, Hears, Reached, Settled, Slot, Verdict, reach, withdraw
from streams.tracking.marks import Mark
from streams.tracking.plan import SEPARATOR, Number, Plan, PlannedRule, Signature
from streams.tracking.tallies import Move


def thresholds_between(rule: PlannedRule, low: Number, high: Number) -> Sequence[Number]:
    """The thresholds above `low`, up to and with `high`, ascending."""
    if rule.every:
        first = max(int(low // rule.every), 0) * rule.every + rule.every
        return range(first, int(high // 1) + 1, rule.every)
    known = rule.thresholds
    return known[bisect_right(known, low) : bisect_right(known, high)]


def settle_moves(awards: Awards, plan: Plan, moves: Iterable[Move], hears: Hears) -> Settled:
    """The ledger after counters moved, and what is reached or withdrawn by it."""
    verdicts: tuple[Verdict, ...] = ()
    for move in moves:
        key, _, per = move.counter.partition(SEPARATOR)
        signature = plan.signatures.get(key)
        if signature is None or not signature.is_crossed(move.before, move.after):
            continue
        for rule in signature.rules:
            awards, found = _settle_move(awards, rule, per, move, hears)
            verdicts += found
    return awards, verdicts


def settle_mark(
    awards: Awards, signature: Signature, counter: str, before: Mark | None, after: Mark, hears: Hears, *, percent: bool
) -> Settled:
    """The ledger after a mark changed, and what is reached or withdrawn by it."""
    had, has = marks.spans(before, from_zero=percent), marks.spans(after, from_zero=percent)
    verdicts: tuple[Verdict, ...] = ()
    if had == has:
        return awards, ()
    per = counter.partition(SEPARATOR)[2]
    for rule in signature.rules:
        for threshold in rule.thresholds:
            was, is_now = marks.is_within(had, threshold), marks.is_within(has, threshold)
            slot = Slot(rule, -threshold if rule.falls else threshold, per)
            found: tuple[Verdict, ...] = ()
            if is_now and not was:
                awards, found = reach(awards, slot, hears, _crossing(rule, threshold, after, percent=percent))
            elif was and not is_now:
                left = marks.highest(after) if percent else marks.latest(after)
                awards, found = _fall(awards, slot, -left if rule.falls else left)
            verdicts += found
    return awards, verdicts


def passed(plan: Plan, signature: Signature, counter: str, number: Number | Mark) -> Iterable[Slot]:
    """The slots of thresholds that a counter has passed."""
    per = counter.partition(SEPARATOR)[2]
    for rule in signature.rules:
        if isinstance(number, Mark):
            crossed = marks.spans(number, from_zero=is_percent(plan, signature))
            thresholds: Iterable[Number] = [each for each in rule.thresholds if marks.is_within(crossed, each)]
        else:
            thresholds = thresholds_between(rule, 0, number)
        yield from (Slot(rule, -each if rule.falls else each, per) for each in thresholds)


def is_percent(plan: Plan, signature: Signature) -> bool:
    """Whether a signature is of a percentage, which begins at zero."""
    return any(signature in group for group in plan.percents.values())


def _settle_move(awards: Awards, rule: PlannedRule, per: str, move: Move, hears: Hears) -> Settled:
    verdicts: tuple[Verdict, ...] = ()
    for threshold in thresholds_between(rule, max(move.before, 0), move.after):
        awards, found = reach(awards, Slot(rule, threshold, per), hears, Reached(move.after))
        verdicts += found
    for threshold in thresholds_between(rule, max(move.after, 0), move.before):
        awards, found = _fall(awards, Slot(rule, threshold, per), move.after)
        verdicts += found
    return awards, verdicts


def _fall(awards: Awards, slot: Slot, value: Number) -> Settled:
    verdicts: tuple[Verdict, ...] = ()
    for award in awards.get(slot.key, ()):
        if award.held:
            awards, found = withdraw(awards, slot, award, value)
            verdicts += found
    return awards, verdicts


def _crossing(rule: PlannedRule, threshold: Number, mark: Mark, *, percent: bool) -> Reached:
    """The value that crossed a threshold; of a watched value the first that did, with its time."""
    if percent:
        return Reached(marks.highest(mark))
    first = next(
        each for each in marks.crossings(mark, from_zero=False) if each.low < threshold <= each.value
    )  # what is newly crossed is crossed by a value that is kept
    return Reached(-first.value if rule.falls else first.value, at_ms=first.at_ms)
