"""What counters are called: their keys in a state are short or hashed, people read what is counted.

A hashed key can be read only with a rulebook that counts the same.
"""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.milestone import RuleKind
from schemas.rulebook import Rulebook
from streams.tracking.compiling import compile_rulebook
from streams.tracking.plan import SEPARATOR, Plan, Signature


class Counter(NamedTuple):
    """What a rulebook says of a counter: how it counts, what it is called, and the rules that look at it."""

    kind: RuleKind
    name: str
    signature: Signature


class CounterNames:
    """Names by a rulebook."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._counters = _counted(compile_rulebook(rulebook))

    def find(self, key: str) -> Counter | None:
        """The counter that a key of a state belongs to; None if the rulebook has none."""
        return self._counters.get(key.partition(SEPARATOR)[0])

    def explain(self, key: str) -> dict[str, str]:
        """What a counter of a state counts, and of which course, order or other thing; `unknown` if no rule says."""
        name, _, per = key.partition(SEPARATOR)
        known = self.find(key)
        counter = known.name if known else f"unknown ({name})"
        return {"counter": counter, "per": per} if per else {"counter": counter}


def _counted(plan: Plan) -> Mapping[str, Counter]:
    kinds: Mapping[RuleKind, Mapping[str, tuple[Signature, ...]]] = {
        "count": plan.counts, "sum": plan.sums, "percent": plan.percents, "value": plan.values,
    }  # fmt: skip
    found = {}
    for kind, signatures in kinds.items():
        for event_type, group in signatures.items():
            for signature in group:
                where = ", ".join(f"{field} {' or '.join(sorted(values))}" for field, values in signature.where)
                name = f"{event_type} where {where}" if where else event_type
                found[signature.key] = Counter(kind, name, signature)
    return found
