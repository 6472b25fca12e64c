"""What counters are called: their keys in a state are short or hashed, people read what is counted.

A hashed key can be read only with a rulebook that counts the same.
"""

from collections.abc import Mapping

from schemas.rulebook import Rulebook
from streams.tracking.compiling import compile_rulebook
from streams.tracking.plan import COURSE, GOAL, SEPARATOR, SESSION, Plan

_ALWAYS = {"s": SESSION, "g": GOAL, "c": COURSE}


class CounterNames:
    """Names by a rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        plan = compile_rulebook(rulebook)
        self._names = {**_counted(plan), **_ALWAYS}

    def explain(self, key: str) -> dict[str, str]:
        """What a counter of a state counts, and of which course, order or other thing."""
        name, _, per = key.partition(SEPARATOR)
        counter = self._names.get(name, f"unknown ({name}; a rulebook that counts it names it)")
        return {"counter": counter, "per": per} if per else {"counter": counter}


def _counted(plan: Plan) -> Mapping[str, str]:
    names = {}
    for signatures in (plan.counts, plan.sums, plan.percents, plan.values):
        for event_type, group in signatures.items():
            for signature in group:
                where = ", ".join(f"{field} {' or '.join(sorted(values))}" for field, values in signature.where)
                names[signature.key] = f"{event_type} where {where}" if where else event_type
    return names
