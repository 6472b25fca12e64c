"""Counts and percents: which thresholds a counter crosses when it moves.

A threshold fires when previous < threshold <= new, for every threshold crossed: never by
equality, never downwards. Downwards it is asked whether the award still holds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from streams.tracking.awards import Award, Awards, Settled, Slot, Verdict, reach, withdraw
from streams.tracking.plan import SEPARATOR, Plan, PlannedRule
from streams.tracking.registers import Move


def thresholds_between(rule: PlannedRule, low: float, high: float) -> Sequence[int]:
    """The thresholds above `low`, up to and with `high`, ascending."""
    if rule.every:
        return range(int(low) // rule.every * rule.every + rule.every, int(high) + 1, rule.every)
    known = rule.thresholds
    return known[bisect_right(known, low) : bisect_right(known, high)]


def settle_moves(awards: Awards, plan: Plan, moves: Iterable[Move], *, silent: bool) -> Settled:
    """The ledger after counters moved, and what is reached or withdrawn by it."""
    verdicts: list[Verdict] = []
    for move in moves:
        key, _, per = move.counter.partition(SEPARATOR)
        signature = plan.signatures.get(key)
        if signature is None or not signature.is_crossed(move.before, move.after):
            continue
        for rule in signature.rules:
            awards, found = _settle_rule(awards, rule, per, move, silent=silent)
            verdicts += found
    return awards, tuple(verdicts)


def _settle_rule(awards: Awards, rule: PlannedRule, per: str, move: Move, *, silent: bool) -> Settled:
    verdicts: list[Verdict] = []
    for threshold in thresholds_between(rule, move.before, move.after):
        slot = Slot(rule, threshold, per)
        awards, found = reach(awards, slot, Award(), value=move.after, details={}, silent=silent)
        verdicts += found
    for threshold in thresholds_between(rule, move.after, move.before):
        slot = Slot(rule, threshold, per)
        awards, found = withdraw(awards, slot, (), value=move.after, silent=silent)
        verdicts += found
    return awards, tuple(verdicts)
