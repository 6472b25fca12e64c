"""Whens: what a rule waits for, one shape for each kind.

A kind is known by its first word (`count: session.completed`), so exactly one of these
words stands in a `when`. What one kind can say about itself is checked here; that a lapse
names a streak rule of its own file is asked where the whole file is known.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.milestone import RuleKind
from schemas.rule_words import (
    ClockTime,
    FieldName,
    Number,
    Part,
    Several,
    Slug,
    TypeName,
    as_many,
    ascending,
    descending,
    look_at,
    look_at_number,
    sorted_once,
)

KINDS = ("count", "streak", "percent", "sum", "value", "date", "lapse")
MAX_SUM = 10**12

Threshold = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
SumThreshold = Annotated[int, Field(ge=1, le=MAX_SUM, strict=True)]
PercentThreshold = Annotated[int, Field(ge=1, le=100, strict=True)]
Thresholds = Annotated[tuple[Threshold, ...], Several, AfterValidator(ascending)]


class _When(Part):
    """What every kind of `when` can say about itself."""

    kind: ClassVar[RuleKind]

    @property
    def event_type(self) -> str:
        """The event type that it looks at."""
        return str(getattr(self, self.kind))


def _exactly_one(first: object, second: object, told: str) -> None:
    if (first is None) == (second is None):
        raise ValueError(told)


class CountWhen(_When):
    """So many events of a type, in all or for each value of `per`.

    Attributes:
        count: the type of event: session.completed, or a word.word of your own.
        per: a field of the event; each of its values is counted for itself.
        reaches: fires at each of these numbers, which rise.
        every: fires at every multiple of this number.
    """

    count: TypeName
    kind: ClassVar[RuleKind] = "count"
    per: FieldName | None = None
    reaches: Thresholds | None = None
    every: Threshold | None = None

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        _exactly_one(self.reaches, self.every, "a count needs either reaches: [..] or every: N")
        return self

    @field_validator("per")
    @classmethod
    def _per_is_a_field(cls, per: str | None, info: ValidationInfo) -> str | None:
        look_at(info.data.get("count", ""), per)
        return per


class StreakWhen(_When):
    """So many consecutive local days with a check, over all habits or for each.

    Attributes:
        streak: habit.checked, the event that makes a day count.
        per: habit_id for a streak of each habit; without it any habit a day will do.
        days: fires at each of these lengths, which rise.
    """

    kind: ClassVar[RuleKind] = "streak"
    streak: Literal["habit.checked"]
    per: Literal["habit_id"] | None = None
    days: Thresholds


class _Measured(_When):
    """A number that events of a type carry in their field `of`."""

    @field_validator("of", "per", check_fields=False)
    @classmethod
    def _is_a_field(cls, field: str | None, info: ValidationInfo) -> str | None:
        event_type = info.data.get(cls.kind, "")
        if info.field_name == "of" and field is not None:
            look_at_number(event_type, field)
        else:
            look_at(event_type, field)
        return field


class PercentWhen(_Measured):
    """A high-water mark of a percentage, in all or for each value of `per`.

    Attributes:
        percent: the type of event that carries it: course.progressed.
        of: the field that holds it.
        per: a field of the event; each of its values has a mark of its own.
        reaches: fires at each of these percents, 1 to 100, which rise.
    """

    kind: ClassVar[RuleKind] = "percent"
    percent: TypeName
    of: FieldName = "percent"
    per: FieldName | None = None
    reaches: Annotated[tuple[PercentThreshold, ...], Several, AfterValidator(ascending)]


class SumWhen(_Measured):
    """So much of a field, added up over the events of a type, in all or for each value of `per`.

    Attributes:
        sum: the type of event: purchase.completed.
        of: the field that is added up: amount_cents.
        per: a field of the event; each of its values has a sum of its own.
        reaches: fires at each of these sums, which rise.
        every: fires at every multiple of this sum.
    """

    kind: ClassVar[RuleKind] = "sum"
    sum: TypeName
    of: FieldName
    per: FieldName | None = None
    reaches: Annotated[tuple[SumThreshold, ...], Several, AfterValidator(ascending)] | None = None
    every: SumThreshold | None = None

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        _exactly_one(self.reaches, self.every, "a sum needs either reaches: [..] or every: N")
        return self


class ValueWhen(_Measured):
    """The latest value of a field, on its way up or down, in all or for each value of `per`.

    Attributes:
        value: the type of event: weight.logged.
        of: the field that is looked at: kilos.
        per: a field of the event; each of its values is looked at for itself.
        reaches: fires when the value rises to each of these numbers, which rise.
        falls_to: fires when the value falls to each of these numbers, which fall.
    """

    kind: ClassVar[RuleKind] = "value"
    value: TypeName
    of: FieldName
    per: FieldName | None = None
    reaches: Annotated[tuple[Number, ...], Several, AfterValidator(ascending)] | None = None
    falls_to: Annotated[tuple[Number, ...], Several, AfterValidator(descending)] | None = None

    @model_validator(mode="after")
    def _has_one_direction(self) -> Self:
        _exactly_one(self.reaches, self.falls_to, "a value needs either reaches: [..] or falls_to: [..]")
        return self


DayAfter = Annotated[int, Field(ge=0, le=3650, strict=True)]
DayBefore = Annotated[int, Field(ge=0, le=365, strict=True)]
DaysAfter = Annotated[
    tuple[DayAfter, ...],
    Several,
    AfterValidator(sorted_once),
    BeforeValidator(as_many, json_schema_input_type=Annotated[list[DayAfter], Several] | DayAfter),
]
DaysBefore = Annotated[
    tuple[DayBefore, ...],
    Several,
    AfterValidator(sorted_once),
    BeforeValidator(as_many, json_schema_input_type=Annotated[list[DayBefore], Several] | DayBefore),
]


class DateWhen(_When):
    """A date of the client's profile: each year, or so many days before or after it.

    Attributes:
        date: the date: birthday, joined_on or renewal_on.
        at: the client's local time of day.
        every: each year; a birthday needs no word for it.
        days_after: so many days after the date, each number once; 0 is the day itself.
        days_before: so many days before it.
    """

    kind: ClassVar[RuleKind] = "date"
    per: ClassVar[None] = None
    date: Literal["birthday", "joined_on", "renewal_on"]
    at: ClockTime = "09:00"
    every: Literal["year"] | None = None
    days_after: DaysAfter | None = None
    days_before: DaysBefore | None = None

    @property
    def event_type(self) -> str:
        """A date waits for no event."""
        return ""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        said = [word for word in ("every", "days_after", "days_before") if getattr(self, word) is not None]
        allowed = _DATE_WORDS[self.date]
        if len(said) > 1:
            raise ValueError(f"a date needs only one of: {', '.join(said)}")
        if said and said[0] not in allowed:
            raise ValueError(f"{self.date} knows no {said[0]}; it may have {' or '.join(allowed)}")
        if not said and self.date != "birthday":
            raise ValueError(f"{self.date} needs {' or '.join(allowed)}")
        if self.date == "joined_on" and 0 in (self.days_after or ()):
            raise ValueError("joined_on needs days_after of at least 1: the day of joining has just begun")
        return self


_DATE_WORDS = {
    "birthday": ("every",),
    "joined_on": ("every", "days_after"),
    "renewal_on": ("days_before", "days_after"),
}


class LapseWhen(_When):
    """A run of a streak rule's days that has ended, once its grace is over.

    Attributes:
        lapse: the id of a streak rule of the same file.
        min_days: shorter runs end without a word.
    """

    kind: ClassVar[RuleKind] = "lapse"
    per: ClassVar[None] = None
    lapse: Slug
    min_days: Threshold = 3

    @property
    def event_type(self) -> str:
        """A lapse waits for no event."""
        return ""


def _kind_of(when: Any) -> str | None:
    if isinstance(when, _When):
        return f"kind:{when.kind}"
    found = [kind for kind in KINDS if isinstance(when, dict) and kind in when]
    return f"kind:{found[0]}" if len(found) == 1 else None


When = Annotated[
    Annotated[CountWhen, Tag("kind:count")]
    | Annotated[StreakWhen, Tag("kind:streak")]
    | Annotated[PercentWhen, Tag("kind:percent")]
    | Annotated[SumWhen, Tag("kind:sum")]
    | Annotated[ValueWhen, Tag("kind:value")]
    | Annotated[DateWhen, Tag("kind:date")]
    | Annotated[LapseWhen, Tag("kind:lapse")],
    Discriminator(
        _kind_of,
        custom_error_type="no_kind",
        custom_error_message=f"when needs exactly one of: {', '.join(KINDS)}",
    ),
]
