"""The vendors' hooks: each source's signature and translator, as `agents.intake.hooks` asks for them."""

from collections.abc import Mapping
from datetime import datetime

from agents.intake.acuity import is_signed as acuity_signed
from agents.intake.acuity import read_notice
from agents.intake.acuity import translate as translate_appointment
from agents.intake.acuity_api import AcuityApi
from agents.intake.finding import Finding, Ignored
from agents.intake.standard_webhooks import is_signed as webhook_signed
from agents.intake.standard_webhooks import translate as translate_webhook
from schemas.tenant import AcuitySource


class AcuityHooks:
    """Acuity's thin hooks: the appointment is fetched, its state decides."""

    kind = "acuity"

    def __init__(self, source: AcuitySource, keys: tuple[str, ...], api: AcuityApi) -> None:
        self.name = source.name
        self._source = source
        self._keys = keys
        self._api = api

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the account's API keys signed the body."""
        return acuity_signed(body, headers.get("x-acuity-signature", ""), self._keys)

    async def read(self, _headers: Mapping[str, str], body: bytes, heard_at: datetime) -> tuple[Finding | Ignored, ...]:
        """The finding in the appointment that the hook names."""
        notice = read_notice(body)
        if isinstance(notice, Ignored):
            return (notice,)
        fetched = await self._api.appointment(notice.appointment_id)
        if fetched is None:
            return (Ignored(reason="source_gone", detail="Acuity has no such appointment"),)
        return (translate_appointment(self._source, notice, fetched, heard_at),)


class StandardHooks:
    """Hooks by the Standard Webhooks specification: everything is in the body."""

    kind = "standard_webhooks"

    def __init__(self, name: str, secrets: tuple[str, ...]) -> None:
        self.name = name
        self._secrets = secrets

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the secrets signed id, stamp and body, within five minutes."""
        return webhook_signed(body, headers, self._secrets)

    async def read(self, headers: Mapping[str, str], body: bytes, heard_at: datetime) -> tuple[Finding | Ignored, ...]:
        """The finding in the body."""
        return (translate_webhook(self.name, headers, body, heard_at),)
