"""Asks vendors whether the hooks to our addresses are on, each once and in bounded time.

A vendor that does not answer says nothing of the source: only its own word makes it `disabled`.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from agents.connect.subscriptions import Subscriptions
from agents.connect.vendor_call import VendorAway, VendorRefused
from agents.connect.vendors import SecretMissing, subscriptions_of
from agents.intake.served import Key
from agents.secret_files import SecretFiles, SecretUnreadable
from schemas.tenant import Source

_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a vendor says of a source's hooks.

    Attributes:
        is_disabled: they do not come, until somebody does something.
        text: for people; None where there is nothing to say.
    """

    is_disabled: bool = False
    text: str | None = None


def ask_vendors(
    sources: Mapping[Key, Source], secrets: SecretFiles, session: aiohttp.ClientSession
) -> Iterable[Awaitable[tuple[Key, Said]]]:
    """A question for each of the sources."""
    return (_ask(key, source, secrets, session) for key, source in sources.items())


async def _ask(key: Key, source: Source, secrets: SecretFiles, session: aiohttp.ClientSession) -> tuple[Key, Said]:
    tenant, name = key
    try:
        tails = frozenset(f"/hooks/{tenant}/{name}/{path}" for path in secrets.values(tenant, f"{name}.path"))
        subscriptions = subscriptions_of(source, tenant, secrets, session)
        if subscriptions is None or not tails:
            return key, Said()
        async with asyncio.timeout(_SECONDS):
            return key, await _said(subscriptions, tails, f"`cairn connect {name} --tenant {tenant}`")
    except (SecretMissing, SecretUnreadable):
        return key, Said()
    except TimeoutError:
        return key, Said(text="its vendor does not answer in time: whether it has switched hooks off is not known")
    except (VendorRefused, VendorAway) as error:
        return key, Said(text=str(error))


async def _said(subscriptions: Subscriptions, tails: frozenset[str], mend: str) -> Said:
    """Ours are told by the end of their path, so that no public address is needed to ask."""
    ours = [one for one in await subscriptions.found() if urlsplit(one.address).path.endswith(tuple(tails))]
    if not ours and subscriptions.must_exist:
        return Said(is_disabled=True, text=f"its vendor has no subscription of our address: {mend} makes it")
    told = frozenset[str]().union(*(one.events for one in ours if one.is_active))
    if any(one.events - told for one in ours):
        return Said(is_disabled=True, text=f"its vendor has switched hooks off: {mend} makes them anew")
    if subscriptions.must_exist and (missing := subscriptions.wanted - told):
        which = ", ".join(sorted(missing))
        return Said(is_disabled=True, text=f"its vendor tells our address nothing of {which}: {mend} mends it")
    return Said()
