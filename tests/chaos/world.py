"""The world of a run: broker, database, mail server, topics and tenants, in a folder of their own.

The servers keep their ports, so that they may go away and come back. Delivery reaches the database through a wire.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console

from agents import up
from agents.embedded.ports import LOOPBACK, usable_port
from agents.stack import Ports, Stack
from agents.startup_view import StartupView
from tests.chaos.load import CROWD, FEW
from tests.chaos.mail_sink import MailSink
from tests.chaos.wire import Wire

_TENANT = "{name: Chaos, timezone: UTC, sender: {from_name: Chaos, from_address: hello@chaos.example}, sources: []}"
_COACHES = "coaches: [{id: mara, name: Mara Lind, email: mara@chaos.example}]"
_RULEBOOK = Path(__file__).with_name("rulebook.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The running servers.

    Attributes:
        stack: broker and database.
        mail: the mail server.
        ledger_wire: what stands between delivery and the database.
        folder: where everything is written.
        env: the environment of Cairn's processes.
    """

    stack: Stack
    mail: MailSink
    ledger_wire: Wire
    folder: Path
    env: Mapping[str, str]

    @property
    def partitions(self) -> int:
        """Of each topic."""
        return int(self.env["CAIRN_PARTITIONS"])

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return self.stack.kafka.bootstrap_servers

    @property
    def dsn(self) -> str:
        """The database's own address, past the wire."""
        return self.stack.postgres.dsn

    def write_rulebook(self, tenant: str, version: int = 1, streaks: str = "[14, 30]") -> None:
        """A tenant's folder, or a new rulebook in it; the crowd plans and sends nothing."""
        folder = self.folder / "tenants" / tenant
        folder.mkdir(parents=True, exist_ok=True)
        rules = _RULEBOOK.read_text().replace("version: 1", f"version: {version}")
        rules = rules.replace("[14, 30]", streaks)
        mode = "live" if tenant == FEW else "shadow"
        texts = {"tenant": _TENANT, "coaches": _COACHES, "rulebook": rules.replace("mode: live", f"mode: {mode}")}
        for name, text in texts.items():
            (folder / f"{name}.new").write_text(text)
            (folder / f"{name}.new").rename(folder / f"{name}.yaml")


@asynccontextmanager
async def opened(folder: Path, console: Console) -> AsyncIterator[World]:
    """Start the servers as `cairn up` does; on leaving, end them."""
    view = StartupView(console)
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
    settings = {**foreign, **up.defaults(folder), "CAIRN_SENDER_CONCURRENCY": "4"}
    stack = Stack(folder, view=view, ports=Ports(kafka=usable_port(), postgres=usable_port()))
    async with AsyncExitStack() as closing:
        closing.push_async_callback(asyncio.to_thread, stack.close)
        await asyncio.to_thread(stack.start_servers, lambda: {**settings, **up.addresses(stack)})
        mail = MailSink()
        await mail.start()
        closing.push_async_callback(mail.stop)
        wire = await closing.enter_async_context(Wire(target=(LOOPBACK, stack.postgres.port)))
        through = {
            "CAIRN_DATABASE_URL": _at_port(stack.postgres.dsn, wire.port),
            "CAIRN_SMTP_PORT": str(mail.port),
        }
        env = {**settings, **up.addresses(stack), **through}
        world = World(stack=stack, mail=mail, ledger_wire=wire, folder=folder, env=env)
        for tenant in (CROWD, FEW):
            world.write_rulebook(tenant)
        yield world


def _at_port(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@{parts.hostname}:{port}"))
