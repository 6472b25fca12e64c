"""The practice's tools as they stand on this machine: Acuity and a habit tracker, each a local server.

They know only what the play has told them so far, and they speak to Cairn over HTTP alone.
"""

from types import TracebackType
from typing import Self

import aiohttp

from demo.steps import AppointmentStep, CheckStep, MessageStep
from demo.tenant import ACCOUNT, TENANT, Secrets
from demo.vendors.acuity import AcuityServer
from demo.vendors.habits import HabitServer, send_webhook

_CONNECTIONS = 64


class LocalTools:
    """Both servers, and a session for the hooks that they send; an async context manager.

    Attributes:
        hooks_url: where Cairn takes hooks, without tenant and source; set once it is known.
    """

    def __init__(self, keys: Secrets) -> None:
        self.hooks_url = ""
        self._keys = keys
        self._acuity = AcuityServer(user_id=ACCOUNT, key=keys.acuity_key)
        self._habits = HabitServer(token=keys.pull_key)

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await self._acuity.__aenter__()
        await self._habits.__aenter__()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Stop to listen."""
        await self._session.close()
        await self._habits.__aexit__(kind, error, at)
        await self._acuity.__aexit__(kind, error, at)

    @property
    def acuity_url(self) -> str:
        """Where Acuity's API answers."""
        return self._acuity.base_url

    @property
    def habits_url(self) -> str:
        """Where the habit tracker answers."""
        return self._habits.base_url

    async def change_appointment(self, step: AppointmentStep) -> int:
        """Keep the new state and fire its hooks; returns the number of requests."""
        appointment_id = step.record["id"]
        self._acuity.appointments[appointment_id] = step.record
        url = f"{self.hooks_url}/{TENANT}/acuity/{self._keys.acuity_path}"
        requests = 0
        for action in step.actions:
            requests += await self._acuity.send_hook(self._session, url, action, appointment_id, copies=step.copies)
        return requests

    async def post_message(self, step: MessageStep) -> int:
        """Post a Standard Webhook; returns the number of requests."""
        return await send_webhook(
            self._session,
            f"{self.hooks_url}/{TENANT}/tracker/{self._keys.tracker_path}",
            secret=self._keys.tracker_key,
            webhook_id=step.message_id,
            message=step.body,
            copies=step.copies,
        )

    def keep_check(self, step: CheckStep) -> None:
        """Keep a check until the daily pull asks for it."""
        client = {"id": step.client_id, "name": step.name, "email": step.email, "timezone": step.timezone}
        self._habits.check(client, step.habit_id, step.day, title=step.title)
