"""The policy: what a tier is answered with, and within which limits.

It stands in the same file as the rules, and `schemas.rulebook` holds both. Money is in
cents; a light tier never costs anything, and no gift is large, unless the file says so
explicitly (`generous: true`).
"""

import re
from datetime import time, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from schemas.answer_words import ChannelName, NextStep
from schemas.experiments import Experiment
from schemas.milestone import Tier

__all__ = [
    "LIGHT_TIERS", "MAX_GIFT_CENTS", "Approval", "Budget", "Cap", "ChannelName", "Duration", "Experiment", "HoldOut",
    "Mode", "NextStep", "Policy", "QuietAnswer", "QuietHours", "TierPolicy", "parse_duration",
]  # fmt: skip

Mode = Literal["live", "shadow"]
Approval = Literal["never", "money", "always"]
UnknownAnswer = Literal["hold", "resend"]
QuietAnswer = Literal["hold", "downgrade", "send"]

LIGHT_TIERS: frozenset[Tier] = frozenset({"micro", "streak"})
"""Tiers that are answered with attention alone."""

MAX_GIFT_CENTS = 4_000
"""More than this is no small gift any more; a slip of the decimal point would be one."""

MOST_GIFT_CENTS = 50_000
"""Nothing is given by a machine beyond this, whatever the file says."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]

_DURATION = re.compile(r"^(\d+)(s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: object) -> timedelta:
    """The duration that `10m`, `24h` or `2d` stands for.

    Raises:
        ValueError: not a whole number followed by s, m, h or d.
    """
    if isinstance(text, timedelta):
        return text
    found = _DURATION.match(str(text))
    if not found:
        raise ValueError("must be a whole number and a unit: 30s, 10m, 24h or 2d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


_DurationText = Annotated[str, StringConstraints(pattern=_DURATION.pattern)]
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=_DurationText),
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cap(_Part):
    """At most this many of the tier for one client.

    Attributes:
        per_day: by the client's local day.
        per_week: within any seven days.
    """

    per_day: Annotated[int, Field(ge=1)] | None = None
    per_week: Annotated[int, Field(ge=1)] | None = None


class FollowUp(_Part):
    """Channels that only remind: they wait, and drop out once the message itself was opened.

    Attributes:
        channels: which of the answer's channels, as in [sms].
        after: how long they wait: 4h, 1d.
    """

    channels: Annotated[tuple[Literal["in_app", "sms"], ...], Field(min_length=1)]
    after: Duration = timedelta(hours=4)


class TierPolicy(_Part):
    """How one tier is answered.

    Attributes:
        channels: the ways of the answer, the first the most important.
        class: the consent that the message needs, `service` or `marketing`.
        cost_cents: what the answer costs beside the gift, in cents.
        gift_cents: the worth of the gift, in cents.
        badge: whether a badge stands in the email.
        recap: whether the message looks back at the way so far.
        expires: after this long the message is no longer sent: 24h, 2d.
        cap: how many of this tier one client gets at the most.
        quiet: in quiet hours, `hold` waits, `downgrade` goes into the app alone, `send` goes out.
        approval: what waits for a coach: nothing, the money, or all of it; None as the whole policy says.
        follow_up: channels that remind, if the message was not opened.
        generous: the gift is meant to be larger than a small one, or to go with a light tier.
    """

    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)]
    consent: Annotated[Literal["service", "marketing"], Field(alias="class")] = "service"
    cost_cents: Annotated[int, Field(ge=0, le=MAX_GIFT_CENTS)] = 0
    gift_cents: Annotated[int, Field(ge=0, le=MOST_GIFT_CENTS)] = 0
    badge: bool = False
    recap: bool = False
    expires: Duration = timedelta(hours=24)
    cap: Cap = Cap()
    quiet: QuietAnswer = "hold"
    approval: Approval | None = None
    follow_up: FollowUp | None = None
    generous: bool = False

    @model_validator(mode="after")
    def _large_gifts_are_meant(self) -> Self:
        if self.gift_cents > MAX_GIFT_CENTS and not self.generous:
            raise ValueError(too_large(self.gift_cents))
        return self

    @model_validator(mode="after")
    def _reminders_are_among_the_channels(self) -> Self:
        strange = [name for name in self.follow_up.channels if name not in self.channels] if self.follow_up else []
        if strange:
            raise ValueError(f"follow_up: {strange[0]} is not among the tier's channels: add it there, or leave it out")
        return self


def too_large(cents: int) -> str:
    """What is wrong with a gift of so many cents."""
    return f"{cents} cents are more than {MAX_GIFT_CENTS}: say generous: true beside it if that is meant"


class Clients(_Part):
    """Clients who are treated differently: any of these tags, or these ids.

    Attributes:
        tags: clients who have any of these tags.
        ids: these clients.
    """

    tags: tuple[Line, ...] = ()
    ids: tuple[Line, ...] = ()


class Surge(_Part):
    """The automatic brake: a tenant that sends many times what it usually does is paused, and somebody is called.

    Attributes:
        times: how many times the usual number of messages in an hour is too much.
        floor: fewer messages in an hour than this are never too much.
    """

    times: Annotated[float, Field(ge=2)] = 5.0
    floor: Annotated[int, Field(ge=1)] = 500


class Budget(_Part):
    """What may be spent in a calendar month.

    Attributes:
        client_month_cents: for one client, in cents.
        tenant_month_cents: for all clients, in cents.
    """

    client_month_cents: Annotated[int, Field(ge=0)] = 4_000
    tenant_month_cents: Annotated[int, Field(ge=0)] = 100_000


_TimeOfDay = Annotated[time, WithJsonSchema({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"})]


class QuietHours(_Part):
    """The client's local hours in which nothing arrives; `from` after `to` wraps midnight.

    Attributes:
        from: when they begin, as in "21:00".
        to: when they end, as in "08:00".
    """

    from_time: Annotated[_TimeOfDay, Field(alias="from")] = time(21)
    to_time: Annotated[_TimeOfDay, Field(alias="to")] = time(8)


class HoldOut(_Part):
    """The share of clients that is left uncelebrated to measure the effect.

    Attributes:
        share: 0 for none to 1 for all.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.0


def _starter_tiers() -> dict[Tier, TierPolicy]:
    return {
        "micro": TierPolicy.model_validate(
            {"channels": ["in_app"], "cap": {"per_day": 1}, "quiet": "downgrade", "expires": "24h"}
        ),
        "streak": TierPolicy.model_validate({"channels": ["email", "in_app"], "badge": True, "expires": "48h"}),
        "program": TierPolicy.model_validate(
            {"channels": ["email", "video", "in_app"], "recap": True, "cost_cents": 200, "expires": "48h"}
        ),
        "major": TierPolicy.model_validate(
            {
                "channels": ["email", "certificate", "gift", "referral"],
                "gift_cents": 2_500,
                "expires": "7d",
                "approval": "money",
            }
        ),
        "nudge": TierPolicy.model_validate({"channels": ["email"], "cap": {"per_week": 1}, "expires": "48h"}),
    }


class Policy(_Part):
    """The whole policy; what the file leaves out is as in the starter rulebook.

    Attributes:
        approval: what waits for a coach where neither rule nor tier says so.
        cap: at most so many celebrations of all tiers for one client; a major goes in any case.
        by_hand: clients whom people congratulate, never a machine.
        ask_first: clients of whom nothing goes without approval.
        surge: the automatic brake.
        unknown: what becomes of a message of which nobody knows whether it left.
    """

    mode: Mode = "live"
    approval: Approval = "money"
    cap: Cap = Cap()
    by_hand: Clients = Clients()
    ask_first: Clients = Clients()
    surge: Surge = Surge()
    unknown: UnknownAnswer = "hold"
    tiers: dict[Tier, TierPolicy] = Field(default_factory=_starter_tiers)
    budget: Budget = Budget()
    quiet_hours: QuietHours = QuietHours()
    hold_out: HoldOut = HoldOut()
    experiments: Annotated[tuple[Experiment, ...], Field(max_length=50)] = ()

    @field_validator("tiers")
    @classmethod
    def _light_tiers_cost_nothing(cls, tiers: dict[Tier, TierPolicy]) -> dict[Tier, TierPolicy]:
        for tier in sorted(LIGHT_TIERS & tiers.keys()):
            if (tiers[tier].gift_cents or tiers[tier].cost_cents) and not tiers[tier].generous:
                raise ValueError(f"the {tier} tier costs nothing: take its gift_cents and cost_cents out")
        return {**_starter_tiers(), **tiers}
