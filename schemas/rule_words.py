"""The words that rules are written with: ids, event types, fields, numbers and times of day.

Each is checked where it stands and refused with what would have been right, because the
person who wrote it is a coach. Nothing here knows more than one rule.
"""

import math
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
from msgspec.inspect import FloatType, IntType, type_info
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from schemas.event import EVENT_DATA

_TYPE = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_SLIP_CUTOFF = 0.86
_MAX_NUMBER = 2**53
"""The largest number that an event may carry."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Scalar = Annotated[str, StringConstraints(max_length=512)] | bool | int | float
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Slip(ValueError):
    """A word that was probably meant to be another; `words` are the right ones."""

    def __init__(self, text: str, wrong: str, words: Iterable[str]) -> None:
        super().__init__(text)
        self.wrong = wrong
        self.words = tuple(sorted(words))


class Part(BaseModel):
    """A part of a rulebook: frozen, and without room for words it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def look_at(event_type: str, field: str | None, known: Iterable[str] | None = None) -> None:
    """Refuse a field that the type's data does not have; a free type may have any.

    Raises:
        Slip: with the fields that there are.
    """
    shape = EVENT_DATA.get(event_type)
    if known is None and shape is not None:
        known = [spec.encode_name for spec in msgspec.structs.fields(shape)]
    if field is not None and known is not None and field not in known:
        raise Slip(f"{event_type} has no field {field} to look at", field, known)


def look_at_number(event_type: str, field: str) -> None:
    """Refuse a field of a known type that holds no number.

    Raises:
        Slip: with the fields that do.
    """
    look_at(event_type, field)
    shape = EVENT_DATA.get(event_type)
    if shape is None:
        return
    numbers = numbers_of(event_type)
    if field not in numbers:
        raise Slip(f"{field} of {event_type} is no number", field, numbers)


def numbers_of(event_type: str) -> dict[str, IntType | FloatType]:
    """The fields of a known type that hold a number, with their bounds."""
    described: Any = type_info(EVENT_DATA[event_type])
    return {spec.encode_name: spec.type for spec in described.fields if isinstance(spec.type, IntType | FloatType)}


def _is_no_slip(name: str) -> str:
    """The type, unless it looks like a slip of a known one.

    A free type may have any name, but `session.complete` is hardly meant to be one: nothing
    would ever send it, and the rule would stay silent for ever.
    """
    close = get_close_matches(name, EVENT_DATA, n=1, cutoff=_SLIP_CUTOFF)
    if close and name not in EVENT_DATA:
        raise Slip(f"no such event type: {name}", name, EVENT_DATA)
    return name


TypeName = Annotated[
    str,
    StringConstraints(max_length=64, pattern=_TYPE),
    AfterValidator(_is_no_slip),
    WithJsonSchema({"anyOf": [{"enum": list(EVENT_DATA)}, {"type": "string", "maxLength": 64, "pattern": _TYPE}]}),
]


def as_many(value: Any) -> Any:
    """One value or several: several."""
    return value if isinstance(value, list | tuple) else [value]


def ascending(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """The numbers, unless they do not rise."""
    if list(numbers) != sorted(set(numbers)):
        raise ValueError("must rise, each number once")
    return numbers


def descending(numbers: tuple[Any, ...]) -> tuple[Any, ...]:
    """The numbers, unless they do not fall."""
    if list(numbers) != sorted(set(numbers), reverse=True):
        raise ValueError("must fall, each number once")
    return numbers


def sorted_once(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """The numbers in rising order, unless one stands twice."""
    if len(set(numbers)) != len(numbers):
        raise ValueError("must have each number once")
    return tuple(sorted(numbers))


def _number(value: object) -> int | float:
    """A finite number; 80.0 is 80, so that a name says it as people do."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("must be a number")
    if abs(value) > _MAX_NUMBER:
        raise ValueError("must be a number of at most 2 to the power of 53")
    return int(value) if value == int(value) else value


Number = Annotated[int | float, BeforeValidator(_number, json_schema_input_type=int | float)]


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    if _DAY.match(str(value)):
        with suppress(ValueError):
            return date.fromisoformat(str(value))
    raise ValueError("must be a date of the calendar: 2026-03-01")


Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=date)]

Several = Field(min_length=1, max_length=100)
"""A list of numbers that a rule fires at; nobody celebrates more than a hundred."""
