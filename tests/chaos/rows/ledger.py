"""Rows that hurt delivery's processes, the database, or the way to it."""

import asyncio
import time

import asyncpg

from tests.chaos.row import Row
from tests.chaos.scene import BACK_SECONDS, Scene
from tests.chaos.wire import Trap, is_commit_of_postgres

_STOP_SECONDS = 25.0
_FAULT_SECONDS = 8.0
_LIVE = {"live_share": 0.2}


async def kill(scene: Scene) -> None:
    """SIGKILL at random moments."""
    async for _ in scene.each_cycle():
        await scene.deliveries.ready()
        at = await scene.deliveries.kill(scene.deliveries.members[0])
        await scene.bury_sender()
        await scene.delivery_back(at)


async def kill_at_commit(scene: Scene) -> None:
    """SIGKILL as a transaction's COMMIT is sent, or before its answer is heard."""
    async for cycle in scene.each_cycle():
        await scene.deliveries.ready()
        at = "request" if cycle % 2 == 0 else "answer"
        killer = scene.deliveries.killer(scene.deliveries.members[0])
        trap = Trap(is_mark=is_commit_of_postgres, at=at, spring=killer)  # type: ignore[arg-type]
        since = await _spring(scene, trap)
        await scene.bury_sender()
        await scene.delivery_back(since)


async def lose_commit_answers(scene: Scene) -> None:
    """The database commits, and the answer does not arrive."""
    async for _ in scene.each_cycle():
        trap = Trap(is_mark=is_commit_of_postgres, at="answer", spring=lambda: None, times=3)
        await scene.delivery_back(await _spring(scene, trap))


async def _spring(scene: Scene, trap: Trap) -> float:
    scene.world.ledger_wire.trap = trap
    while trap.sprung < trap.times:  # noqa: ASYNC110 - under load this takes a moment
        await asyncio.sleep(0.01)
    scene.world.ledger_wire.trap = None
    return time.monotonic()


async def terminate(scene: Scene) -> None:
    """SIGTERM under load."""
    async for _ in scene.each_cycle():
        await scene.deliveries.ready()
        status, seconds = await scene.deliveries.terminate(scene.deliveries.members[0])
        at = time.monotonic()
        scene.expect(status == 0, f"SIGTERM ended with status {status}")
        scene.expect(seconds < _STOP_SECONDS, f"SIGTERM took {seconds:.1f} s")
        scene.deliveries.start()
        await scene.delivery_back(at)


async def two_senders(scene: Scene) -> None:
    """Two processes deliver at once."""
    at = time.monotonic()
    scene.deliveries.start()
    await scene.deliveries.ready()
    await scene.delivery_back(at)
    await asyncio.sleep(2 * _FAULT_SECONDS)


async def restart(scene: Scene) -> None:
    """The database ends its sessions and starts again."""
    async for _ in scene.each_cycle():
        await asyncio.to_thread(scene.world.stack.postgres.stop)
        await asyncio.sleep(scene.rng.uniform(0, 3))
        await asyncio.to_thread(scene.world.stack.postgres.start)
        await scene.delivery_back(time.monotonic())


async def end_backends(scene: Scene) -> None:
    """Every session of delivery is ended by the server, again and again."""
    async for _ in scene.each_cycle():
        await _order(scene, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cairn'")
        await scene.delivery_back(time.monotonic())


async def read_only(scene: Scene) -> None:
    """The database takes no writes for a while, as a standby does."""
    async for _ in scene.each_cycle():
        await _order(scene, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        await asyncio.sleep(_FAULT_SECONDS)
        await _order(scene, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
        await scene.delivery_back(time.monotonic())


async def cut(scene: Scene) -> None:
    """No connection to the database for a while."""
    async for _ in scene.each_cycle():
        wire = scene.world.ledger_wire
        wire.refusing = True
        wire.cut(reset=True)
        await asyncio.sleep(_FAULT_SECONDS)
        wire.heal()
        await scene.delivery_back(time.monotonic())


async def _order(scene: Scene, *statements: str) -> None:
    connection = await asyncpg.connect(scene.world.dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


ROWS = (
    Row(
        name="delivery-kill",
        injects="SIGKILL of delivery at random moments",
        play=kill,
        cycles=4,
        long_cycles=20,
        back_seconds=BACK_SECONDS,
        load=_LIVE,
    ),
    Row(
        name="delivery-kill-commit",
        injects="SIGKILL of delivery before a COMMIT, and before its answer",
        play=kill_at_commit,
        cycles=2,
        long_cycles=12,
        back_seconds=BACK_SECONDS,
        load=_LIVE,
    ),
    Row(
        name="delivery-terminate",
        injects="SIGTERM of delivery under load",
        expects="status 0 within 25 s",
        play=terminate,
        load=_LIVE,
    ),
    Row(name="two-senders", injects="two processes deliver at once", play=two_senders, load=_LIVE),
    Row(name="postgres-restart", injects="the database restarts", play=restart, cycles=2, load=_LIVE),
    Row(
        name="postgres-backends",
        injects="every session is ended by the server",
        play=end_backends,
        cycles=3,
        load=_LIVE,
    ),
    Row(name="postgres-read-only", injects="the database is read-only for 8 s", play=read_only, load=_LIVE),
    Row(name="postgres-cut", injects="no connection to the database for 8 s", play=cut, load=_LIVE),
    Row(
        name="postgres-lost-commit",
        injects="the answer to COMMIT is lost, three times running",
        play=lose_commit_answers,
        cycles=3,
        load=_LIVE,
    ),
)
