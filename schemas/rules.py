"""Rules: when a milestone is reached, as a rulebook states it.

What a rule waits for is in `schemas.whens`; here is what stands beside it. A word that is
not known is refused by its name: a rule that is silently ignored would be a promise broken
without a trace.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.milestone import Tier
from schemas.policy import (
    LIGHT_TIERS,
    MAX_GIFT_CENTS,
    MOST_GIFT_CENTS,
    Approval,
    ChannelName,
    Duration,
    NextStep,
    too_large,
)
from schemas.rule_words import ClockTime, Day, FieldName, Label, Part, Scalar, Slip, Slug, as_many, look_at
from schemas.whens import (
    KINDS,
    CountWhen,
    DateWhen,
    LapseWhen,
    PercentWhen,
    StreakWhen,
    SumWhen,
    ValueWhen,
    When,
)
from schemas.zones import ZONES

__all__ = [
    "KINDS", "Audience", "CountWhen", "DateWhen", "Defaults", "LapseWhen", "PercentWhen", "Reward", "Rule", "Slip",
    "StreakWhen", "SumWhen", "ValueWhen", "When",
]  # fmt: skip

MAX_SETTLE = timedelta(days=7)

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME_FIELDS = ("threshold",)


def _settles(wait: timedelta) -> timedelta:
    if not timedelta(0) < wait <= MAX_SETTLE:
        raise ValueError("must be longer than nothing and at most 7d")
    return wait


Values = Annotated[
    tuple[Scalar, ...],
    Field(min_length=1),
    BeforeValidator(as_many, json_schema_input_type=Annotated[list[Scalar], Field(min_length=1)] | Scalar),
]
Names = Annotated[
    tuple[Label, ...],
    Field(min_length=1, max_length=10_000),
    BeforeValidator(as_many, json_schema_input_type=Annotated[list[Label], Field(min_length=1)] | Label),
]


class Audience(Part):
    """The clients that a rule is for; the others are counted and hear nothing.

    Attributes:
        share: a part of all clients, 0 to 1, always the same ones.
        tags: clients who have any of these tags.
        ids: these clients.
    """

    share: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    tags: Names | None = None
    ids: Names | None = None

    @model_validator(mode="after")
    def _is_said_once(self) -> Self:
        if sum(part is not None for part in (self.share, self.tags, self.ids)) != 1:
            raise ValueError("clients needs exactly one of: share, tags, ids")
        return self


class Reward(Part):
    """A gift that grows with each time.

    Attributes:
        by: what it grows with: `occurrence`, each time that the client reaches the rule.
        cents: the gift of the first time, the second, and so on; the last one is for all that follow.
    """

    by: Literal["occurrence"] = "occurrence"
    cents: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MOST_GIFT_CENTS, strict=True)], ...], Field(min_length=1, max_length=100)
    ]


class Rule(Part):
    """One rule: what is counted, how heavy it weighs, and how its answer differs.

    Attributes:
        id: the rule's name for the machine, in small letters; it must never change.
        tier: how heavy a milestone weighs; `tiers` says how each is answered.
        when: what has to happen, told by its first word.
        where: equality on data fields; every one must hold.
        repeat: `once` per threshold and `per` value, or `per-streak` for every run.
        name: what people call it; `{threshold}` is filled in.
        moment: planning celebrates one per client, moment and program.
        enabled: whether the rule is switched on.
        channels: these channels instead of the tier's.
        template: the words of this name instead of the tier's.
        gift_cents: this gift instead of the tier's, in cents.
        approval: this approval instead of the tier's.
        settle: how long a crossing must hold before it is told.
        effective_from: what was reached before this day, in the client's time, is not told.
        clients: whom it is for; None for all.
        reward: a gift that grows, instead of the tier's.
        next: what the message points to as the next step; `next_steps` of tenant.yaml says where that is.
        by_hand: people congratulate, never a machine.
        personal: it tells of something personal, which the client must permit; None for a birthday alone.
        generous: the gift is meant to be larger than a small one, or to go with a light tier.
    """

    id: Slug
    tier: Tier
    when: When
    where: dict[FieldName, Values] = Field(default={})
    repeat: Literal["once", "per-streak"] = "once"
    name: Label | None = None
    moment: Slug | None = None
    enabled: bool = True
    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)] | None = None
    template: Slug | None = None
    gift_cents: Annotated[int, Field(ge=0, le=MOST_GIFT_CENTS, strict=True)] | None = None
    approval: Approval | None = None
    settle: Annotated[Duration, AfterValidator(_settles)] | None = None
    effective_from: Day | None = None
    clients: Audience | None = None
    reward: Reward | None = None
    next: NextStep | None = None
    by_hand: bool = False
    personal: bool | None = None
    generous: bool = False

    @field_validator("where")
    @classmethod
    def _where_can_hold(cls, where: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        when: When | None = info.data.get("when")
        if when is None:
            return where
        if where and not when.event_type:
            raise ValueError(f"a {when.kind} looks at no event: take where out")
        for field in where:
            look_at(when.event_type, field, ("habit_id",) if isinstance(when, StreakWhen) else None)
        return where

    @field_validator("repeat")
    @classmethod
    def _repeat_fits(cls, repeat: str, info: ValidationInfo) -> str:
        if repeat == "per-streak" and not isinstance(info.data.get("when"), StreakWhen | None):
            raise ValueError("per-streak belongs to streak rules")
        return repeat

    @field_validator("name")
    @classmethod
    def _name_can_be_filled(cls, name: str | None, info: ValidationInfo) -> str | None:
        when: When | None = info.data.get("when")
        for found in _PLACEHOLDER.findall(name or ""):
            if found not in _NAME_FIELDS:
                raise Slip(f"a name cannot say {{{found}}}", found, _NAME_FIELDS)
            if when is not None and not when.event_type:
                raise ValueError(f"a {when.kind} crosses no number: its name cannot say {{{found}}}")
        return name

    @field_validator("settle")
    @classmethod
    def _settle_fits(cls, settle: timedelta | None, info: ValidationInfo) -> timedelta | None:
        when: When | None = info.data.get("when")
        if settle is not None and when is not None and not when.event_type:
            raise ValueError(f"a {when.kind} is due when it is due: take settle out")
        return settle

    @model_validator(mode="after")
    def _money_is_meant(self) -> Self:
        if self.gift_cents is not None and self.reward is not None:
            raise ValueError("gift_cents and reward are two answers to one question: keep one")
        most = max(self.reward.cents) if self.reward else self.gift_cents or 0
        if self.generous or not most:
            return self
        if self.tier in LIGHT_TIERS:
            raise ValueError(f"a {self.tier} milestone costs nothing: take the gift out or raise the tier")
        if most > MAX_GIFT_CENTS:
            raise ValueError(too_large(most))
        return self


def _known_zone(zone: str) -> str:
    if zone not in ZONES:
        raise Slip(f"no such time zone: {zone}", zone, ZONES)
    return zone


class Defaults(Part):
    """What holds where a profile or an event says nothing.

    Attributes:
        timezone: an IANA name, as in Europe/Vienna.
        day_starts_at: the local time at which a day begins: "04:00" for night owls.
        grace_hours: how long after a missed day a streak may still be mended.
        session_hold_off_minutes: a booked session counts this long after its end, unless cancelled.
    """

    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    day_starts_at: ClockTime = "00:00"
    grace_hours: Annotated[int, Field(ge=0, le=24 * 14, strict=True)] = 36
    session_hold_off_minutes: Annotated[int, Field(ge=0, le=60 * 24 * 14, strict=True)] = 120
