"""Rules: when a milestone is reached, as a rulebook states it.

This version decides the kinds `count`, `streak` and `percent`. A kind or option that the
design names and that is not decided yet is refused by its name: a rule that is silently
ignored would be a promise broken without a trace.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.event import EVENT_DATA
from schemas.milestone import RuleKind, Tier
from schemas.policy import LIGHT_TIERS, MAX_GIFT_CENTS, Approval, ChannelName
from schemas.zones import ZONES

KINDS = ("count", "streak", "percent")
UNDECIDED_KINDS = ("sum", "value", "date", "lapse")

_TYPE = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME_FIELDS = ("threshold",)
_SLIP_CUTOFF = 0.86

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Scalar = Annotated[str, StringConstraints(max_length=512)] | bool | int | float
Threshold = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class Slip(ValueError):
    """A word that was probably meant to be another; `words` are the right ones."""

    def __init__(self, text: str, wrong: str, words: Iterable[str]) -> None:
        super().__init__(text)
        self.wrong = wrong
        self.words = tuple(sorted(words))


def _is_no_slip(name: str) -> str:
    """The type, unless it looks like a slip of a known one.

    A free type may have any name, but `session.complete` is hardly meant to be one: nothing
    would ever send it, and the rule would stay silent for ever.
    """
    close = get_close_matches(name, EVENT_DATA, n=1, cutoff=_SLIP_CUTOFF)
    if close and name not in EVENT_DATA:
        raise Slip(f"no such event type: {name}", name, EVENT_DATA)
    return name


def _look_at(event_type: str, field: str | None, known: Iterable[str] | None = None) -> None:
    """Refuse a field that the type's data does not have; a free type may have any."""
    shape = EVENT_DATA.get(event_type)
    if known is None and shape is not None:
        known = [spec.encode_name for spec in msgspec.structs.fields(shape)]
    if field is not None and known is not None and field not in known:
        raise Slip(f"{event_type} has no field {field} to look at", field, known)


TypeName = Annotated[str, StringConstraints(max_length=64, pattern=_TYPE), AfterValidator(_is_no_slip)]


def _not_decided(_value: object, info: ValidationInfo) -> object:
    raise ValueError(f"{info.field_name} is not decided by this version; take it out")


Undecided = Annotated[None, BeforeValidator(_not_decided)]


class Part(BaseModel):
    """A part of a rulebook: frozen, and without room for words it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _When(Part):
    """What every kind of `when` can say about itself."""

    kind: ClassVar[RuleKind]

    @property
    def event_type(self) -> str:
        """The event type that it looks at."""
        return str(getattr(self, self.kind))


def _ascending(thresholds: tuple[int, ...]) -> tuple[int, ...]:
    if list(thresholds) != sorted(set(thresholds)):
        raise ValueError("must rise, each number once")
    return thresholds


Thresholds = Annotated[tuple[Threshold, ...], Field(min_length=1, max_length=100), AfterValidator(_ascending)]
PercentThreshold = Annotated[int, Field(ge=1, le=100, strict=True)]


class CountWhen(_When):
    """So many events of a type, in all or for each value of `per`."""

    count: TypeName
    kind: ClassVar[RuleKind] = "count"
    per: FieldName | None = None
    reaches: Thresholds | None = None
    every: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = None

    @model_validator(mode="after")
    def _has_one_threshold(self) -> Self:
        if (self.reaches is None) == (self.every is None):
            raise ValueError("a count needs either reaches: [..] or every: N")
        return self

    @field_validator("per")
    @classmethod
    def _per_is_a_field(cls, per: str | None, info: ValidationInfo) -> str | None:
        _look_at(info.data.get("count", ""), per)
        return per


class StreakWhen(_When):
    """So many consecutive local days with a check, over all habits or for each."""

    kind: ClassVar[RuleKind] = "streak"
    streak: Literal["habit.checked"]
    per: Literal["habit_id"] | None = None
    days: Thresholds


class PercentWhen(_When):
    """A high-water mark of a percentage, in all or for each value of `per`."""

    kind: ClassVar[RuleKind] = "percent"
    percent: TypeName
    of: FieldName = "percent"
    per: FieldName | None = None
    reaches: Annotated[tuple[PercentThreshold, ...], Field(min_length=1, max_length=100), AfterValidator(_ascending)]

    @field_validator("of", "per")
    @classmethod
    def _is_a_field(cls, field: str | None, info: ValidationInfo) -> str | None:
        _look_at(info.data.get("percent", ""), field)
        return field


def _kind_of(when: Any) -> str | None:
    if isinstance(when, _When):
        return f"kind:{when.kind}"
    found = [kind for kind in KINDS if isinstance(when, dict) and kind in when]
    return f"kind:{found[0]}" if len(found) == 1 else None


def _is_decided(when: Any) -> Any:
    for kind in UNDECIDED_KINDS:
        if isinstance(when, dict) and kind in when:
            raise ValueError(f"{kind} rules are not decided by this version; take the rule out")
    return when


When = Annotated[
    Annotated[
        Annotated[CountWhen, Tag("kind:count")]
        | Annotated[StreakWhen, Tag("kind:streak")]
        | Annotated[PercentWhen, Tag("kind:percent")],
        Discriminator(
            _kind_of,
            custom_error_type="no_kind",
            custom_error_message=f"when needs exactly one of: {', '.join(KINDS)}",
        ),
    ],
    BeforeValidator(_is_decided),
]


def _as_many(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


Values = Annotated[
    tuple[Scalar, ...],
    BeforeValidator(_as_many, json_schema_input_type=list[Scalar] | Scalar),
    Field(min_length=1),
]


class Rule(Part):
    """One rule: what is counted, how heavy it weighs, and how its answer differs.

    Attributes:
        where: equality on data fields; every one must hold.
        repeat: `once` per threshold and `per` value, or `per-streak` for every run.
        name: what people call it; `{threshold}` is filled in.
        moment: planning celebrates one per client, moment and program.
    """

    id: Slug
    tier: Tier
    when: When
    where: dict[FieldName, Values] = {}
    repeat: Literal["once", "per-streak"] = "once"
    name: Label | None = None
    moment: Slug | None = None
    enabled: bool = True
    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)] | None = None
    template: Slug | None = None
    gift_cents: Annotated[int, Field(ge=0, le=MAX_GIFT_CENTS, strict=True)] | None = None
    approval: Approval | None = None
    settle: Undecided = None
    effective_from: Undecided = None
    clients: Undecided = None
    reward: Undecided = None
    next: Undecided = None

    @field_validator("where")
    @classmethod
    def _where_can_hold(cls, where: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        when: CountWhen | StreakWhen | PercentWhen | None = info.data.get("when")
        if when is None:
            return where
        for field in where:
            _look_at(when.event_type, field, ("habit_id",) if isinstance(when, StreakWhen) else None)
        return where

    @field_validator("repeat")
    @classmethod
    def _repeat_fits(cls, repeat: str, info: ValidationInfo) -> str:
        if repeat == "per-streak" and not isinstance(info.data.get("when"), StreakWhen | None):
            raise ValueError("per-streak belongs to streak rules")
        return repeat

    @field_validator("name")
    @classmethod
    def _name_can_be_filled(cls, name: str | None) -> str | None:
        for found in _PLACEHOLDER.findall(name or ""):
            if found not in _NAME_FIELDS:
                raise Slip(f"a name cannot say {{{found}}}", found, _NAME_FIELDS)
        return name

    @field_validator("gift_cents")
    @classmethod
    def _gift_fits_the_tier(cls, cents: int | None, info: ValidationInfo) -> int | None:
        tier = info.data.get("tier")
        if cents and tier in LIGHT_TIERS:
            raise ValueError(f"a {tier} milestone costs nothing: take it out or raise the tier")
        return cents


def _known_zone(zone: str) -> str:
    if zone not in ZONES:
        raise Slip(f"no such time zone: {zone}", zone, ZONES)
    return zone


class Defaults(Part):
    """What holds where a profile or an event says nothing."""

    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    day_starts_at: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "00:00"
    grace_hours: Annotated[int, Field(ge=0, le=24 * 14, strict=True)] = 36
    session_hold_off_minutes: Annotated[int, Field(ge=0, le=60 * 24 * 14, strict=True)] = 120
