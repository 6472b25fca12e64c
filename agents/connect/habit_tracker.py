"""One question to a habit tracker, as its poll asks: do the address and the token of its source fit?

It must never take anything in: the poll does, see `agents.intake.habit_api`.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import aiohttp

from agents.connect.vendor_call import VendorApi, VendorRefused
from schemas.tenant import HabitPullSource

_ADDRESS: Final = "look at the source's base_url in tenant.yaml, to which /streaks is added"
_TOKEN: Final = "write a token that is valid there to the secret file"  # noqa: S105 - a sentence


async def ask_tracker(session: aiohttp.ClientSession, source: HabitPullSource, token: str) -> None:
    """Ask for the first page of today's checks, and leave them.

    Raises:
        VendorRefused: the token is not accepted, or nothing at the address answers with a list.
        VendorAway: no usable answer.
    """
    api = VendorApi(
        vendor="the habit tracker",
        root=str(source.base_url).rstrip("/"),
        session=session,
        headers={"Authorization": f"Bearer {token}"},
        mend={
            HTTPStatus.UNAUTHORIZED: f"{_TOKEN} {source.name}.key",
            HTTPStatus.FORBIDDEN: f"{_TOKEN} {source.name}.key",
            HTTPStatus.NOT_FOUND: _ADDRESS,
        },
    )
    checks = await api.ask("GET", "/streaks", params={"since": datetime.now(UTC).date().isoformat()})
    if not isinstance(checks, list):
        raise VendorRefused(f"the habit tracker does not answer with a list: {_ADDRESS}", status=HTTPStatus.OK)
