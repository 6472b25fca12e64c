"""Numbers that cross thresholds: counts, sums, percents and values (semantics 1, 7 and 8).

For each `per` value: the number as it is, and every threshold that holds with the number that
crossed it and, for values, the time of the measurement that did.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.model.log import Event, in_time
from tests.model.units import units

Number = int | float
Held = dict[Number, tuple[Number, datetime | None]]
Rule = dict[str, Any]

KINDS = ("count", "sum", "percent", "value")


def standing(rule: Rule, events: list[Event], start: int) -> dict[str | None, tuple[Number, Held]]:
    """By `per` value, the number and the thresholds that hold, in the order in which they are crossed.

    Args:
        start: the place in the log from which this signature counts.
    """
    when = rule["when"]
    if "value" in when:
        return {per: _value(when, found) for per, found in _measured(rule, "value", events, start).items()}
    numbers: dict[str | None, Number]
    if "percent" in when:
        marks = _measured(rule, "percent", events, start)
        numbers = {per: max(number for _, number in found) for per, found in marks.items()}
    else:
        numbers = _added(rule, events, start)
    return {per: (number, _passed(rule, number)) for per, number in numbers.items()}


def _added(rule: Rule, events: list[Event], start: int) -> dict[str | None, Number]:
    when = rule["when"]
    event_type = when.get("count") or when["sum"]
    totals: dict[str | None, Decimal] = {}
    for unit in units(event_type, events):
        is_paid = "sum" in when and event_type == "purchase.completed"
        if unit["seq"] >= start and (unit["stands"] or is_paid) and concerns(rule, unit["data"]):
            _add(totals, rule, unit["data"], 1)
    if "sum" in when and event_type == "purchase.completed":
        for event in events:
            if event["seq"] >= start and event["type"] == "purchase.refunded" and concerns(rule, event["data"]):
                _add(totals, rule, event["data"], -1)
    return {per: plain(total) for per, total in totals.items()}


def _add(totals: dict[str | None, Decimal], rule: Rule, data: dict[str, Any], sign: int) -> None:
    number = 1 if "count" in rule["when"] else data.get(rule["when"]["of"])
    if is_number(number):
        per = per_of(rule, data)
        totals[per] = totals.get(per, Decimal(0)) + sign * Decimal(str(number))


def _measured(rule: Rule, kind: str, events: list[Event], start: int) -> dict[str | None, list[tuple[Any, Number]]]:
    """By `per` value, the measurements in time order, each with its time."""
    when = rule["when"]
    found: dict[str | None, list[tuple[Any, Number]]] = {}
    for event in in_time([event for event in events if event["seq"] >= start]):
        data = event["data"]
        is_complete = event["type"] == "course.completed" and when[kind] == "course.progressed" and kind == "percent"
        if (event["type"] != when[kind] and not is_complete) or not concerns(rule, data):
            continue
        number = 100 if is_complete else data.get(when.get("of", "percent"))
        if is_number(number):
            found.setdefault(per_of(rule, data), []).append((event["time"], plain(Decimal(str(number)))))
    return found


def _value(when: dict[str, Any], found: list[tuple[datetime, Number]]) -> tuple[Number, Held]:
    """What was crossed: a measurement on the far side, after one on the near side."""
    held: Held = {}
    sign = -1 if "falls_to" in when else 1
    for threshold in sorted(when.get("falls_to") or when["reaches"], key=lambda number: sign * number):
        was_short = False
        for at, number in found:
            if sign * number < sign * threshold:
                was_short = True
            elif was_short:
                held[threshold] = (number, at)
                break
    return found[-1][1], held


def _passed(rule: Rule, number: Number) -> Held:
    when = rule["when"]
    step = when.get("every") or rule.get("every")
    thresholds = [step * times for times in range(1, int(number // step) + 1)] if step else sorted(when["reaches"])
    return {threshold: (number, None) for threshold in thresholds if threshold <= number}


def concerns(rule: Rule, data: dict[str, Any]) -> bool:
    """Whether an event's data satisfies `where` and has the field that `per` names."""
    for field, wanted in rule.get("where", {}).items():
        values = wanted if isinstance(wanted, list | tuple) else [wanted]
        if not any(_is_same(data.get(field), value) for value in values):
            return False
    per = rule["when"].get("per")
    return per is None or data.get(per) is not None


def per_of(rule: Rule, data: dict[str, Any]) -> str | None:
    """The text of the `per` value; None for a rule without `per`."""
    per = rule["when"].get("per")
    if per is None:
        return None
    value = data[per]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(plain(Decimal(str(value)))) if is_number(value) else str(value)


def is_number(value: Any) -> bool:
    """Whether a field holds a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def plain(number: Decimal) -> Number:
    """The number as an integer where it is one."""
    return int(number) if number == int(number) else float(number)


def _is_same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other
