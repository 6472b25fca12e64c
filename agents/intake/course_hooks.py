"""The hooks of course platforms, Kajabi's and Thinkific's, as `agents.intake.hooks` asks for them."""

from collections.abc import Mapping
from datetime import datetime

from agents.intake.finding import Finding, Ignored
from agents.intake.hook_source import Place
from agents.intake.kajabi import tag_change
from agents.intake.kajabi import translate as translate_kajabi
from agents.intake.kajabi_answer import claims_completion, contact_to_ask, denial
from agents.intake.kajabi_api import KajabiApi
from agents.intake.kajabi_hook import Hook, read_hook
from agents.intake.tag_memory import TagMemory
from agents.intake.thinkific import is_signed as thinkific_signed
from agents.intake.thinkific import translate as translate_thinkific
from schemas.tenant import KajabiSource, ThinkificSource


class KajabiHooks:
    """Kajabi's hooks, told by their secret path alone; tags are remembered.

    Args:
        tenant: whose source it is.
        memory: what was said before of the same tags.
        api: is asked before a completion is believed; without it the path has to do.
    """

    kind = "kajabi"

    def __init__(self, tenant: str, source: KajabiSource, memory: TagMemory, api: KajabiApi | None = None) -> None:
        self.name = source.name
        self._tenant = tenant
        self._source = source
        self._memory = memory
        self._api = api

    def is_signed(self, _headers: Mapping[str, str], _body: bytes) -> bool:
        """Always: Kajabi signs nothing, and the secret path was right already."""
        return True

    async def read(
        self, _headers: Mapping[str, str], body: bytes, heard_at: datetime, asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """The finding in the body; what is not confirmed is not remembered either.

        Raises:
            SourceAway: a contact had to be asked for and Kajabi does not answer.
            asyncpg.PostgresError, OSError: the memory is away; the hook must come again.
        """
        hook = read_hook(body)
        if isinstance(hook, Ignored):
            return (hook,)
        change = tag_change(self._source, hook, heard_at)
        if change is None:
            return (translate_kajabi(self._source, hook, heard_at),)
        is_asked = False
        if self._api is not None and claims_completion(self._source, hook):
            with asking():
                denied = await self._denial(self._api, hook)
            if denied:
                return (denied,)
            is_asked = True
        standing = await self._memory.note(self._tenant, self.name, change, is_confirmed=is_asked)
        return (translate_kajabi(self._source, hook, heard_at, standing),)

    async def _denial(self, api: KajabiApi, hook: Hook) -> Ignored | None:
        contact_id = contact_to_ask(hook)
        answer = await api.contact(contact_id) if contact_id else None
        return denial(self._source, hook, answer)


class ThinkificHooks:
    """Thinkific's hooks: everything is in the signed body."""

    kind = "thinkific"

    def __init__(self, source: ThinkificSource, keys: tuple[str, ...]) -> None:
        self.name = source.name
        self._source = source
        self._keys = keys

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the site's keys signed the body."""
        return thinkific_signed(body, headers.get("x-thinkific-hmac-sha256", ""), self._keys)

    async def read(
        self, _headers: Mapping[str, str], body: bytes, heard_at: datetime, _asking: Place
    ) -> tuple[Finding | Ignored, ...]:
        """The finding in the body."""
        return (translate_thinkific(self._source, body, heard_at),)
