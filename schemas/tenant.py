"""A tenant: a folder of files that a platform's operator and its coaches can read.

`tenant.yaml` says who sends and where the events come from, `coaches.yaml` who signs,
`rulebook.yaml` what is celebrated. No secret stands in any of them: a secret is a file
`NAME` in the tenant's folder below the secrets folder, one valid value a line.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, HttpUrl

from schemas.client import Line
from schemas.zones import ZONES


def _known_zone(zone: str) -> str:
    if zone not in ZONES:
        raise ValueError("not an IANA time zone, as in Europe/Vienna")
    return zone


Zone = Annotated[str, AfterValidator(_known_zone)]
SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sender(_Part):
    """Whom a mail comes from; replies go to the coach."""

    from_name: Line
    from_address: EmailStr


class Texting(_Part):
    """Whom a text message comes from: a Twilio account, and a number or messaging service (`MG…`) of it.

    Secret: `sms.token`, the account's auth token.
    """

    account: Annotated[str, Field(pattern=r"^AC[0-9a-fA-F]{32}$")]
    sender: Annotated[str, Field(pattern=r"^(\+[1-9]\d{6,14}|MG[0-9a-fA-F]{32})$")]
    base_url: HttpUrl = HttpUrl("https://api.twilio.com")


class Coach(_Part):
    """A coach as clients meet them: the name and words under a message."""

    id: Line
    name: Line
    email: EmailStr
    timezone: Zone = "UTC"
    signature: Line | None = None


class AcuitySource(_Part):
    """Acuity Scheduling: signed thin hooks, appointments fetched from its API.

    Secrets: `NAME.path` (the last part of the hook's address) and `NAME.key` (API keys, of
    which any may have signed; the first authenticates the fetch).
    """

    kind: Literal["acuity"]
    name: SourceName
    account: Line
    user_id: Line
    base_url: HttpUrl = HttpUrl("https://acuityscheduling.com")
    completed_labels: tuple[Line, ...] = ()


class WebhookSource(_Part):
    """Any tool that speaks Standard Webhooks; secrets `NAME.path` and `NAME.key` (`whsec_…`)."""

    kind: Literal["standard_webhooks"]
    name: SourceName


class HabitPullSource(_Part):
    """A habit tracker that is asked once a day; secret `NAME.key`, its bearer token."""

    kind: Literal["habit_pull"]
    name: SourceName
    base_url: HttpUrl
    at: TimeOfDay = "04:00"


Source = Annotated[AcuitySource | WebhookSource | HabitPullSource, Field(discriminator="kind")]


class TenantFile(_Part):
    """What `tenant.yaml` holds."""

    name: Line
    timezone: Zone = "UTC"
    sender: Sender
    sms: Texting | None = None
    sources: tuple[Source, ...] = ()


class CoachesFile(_Part):
    """What `coaches.yaml` holds; the first coach answers for clients that have none."""

    coaches: Annotated[tuple[Coach, ...], Field(min_length=1)]
