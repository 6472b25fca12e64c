"""The practice's tools as they stand on this machine: Acuity, a habit tracker and Tremendous, each a local server.

They know only what the play has told them so far, and they speak to Cairn over HTTP alone.
"""

from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp

from demo.given import Order, order_of
from demo.hands import Hands
from demo.steps import AppointmentStep, CheckStep, LeaveStep, MessageStep, QuietStep
from demo.tempo import Tempo
from demo.tenant import ACCOUNT, TENANT, Secrets, Vendors
from demo.vendors.acuity import AcuityServer
from demo.vendors.habits import HabitServer, send_webhook
from demo.vendors.tremendous import TremendousServer

_CONNECTIONS = 128


class LocalTools:
    """The servers, and a session for the hooks that they send; an async context manager."""

    def __init__(self, keys: Secrets) -> None:
        self._keys = keys
        self._tempo: Tempo | None = None
        self._acuity = AcuityServer(user_id=ACCOUNT, key=keys.acuity_key)
        self._habits = HabitServer(token=keys.pull_key, now=self._now)
        self._gifts = TremendousServer(key=keys.gift_key)

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await self._acuity.__aenter__()
        await self._habits.__aenter__()
        await self._gifts.__aenter__()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Stop to listen."""
        await self._session.close()
        await self._gifts.__aexit__(kind, error, at)
        await self._habits.__aexit__(kind, error, at)
        await self._acuity.__aexit__(kind, error, at)

    def keep_time(self, tempo: Tempo) -> None:
        """Tell the tools the play's calendar, before anybody asks them."""
        self._tempo = tempo

    def connect(self, public_url: str, hands: Hands) -> None:
        """Tell the tools where Cairn takes hooks, and lend them the hands of coach and client."""
        self._hooks_url = f"{public_url}/hooks/{TENANT}"
        self._hands = hands

    @property
    def vendors(self) -> Vendors:
        """Where each of them answers."""
        return Vendors(
            acuity_url=self._acuity.base_url, habits_url=self._habits.base_url, gifts_url=self._gifts.base_url
        )

    def orders(self) -> tuple[Order, ...]:
        """The gifts that were ordered, as Tremendous has them."""
        return tuple(order_of(external_id, order) for external_id, order in self._gifts.orders.items())

    async def change_appointment(self, step: AppointmentStep) -> int:
        """Keep the new state and fire its hooks; returns the number of requests."""
        appointment_id = step.record["id"]
        self._acuity.appointments[appointment_id] = step.record
        url = f"{self._hooks_url}/acuity/{self._keys.acuity_path}"
        requests = 0
        for action in step.actions:
            requests += await self._acuity.send_hook(self._session, url, action, appointment_id, copies=step.copies)
        return requests

    async def post_message(self, step: MessageStep) -> int:
        """Post a Standard Webhook; returns the number of requests."""
        return await send_webhook(
            self._session,
            f"{self._hooks_url}/tracker/{self._keys.tracker_path}",
            secret=self._keys.tracker_key,
            webhook_id=step.message_id,
            message=step.body,
            copies=step.copies,
        )

    async def wish(self, step: QuietStep | LeaveStep) -> None:
        """A coach uses the administration API, a client the link in the newest mail."""
        if isinstance(step, QuietStep):
            await self._hands.suppress(self._session, step.email, step.reason)
        else:
            await self._hands.leave_mails(self._session, step.email)

    def keep_check(self, step: CheckStep) -> None:
        """Keep a check, which the list has from its moment on, until the daily pull asks for it."""
        client = {"id": step.client_id, "name": step.name, "email": step.email, "timezone": step.timezone}
        self._habits.check(client, step.habit_id, step.day, title=step.title, at=step.at)

    def _now(self) -> datetime:
        """The play's time; before the play nothing has happened."""
        return self._tempo.calendar_at(datetime.now(UTC)) if self._tempo else datetime.min.replace(tzinfo=UTC)
