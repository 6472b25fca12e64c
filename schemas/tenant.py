"""A tenant: a folder of files that a platform's operator and its coaches can read.

`tenant.yaml` says who sends and where the events come from, `coaches.yaml` who signs,
`rulebook.yaml` what is celebrated. No secret stands in any of them: a secret is a file
`NAME` in the tenant's folder below the secrets folder, one valid value a line.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, EmailStr, Field, HttpUrl

from schemas.client import LOCALE_PATTERN, Line
from schemas.policy import NextStep
from schemas.tag_meaning import TagMeaning
from schemas.zones import ZONES


def _known_zone(zone: str) -> str:
    if zone not in ZONES:
        raise ValueError("not an IANA time zone, as in Europe/Vienna")
    return zone


Zone = Annotated[str, AfterValidator(_known_zone)]
SourceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
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


class Slack(_Part):
    """Where wins are posted: by an incoming webhook, or with a bot token to `channel`.

    Secrets: `slack.webhook`, the webhook's address, or `slack.token` (`xoxb-…`); one of them.

    Attributes:
        audience: `community` needs the client's consent to public praise; `coaches` is an inner channel.
        channel: its id, as in C0123456789; only with a token.
    """

    audience: Literal["community", "coaches"]
    channel: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{8,}$")] | None = None
    base_url: HttpUrl = HttpUrl("https://slack.com")


class Gifts(_Part):
    """What gifts are ordered with: a Tremendous account.

    Secrets: `gift.key`, its API key, and `gift.hook_key`, which signs its webhooks.

    Attributes:
        funding_source: its id; `balance` for the account's own.
        products: ids of the products that the client may choose from; or
        campaign: the id of a campaign that names them.
    """

    funding_source: Line = "balance"
    products: tuple[Line, ...] = ()
    campaign: Line | None = None
    currency: Currency = "USD"
    base_url: HttpUrl = HttpUrl("https://www.tremendous.com")


class Video(_Part):
    """A video that a message links to; without one the coach is asked to record it.

    Attributes:
        url: with `{rule}`, `{tier}`, `{threshold}` or `{celebration}` filled in.
        poster_url: the still picture that stands for it, filled in likewise.
        captions_url: WebVTT; a video without captions is not for everybody.
    """

    url: Annotated[str, Field(pattern=r"^https://")]
    poster_url: Annotated[str, Field(pattern=r"^https://")]
    captions_url: Annotated[str, Field(pattern=r"^https://")]


class Referral(_Part):
    """Where somebody goes whom a client recommends us to; `{code}` in the address is filled in.

    Attributes:
        cool_down_days: a client is asked once in so many days.
    """

    url: Annotated[str, Field(pattern=r"^https://")]
    cool_down_days: Annotated[int, Field(ge=1, le=3650)] = 180


class NextLink(_Part):
    """What a message may point to as the next step."""

    label: Line
    url: Annotated[str, Field(pattern=r"^https://")]


class Coach(_Part):
    """A coach as clients meet them: the name and words under a message."""

    id: Line
    name: Line
    email: EmailStr
    timezone: Zone = "UTC"
    signature: Line | None = None


class _SourceEntry(_Part):
    """What every source's entry may say.

    Attributes:
        silent_after_hours: a source that is not heard for so long is silent, and not well; without it 72,
            which is three turns of a daily poll.
        is_vouched: what comes is signed, or we asked for it; money waits for a coach where one source's is not.
        asking_secrets: those with which the tool is asked whether a completion that it signs nothing for is true;
            they may be missing, and then it is not asked.
    """

    is_vouched: ClassVar[bool] = True
    asking_secrets: ClassVar[tuple[str, ...]] = ()
    silent_after_hours: Annotated[int, Field(ge=1, le=8_760)] = 72


class AcuitySource(_SourceEntry):
    """Acuity Scheduling: signed thin hooks, appointments fetched from its API.

    Secrets: `NAME.path` (the last part of the hook's address) and `NAME.key` (API keys, of
    which any may have signed; the first authenticates the fetch).

    Attributes:
        user_id: of the API credentials, which HTTP's basic authentication parts by a colon (RFC 7617, 2).
        reread_hours: so often the appointments around now are read again, as hooks may be lost; 0 is never.
    """

    needed_secrets: ClassVar[tuple[str, ...]] = ("path", "key")
    kind: Literal["acuity"]
    name: SourceName
    account: Line
    user_id: Annotated[Line, Field(pattern=r"^[^:\x00-\x1f\x7f]+$")]
    base_url: HttpUrl = HttpUrl("https://acuityscheduling.com")
    completed_labels: tuple[Line, ...] = ()
    reread_hours: Annotated[int, Field(ge=0, le=168)] = 6


class WebhookSource(_SourceEntry):
    """Any tool that speaks Standard Webhooks; secrets `NAME.path` and `NAME.key` (`whsec_…`)."""

    needed_secrets: ClassVar[tuple[str, ...]] = ("path", "key")
    kind: Literal["standard_webhooks"]
    name: SourceName


class CalendlySource(_SourceEntry):
    """Calendly: signed hooks of invitees and their no-shows.

    Secrets: `NAME.path`, `NAME.key` (the signing key of the webhook subscription), and for `cairn connect`
    `NAME.token`, a personal access token.
    """

    needed_secrets: ClassVar[tuple[str, ...]] = ("path", "key")
    kind: Literal["calendly"]
    name: SourceName
    base_url: HttpUrl = HttpUrl("https://api.calendly.com")


class KajabiSource(_SourceEntry):
    """Kajabi: hooks without a signature, so the secret path is all that tells them.

    Secrets: `NAME.path`; with `NAME.client_id` and `NAME.client_secret` of its API, completions are asked back.

    Attributes:
        tags: what a tag, by its name or id, stands for; other tags say nothing.
        currency: of amounts that come without one.
    """

    is_vouched: ClassVar[bool] = False
    needed_secrets: ClassVar[tuple[str, ...]] = ("path",)
    asking_secrets: ClassVar[tuple[str, ...]] = ("client_id", "client_secret")
    kind: Literal["kajabi"]
    name: SourceName
    tags: dict[Line, TagMeaning] = {}
    currency: Currency = "USD"
    base_url: HttpUrl = HttpUrl("https://api.kajabi.com")


class TeachableSource(_SourceEntry):
    """Teachable: hooks without a signature, so the secret path is all that tells them.

    Secrets: `NAME.path`; with `NAME.key`, the school's API key, completions are asked back.
    """

    is_vouched: ClassVar[bool] = False
    needed_secrets: ClassVar[tuple[str, ...]] = ("path",)
    asking_secrets: ClassVar[tuple[str, ...]] = ("key",)
    kind: Literal["teachable"]
    name: SourceName
    base_url: HttpUrl = HttpUrl("https://developers.teachable.com")


class ThinkificSource(_SourceEntry):
    """Thinkific: signed hooks of its API.

    Secrets: `NAME.path` and `NAME.key`, the site's API key or the app's client secret.

    Attributes:
        subdomain: the site's, for `cairn connect`.
        currency: of the site's orders, which come without one.
    """

    needed_secrets: ClassVar[tuple[str, ...]] = ("path", "key")
    kind: Literal["thinkific"]
    name: SourceName
    subdomain: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = None
    currency: Currency = "USD"
    base_url: HttpUrl = HttpUrl("https://api.thinkific.com")


class HabitPullSource(_SourceEntry):
    """A habit tracker that is asked once a day; secret `NAME.key`, its bearer token."""

    needed_secrets: ClassVar[tuple[str, ...]] = ("key",)
    kind: Literal["habit_pull"]
    name: SourceName
    base_url: HttpUrl
    at: TimeOfDay = "04:00"


HookedSource = AcuitySource | WebhookSource | CalendlySource | TeachableSource | KajabiSource | ThinkificSource
Source = Annotated[HookedSource | HabitPullSource, Field(discriminator="kind")]


def secret_names(source: Source) -> tuple[str, ...]:
    """The secret files without which a source is off: its name, a dot and what `needed_secrets` of its class names."""
    return tuple(f"{source.name}.{part}" for part in source.needed_secrets)


def missing_secrets(tenant: str, source: Source, values: Callable[[str, str], Sequence[str]]) -> tuple[str, ...]:
    """Those of `secret_names` that have no value; `values` gives the valid ones of a tenant's secret."""
    return tuple(name for name in secret_names(source) if not values(tenant, name))


def lacking_to_ask(tenant: str, source: Source, values: Callable[[str, str], Sequence[str]]) -> tuple[str, ...]:
    """The secret files without which completions of this source are not asked back; none where it signs them itself."""
    names = (f"{source.name}.{part}" for part in source.asking_secrets)
    return tuple(name for name in names if not values(tenant, name))


def _named_apart(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    if twice := [name for name, times in Counter(source.name for source in sources).items() if times > 1]:
        raise ValueError(f"more than one source is named {', '.join(twice)}: hooks and secrets are told by the name")
    return sources


class TenantFile(_Part):
    """What `tenant.yaml` holds.

    Attributes:
        locale: BCP 47 tag of the language in which clients are written to whose profile names none.
    """

    name: Line
    timezone: Zone = "UTC"
    locale: Annotated[str, Field(pattern=LOCALE_PATTERN)] = "en"
    sender: Sender
    sms: Texting | None = None
    slack: Slack | None = None
    gifts: Gifts | None = None
    video: Video | None = None
    referral: Referral | None = None
    next_steps: dict[NextStep, NextLink] = {}
    sources: Annotated[tuple[Source, ...], AfterValidator(_named_apart)] = ()


class CoachesFile(_Part):
    """What `coaches.yaml` holds; the first coach answers for clients that have none."""

    coaches: Annotated[tuple[Coach, ...], Field(min_length=1)]
