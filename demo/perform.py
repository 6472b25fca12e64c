"""One performance: starts everything, plays, looks, reports, and takes everything down again.

Theory of operation: the servers and the tools come first, then the tenant's folder, then the
three processes with a calendar that begins once they surely listen: on a slow machine later,
so that no days pass before anybody hears of them. While the play runs, every child is watched;
one that ends by itself ends the performance.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from rich.console import Console

from agents.stack import Stack
from agents.startup_view import StartupView
from agents.up import addresses
from demo.agree import differences
from demo.agree_given import differences_given
from demo.count import Count, count
from demo.count_given import Given, count_given
from demo.found import Found
from demo.hands import Hands, make_admin_key
from demo.look import look
from demo.messages import sent_messages
from demo.overtaken import overtaken
from demo.page import page_html
from demo.play import Sent, play
from demo.practice import Practice, build_practice
from demo.report import Counts, Play, print_report
from demo.stage import PROCESSES, emptied, free_ports, probe_url, settings, start_processes
from demo.tempo import Tempo
from demo.tenant import PRACTICE_HOST, PRACTICE_NAME, Secrets, rule_ids, rulebook_text, write_tenant
from demo.tools import LocalTools
from demo.topic import MILESTONES
from demo.view import PlayView
from demo.visit import visit

_LEAD_SECONDS = (10.0, 45.0)
_SETTLE_SECONDS = 30.0
_PAUSE_SECONDS = 0.25
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is played, how fast, where; and whether to stay up until Ctrl-C."""

    clients: int
    days: int
    seconds: float
    seed: int
    folder: Path
    stays_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Performance:
    """What every step of a performance needs.

    Attributes:
        environment: the processes' settings.
    """

    options: Options
    practice: Practice
    counted: Count
    given: Given
    stack: Stack
    environment: dict[str, str]
    tempo: Tempo
    console: Console


async def perform(options: Options, console: Console) -> int:
    """Perform once; returns the exit status: 0 if and only if all numbers agree.

    Raises:
        ChildFailedError: a server or process did not start, or ended by itself.
        FolderInUseError: another play uses the folder.
    """
    practice = build_practice(clients=options.clients, days=options.days, seed=options.seed)
    counted = count(practice.steps, practice.until, rule_ids(rulebook_text()))
    keys = Secrets()
    view = StartupView(console)
    with emptied(options.folder.absolute()) as folder, Stack(folder, view=view) as stack:
        async with LocalTools(keys) as tools:
            with view:
                environment, tempo = await _set_up(options, practice, stack, tools, keys)
            performance = _Performance(
                options=options,
                practice=practice,
                counted=counted,
                given=count_given(practice.steps, counted),
                stack=stack,
                environment=environment,
                tempo=tempo,
                console=console,
            )
            return await _while_all_runs(stack, _show(performance, tools))


async def _set_up(
    options: Options, practice: Practice, stack: Stack, tools: LocalTools, keys: Secrets
) -> tuple[dict[str, str], Tempo]:
    """Start servers and processes; returns the processes' settings and the calendar."""
    environment, began = settings(stack.folder), monotonic()
    await _in_thread(stack, lambda: stack.start_servers(lambda: {**environment, **addresses(stack)}))
    write_tenant(
        Path(environment["CAIRN_TENANTS_DIR"]),
        Path(environment["CAIRN_SECRETS_DIR"]),
        keys,
        tools.vendors,
    )
    tempo = Tempo(
        first_at=practice.first_at,
        until=practice.until,
        start_at=datetime.now(UTC) + _lead(monotonic() - began),
        real_seconds=options.seconds,
    )
    tools.keep_time(tempo)
    environment = {**environment, **addresses(stack), **tempo.environment(), **free_ports()}
    processes = _in_thread(stack, lambda: start_processes(stack, environment))
    _, admin_key = await asyncio.gather(processes, make_admin_key(environment))
    hands = Hands(
        dsn=stack.postgres.dsn,
        mails_folder=stack.folder / "mail",
        admin_url=f"{environment['CAIRN_PUBLIC_URL']}/v1/admin",
        admin_key=admin_key,
    )
    tools.connect(environment["CAIRN_PUBLIC_URL"], hands)
    return environment, tempo


def _lead(servers_seconds: float) -> timedelta:
    """How long the processes get until the calendar begins: more than they need, judged by what the servers took."""
    shortest, longest = _LEAD_SECONDS
    return timedelta(seconds=min(max(shortest, 1.5 * servers_seconds), longest))


async def _show(performance: _Performance, tools: LocalTools) -> int:
    """Play, look, report, and stay up if asked to."""
    options, console = performance.options, performance.console
    with PlayView(console, first_at=performance.practice.first_at, days=options.days) as view:
        sent = await play(performance.practice.steps, performance.tempo, tools, view.on_step)
    found = await _visited(performance, await _settled(performance, tools))
    page = performance.stack.folder / "page.html"
    messages = sent_messages(found, performance.tempo.calendar_at)
    page.write_text(page_html(_subtitle(options), messages), encoding="utf-8")
    disagreement = [*sent.faults, *_differences(performance, found)]
    counts = Counts(wins=performance.counted, given=performance.given)
    late = overtaken(found, performance.tempo.calendar_at)
    print_report(console, _told(performance, sent, page, late), counts, found, disagreement)
    if options.stays_up:
        console.print("Everything stays up to be looked at. Ctrl-C ends it.")
        with suppress(asyncio.CancelledError):  # the wish to end must not change the verdict
            await asyncio.Event().wait()
    return 1 if disagreement else 0


async def _settled(performance: _Performance, tools: LocalTools) -> Found:
    """Look until all numbers agree; what still differs after a while is the answer."""
    give_up_at = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    while True:
        found = await look(
            kafka=performance.stack.kafka.bootstrap_servers,
            dsn=performance.stack.postgres.dsn,
            mails_folder=performance.stack.folder / "mail",
            metrics_urls=_metrics_urls(performance.environment),
            orders=tools.orders(),
        )
        is_over = asyncio.get_running_loop().time() > give_up_at
        if is_over or not _differences(performance, found):
            return found
        await asyncio.sleep(_PAUSE_SECONDS)


def _differences(performance: _Performance, found: Found) -> list[str]:
    late = overtaken(found, performance.tempo.calendar_at)
    return [*differences(performance.counted, found, late), *differences_given(performance.given, found)]


async def _visited(performance: _Performance, found: Found) -> Found:
    """Open one address of each kind that clients were given."""
    visits = await visit(
        found,
        dsn=performance.stack.postgres.dsn,
        public_url=performance.environment["CAIRN_PUBLIC_URL"],
        practice_host=PRACTICE_HOST,
    )
    return replace(found, visits=tuple(visits))


def _told(performance: _Performance, sent: Sent, page: Path, late: Counter[tuple[str, str, str]]) -> Play:
    options = performance.options
    return Play(
        practice=PRACTICE_NAME,
        clients=options.clients,
        days=options.days,
        real_seconds=options.seconds,
        hooks_sent=sent.hooks,
        hooks_retried=sent.requests - sent.hooks,
        overtaken=late,
        page_url=page.as_uri(),
        metrics_urls=_metrics_urls(performance.environment),
        topic_command=f".venv/bin/python -m demo.topic {performance.stack.kafka.bootstrap_servers} {MILESTONES}",
    )


def _subtitle(options: Options) -> str:
    return f"{PRACTICE_NAME}: {options.clients} clients, {options.days} days"


def _metrics_urls(environment: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{probe_url(environment, process)}/metrics" for process in PROCESSES)


async def _in_thread(stack: Stack, work: Callable[[], T]) -> T:
    """Run blocking work aside; a wish to end closes the stack, which ends that work too."""
    try:
        return await asyncio.to_thread(work)
    except BaseException:
        stack.close()
        raise


async def _while_all_runs(stack: Stack, work: Coroutine[Any, Any, T]) -> T:
    """The work's result, unless a child ends by itself first; a wish to end reaches the work.

    Raises:
        ChildFailedError: one did.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_watch(stack))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        return await working
    except asyncio.CancelledError:
        working.cancel()
        return await working
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _watch(stack: Stack) -> None:
    while True:
        stack.check()
        await asyncio.sleep(_PAUSE_SECONDS)
