"""The vendors' hooks: each source's signature and translator, as `agents.intake.hooks` asks for them."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime

import structlog

from agents.intake.acuity import is_signed as acuity_signed
from agents.intake.acuity import read_notice
from agents.intake.acuity import translate as translate_appointment
from agents.intake.acuity_api import AcuityApi
from agents.intake.aliases import Aliases
from agents.intake.calendly import is_signed as calendly_signed
from agents.intake.calendly import read_notice as read_invitee
from agents.intake.calendly import translate as translate_invitee
from agents.intake.finding import Finding, Ignored
from agents.intake.hook_source import Place
from agents.intake.source_away import SourceAway
from agents.intake.standard_webhooks import is_signed as webhook_signed
from agents.intake.standard_webhooks import translate as translate_webhook
from agents.intake.teachable import translate as translate_envelopes
from agents.intake.teachable_answer import held_against, unclaimed, users_to_ask
from agents.intake.teachable_api import TeachableApi
from schemas.tenant import AcuitySource

_log = structlog.get_logger()


class AcuityHooks:
    """Acuity's thin hooks: the appointment is fetched, its state decides.

    Args:
        source: the account.
        keys: the newest asks, any of them may have signed.
        api: the account's appointments.
        now: gives domain time, which dates a state: a hook that was kept tells what is when it is read.
    """

    kind = "acuity"

    def __init__(
        self, source: AcuitySource, keys: tuple[str, ...], api: AcuityApi, now: Callable[[], datetime]
    ) -> None:
        self.name = source.name
        self._source = source
        self._keys = keys
        self._api = api
        self._now = now

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the account's API keys signed the body."""
        return acuity_signed(body, headers.get("x-acuity-signature", ""), self._keys)

    async def read(
        self, _headers: Mapping[str, str], body: bytes, _heard_at: datetime, asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """The finding in the appointment that the hook names."""
        notice = read_notice(body)
        if isinstance(notice, Ignored):
            return (notice,)
        with asking():
            asked_at = self._now()
            fetched = await self._api.appointment(notice.appointment_id)
        if fetched is None:
            return (Ignored(reason="source_gone", detail="Acuity has no such appointment"),)
        return (translate_appointment(self._source, notice, fetched, asked_at),)


class StandardHooks:
    """Hooks by the Standard Webhooks specification: everything is in the body."""

    kind = "standard_webhooks"

    def __init__(self, name: str, secrets: tuple[str, ...]) -> None:
        self.name = name
        self._secrets = secrets

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the secrets signed id, stamp and body, within five minutes."""
        return webhook_signed(body, headers, self._secrets)

    async def read(
        self, headers: Mapping[str, str], body: bytes, heard_at: datetime, _asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """The finding in the body."""
        return (translate_webhook(self.name, headers, body, heard_at),)


class CalendlyHooks:
    """Calendly's signed hooks: everything is in the body, but for the session that the booking is of.

    Args:
        owner: the tenant's id, then the source's name.
        keys: signing keys of the webhook subscription, any of which may have signed.
        aliases: which session a booking is of.
        machine_ms: the machine's clock in milliseconds since the epoch, against which stamps are held.
    """

    kind = "calendly"

    def __init__(
        self, owner: tuple[str, str], keys: tuple[str, ...], aliases: Aliases, machine_ms: Callable[[], int]
    ) -> None:
        self._tenant, self.name = owner
        self._keys = keys
        self._aliases = aliases
        self._machine_ms = machine_ms

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the keys signed stamp and body, within five minutes."""
        return calendly_signed(body, headers.get("calendly-webhook-signature", ""), self._keys, self._machine_ms())

    async def read(
        self, _headers: Mapping[str, str], body: bytes, heard_at: datetime, _asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """The finding in the body, told of the session that its chain of reschedules is."""
        notice = read_invitee(body)
        if isinstance(notice, Ignored):
            return (notice,)
        settled = await self._aliases.settle(self._tenant, self.name, notice.chain)
        return (translate_invitee(notice, settled.session_id, settled.given_up, heard_at),)


class TeachableHooks:
    """Teachable's hooks: everything is in the body, and the secret path is all that tells them from others'.

    Args:
        name: the source's.
        api: is asked before a completion is believed; without it the path has to do.
    """

    kind = "teachable"

    def __init__(self, name: str, api: TeachableApi | None = None) -> None:
        self.name = name
        self._api = api
        self._has_told = False

    def is_signed(self, headers: Mapping[str, str], _body: bytes) -> bool:
        """Always: Teachable documents no signature; one that appears is told once and not relied on."""
        if "teachable-signature" in headers and not self._has_told:
            self._has_told = True
            _log.info("teachable_signature_seen", source=self.name, hint="its form is not documented; the path decides")
        return True

    async def read(
        self, _headers: Mapping[str, str], body: bytes, heard_at: datetime, asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """The findings in the body, one an envelope; with an API, as it confirms those that claim a completion.

        Raises:
            SourceAway: a user had to be asked for and Teachable does not answer; payments and withdrawn consent, which
                claim no completion, are `beside`.
        """
        found = translate_envelopes(self.name, body, heard_at)
        if self._api is None:
            return found
        asked = users_to_ask(found)
        try:
            with asking() if asked else nullcontext():
                users = await asyncio.gather(*map(self._api.user, asked))
        except SourceAway as away:
            away.beside = unclaimed(found)
            raise
        return held_against(self.name, found, dict(zip(asked, users, strict=True)), heard_at)
