"""What was counted of a client, as plain data: counts, sums, percentages and watched values."""

from typing import Any

from agents.counter_names import CounterNames
from agents.viewpoint import Viewpoint
from streams.tracking.instants import to_datetime
from streams.tracking.marks import Mark, highest, is_within, joined, spans
from streams.tracking.state import State


def counts_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """The counters that are not zero; one that the rulebook does not name may be a sum."""
    return [
        {**view.names.explain(key), "count": count}
        for key, count in sorted(state.counts.items())
        if count and _kind(view.names, key) != "sum"
    ]


def sums_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """What was added up, with the field that was; in its own unit, so that cents are cents."""
    return [
        {**view.names.explain(key), "of": known.signature.of, "amount": amount}
        for key, amount in sorted(state.counts.items())
        if amount and (known := view.names.find(key)) is not None and known.kind == "sum"
    ]


def marks_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """The highest percentage of each course."""
    return [
        {**view.names.explain(key), "percent": highest(mark)}
        for key, mark in sorted(state.marks.items())
        if _is_percent(view.names, key, mark)
    ]


def values_of(state: State, view: Viewpoint) -> list[dict[str, Any]]:
    """Each watched value: the latest, from where to where it went beyond what it was, and the thresholds in between."""
    return [
        _value(key, mark, view) for key, mark in sorted(state.marks.items()) if not _is_percent(view.names, key, mark)
    ]


def _value(key: str, mark: Mark, view: Viewpoint) -> dict[str, Any]:
    """One watched value; what falls is kept as its negative, and shown as it was measured."""
    known = view.names.find(key)
    falls = known is not None and known.signature.falls
    sign = -1 if falls else 1
    crossed = joined(spans(mark, from_zero=False))
    last = max(mark.kept, key=lambda kept: kept.at_ms, default=None)
    edges = known.signature.edges if known else ()
    return {
        **view.names.explain(key),
        "of": known.signature.of if known else None,
        "watched_for": None if known is None else "falling" if falls else "rising",
        "latest": None if last is None else sign * last.value,
        "measured_at": None if last is None else to_datetime(last.at_ms),
        "moved": [{"from": sign * low, "to": sign * high} for low, high in crossed],
        "crossed": [sign * edge for edge in edges if is_within(crossed, edge)],
    }


def _kind(names: CounterNames, key: str) -> str | None:
    known = names.find(key)
    return known.kind if known else None


def _is_percent(names: CounterNames, key: str, mark: Mark) -> bool:
    """Whether a mark is of a percentage; where no rule says so, only watched values have a time."""
    kind = _kind(names, key)
    return kind == "percent" or (kind is None and not any(kept.at_ms for kept in mark.kept))
