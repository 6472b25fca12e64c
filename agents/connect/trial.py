"""A trial of a hook's address: signed as the tool signs, sent through the public address, and looked for in the ledger.

It must never look like a word of the tool's: see `agents.intake.trial` for what it is and how it is
recognised. It follows no redirect, because no vendor that counts does.
"""

import asyncio
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from time import monotonic
from typing import Final

import aiohttp
from standardwebhooks.webhooks import Webhook

from agents.intake.trial import trial_body
from agents.ledger.pool import Pool
from schemas.tenant import Source

_TIMEOUT = aiohttp.ClientTimeout(total=15)
_HEARD_WITHIN_SECONDS = 15.0
_LOOK_SECONDS = 0.2
_TAKEN_UP_WITHIN_SECONDS = 10.0
"""`cairn serve` looks every two seconds, and reads a change at the second look; the rest is for slow disks."""
_TRY_AGAIN_SECONDS: Final = {404: 0.5, 401: 5.0}
"""After a status that may be of the secrets before: seldom where each counts as a failure of the source."""
_ANSWERS: Final = {
    401: "the running service has another key in {key}: its log says whether it cannot read it (`secret.unreadable`); "
    "if it is the same file, the clocks differ by minutes",
    404: "the running service does not know this address, and takes up what is new within seconds: either "
    "CAIRN_PUBLIC_URL leads to another service, or its log says why not (`rules.rejected`, `secret.unreadable`, "
    "`source_off`)",
    408: "the body did not arrive in time: look at the proxy before `cairn serve`",
    413: "a proxy before `cairn serve` allows no bodies of this size",
    503: "the service cannot take hooks now: `cairn doctor` says what is away",
}


class TrialFailed(Exception):
    """The address does not work as it should; the text says what to do."""


def signed_headers(source: Source, key: str | None, body: bytes, at: datetime) -> dict[str, str]:
    """The headers under which the tool's service would send this body; none where it does not sign."""
    stamp = int(at.timestamp())
    match source.kind, key:
        case "acuity", str():
            return {"X-Acuity-Signature": b64encode(hmac.digest(key.encode(), body, sha256)).decode()}
        case "calendly", str():
            digest = hmac.new(key.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
            return {"Calendly-Webhook-Signature": f"t={stamp},v1={digest}"}
        case "thinkific", str():
            return {"X-Thinkific-Hmac-Sha256": hmac.new(key.encode(), body, sha256).hexdigest()}
        case "standard_webhooks", str():
            webhook_id = f"cairn_connect_{secrets.token_hex(8)}"
            signature = Webhook(key).sign(webhook_id, at, body.decode())
            return {"webhook-id": webhook_id, "webhook-timestamp": str(stamp), "webhook-signature": signature}
        case _:
            return {}


async def try_address(
    session: aiohttp.ClientSession,
    pool: Pool,
    query: str,
    *,
    tenant: str,
    source: Source,
    address: str,
    key: str | None,
) -> None:
    """Send a trial, and see it arrive in the source's health; an address or key that was just made is waited for.

    Args:
        session: an HTTP session.
        pool: the ledger of the service that should hear it.
        query: the statement `trial_of_source`.
        tenant: whose source it is.
        source: says how hooks are signed.
        address: the hook's whole public address.
        key: the newest valid one; None for a source that does not sign.

    Raises:
        TrialFailed: it was not answered with 202, or not heard by the service with this database.
    """
    trial_id = secrets.token_hex(16)
    body = trial_body(trial_id)
    headers = {"Content-Type": "application/json", **signed_headers(source, key, body, datetime.now(UTC))}
    gives_up_at = monotonic() + _TAKEN_UP_WITHIN_SECONDS
    while (status := await _sent(session, address, body, headers)) in _TRY_AGAIN_SECONDS:
        if monotonic() >= gives_up_at:
            break
        await asyncio.sleep(_TRY_AGAIN_SECONDS[status])
    if status != HTTPStatus.ACCEPTED:
        hint = _ANSWERS.get(status, "something between the internet and `cairn serve` answers in its place")
        raise TrialFailed(f"the trial was answered with {status}: {hint.format(key=f'{source.name}.key')}")
    if not await _is_heard(pool, query, tenant, source.name, trial_id):
        raise TrialFailed(
            "the trial was answered with 202 but not heard: does the running `cairn serve` use the database in "
            "CAIRN_DATABASE_URL?"
        )


async def _sent(session: aiohttp.ClientSession, address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer."""
    try:
        async with session.post(address, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise TrialFailed(
            f"nobody answers at the public address ({type(error).__name__}): is `cairn serve` running, and does "
            "CAIRN_PUBLIC_URL lead to it?"
        ) from None


async def _is_heard(pool: Pool, query: str, tenant: str, source: str, trial_id: str) -> bool:
    try:
        async with asyncio.timeout(_HEARD_WITHIN_SECONDS):
            while await pool.fetchval(query, tenant, source) != trial_id:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return False
    return True
