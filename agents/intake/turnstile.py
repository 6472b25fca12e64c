"""The turnstile: how many hooks a tenant may bring in a second, and have in hand at a time.

It must never let one tenant's flood stand in another's way: what is too much is told to come again before it costs a
read, and a tenant's hooks wait for each other, not for those of all.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass

from aiolimiter import AsyncLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLimits:
    """What one tenant may take of the intake.

    Attributes:
        per_second: hooks; as many may come at once after a pause.
        at_once: in hand, each with a connection to Postgres for a part of the time.
    """

    per_second: int = 500
    at_once: int = 12


class Turnstile:
    """Counts hooks by tenant.

    Args:
        limits: of each tenant.
    """

    def __init__(self, limits: HookLimits) -> None:
        self._rates = defaultdict[str, AsyncLimiter](lambda: AsyncLimiter(limits.per_second, 1))
        self._places = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(limits.at_once))

    async def admits(self, tenant: str) -> bool:
        """Whether one more hook of this tenant may come in now; it counts if so."""
        rate = self._rates[tenant]
        if not rate.has_capacity():
            return False
        await rate.acquire()  # at once: nothing is awaited between the two
        return True

    def place(self, tenant: str) -> asyncio.Semaphore:
        """Held while a hook of this tenant is in hand."""
        return self._places[tenant]
