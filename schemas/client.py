"""Client profiles on `coaching.clients.v1`, the only topic with contact data.

A record is a whole profile, the newest wins, and a tombstone erases. The tracker reads
`TRACKED_FIELDS` alone; everything else is for delivery, which reads it at send time.
"""

import re
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)

from schemas.zones import ZONES

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
ConsentKind = Literal["service", "marketing", "public_praise", "story", "personal_signals"]
Status = Literal["active", "paused", "left"]
LOCALE_PATTERN = r"^[a-z]{2,3}([-_][A-Za-z]{2,4})*$"

TRACKED_FIELDS = (
    "timezone",
    "day_starts_at",
    "birthday",
    "joined_on",
    "renewal_on",
    "status",
    "tags",
)
_KEPT: Final = "kept"
_BIRTHDAY = re.compile(r"^(\d{4}-)?(\d{2})-(\d{2})$")
_LEAP_YEAR = 2000
_PLAIN_MAX_CHARS: Final = 64  # of the whole, so that no part is too long either
_PLAIN: Final = re.compile(
    r"[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion|test)\Z)[a-z]{2,}"
)


def _checked(address: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> str:
    return address if info.context == _KEPT or _is_plain(address) else str(validate(address))


def _is_plain(address: Any) -> bool:
    """Whether an address is right at a glance, and normal; a closer look costs four times the rest of a profile."""
    return isinstance(address, str) and len(address) <= _PLAIN_MAX_CHARS and _PLAIN.fullmatch(address) is not None


Address = Annotated[EmailStr, WrapValidator(_checked)]


class Consent(BaseModel):
    """One consent as it was given or withdrawn."""

    model_config = ConfigDict(frozen=True)

    granted: bool
    source: Line
    at: AwareDatetime


class Profile(BaseModel):
    """Who a client is and how they want to be met; every field is optional.

    Attributes:
        birthday: `MM-DD` or `YYYY-MM-DD`.
        day_starts_at: `HH:MM`, when the client's local day begins.
        channels: False for a channel that the client does not want.
    """

    model_config = ConfigDict(frozen=True)

    name: Line | None = None
    email: Address | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{6,14}$")] | None = None
    locale: Annotated[str, StringConstraints(pattern=LOCALE_PATTERN)] | None = None
    timezone: Line | None = None
    day_starts_at: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None
    birthday: str | None = None
    joined_on: date | None = None
    renewal_on: date | None = None
    status: Status = "active"
    tags: Annotated[tuple[Line, ...], Field(max_length=64)] = ()
    coach_id: Line | None = None
    consents: dict[ConsentKind, Consent] = {}
    channels: dict[Line, bool] = {}

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in ZONES:
            raise ValueError("not an IANA time zone, as in Europe/Vienna")
        return zone

    @field_validator("birthday")
    @classmethod
    def _birthday_is_a_day(cls, birthday: str | None) -> str | None:
        if birthday is None:
            return None
        found = _BIRTHDAY.match(birthday)
        if not found:
            raise ValueError("must be MM-DD or YYYY-MM-DD")
        date(int(found[1][:4]) if found[1] else _LEAP_YEAR, int(found[2]), int(found[3]))
        return birthday


def kept_profile(profile: str) -> Profile:
    """A profile as the ledger keeps it, in JSON: its address was checked and normalised when it came."""
    return Profile.model_validate_json(profile, context=_KEPT)
