"""The parts of the bench that measure Cairn alone, by the name that --only takes.

Each is a handful of runs, each of them measured once; `found` holds what earlier parts have found.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from tests.benchmarks import crowd, delivering, half_load, hooking, many_rules, partition_counts
from tests.benchmarks.stage import Stage

Part = Callable[[], Awaitable[dict[str, float]]]

NAMES = ("half-load", "crowd", "rules", "partitions", "delivery", "hooks")
_CROWD_EVENTS = 1_000_000
_STEADY_DAYS = 25


def parts(servers: Stage, found: Mapping[str, float], *, quick: bool) -> dict[str, Part]:
    """Every part; a quick one has half of the work, but never fewer clients or rules."""
    share = 0.5 if quick else 1.0
    days = round(_STEADY_DAYS * share)
    made = (
        partial(_half_load, servers, found, days),
        partial(_crowd, servers, round(_CROWD_EVENTS * share)),
        partial(_rules, servers, days),
        partial(_partitions, servers, days),
        partial(_delivery, servers, share),
        partial(_hooks, servers),
    )
    return dict(zip(NAMES, made, strict=True))


async def _half_load(servers: Stage, found: Mapping[str, float], days: int) -> dict[str, float]:
    capacity = found.get("cairn_events_per_second") or await half_load.capacity(servers, days)
    return await half_load.measure(servers, capacity / 2)


async def _crowd(servers: Stage, events: int) -> dict[str, float]:
    measured = await crowd.measure(servers, crowd.FEW, events) | await crowd.measure(servers, crowd.MANY, events)
    return measured | _ratio(measured, "crowd_cpu_ratio", f"clients_{crowd.MANY}", f"clients_{crowd.FEW}")


async def _rules(servers: Stage, days: int) -> dict[str, float]:
    few, many = many_rules.FEW, many_rules.MANY
    measured = await many_rules.measure(servers, few, days) | await many_rules.measure(servers, many, days)
    return measured | _ratio(measured, "rules_cpu_ratio", f"rules_{many}", f"rules_{few}")


async def _partitions(servers: Stage, days: int) -> dict[str, float]:
    measured: dict[str, float] = {}
    for count in partition_counts.COUNTS:
        measured |= await partition_counts.measure(servers, count, days)
    return measured


async def _delivery(servers: Stage, share: float) -> dict[str, float]:
    measured: dict[str, float] = {}
    for backlog in delivering.backlogs(share):
        measured |= await delivering.measure(servers, backlog)
    return measured


async def _hooks(servers: Stage) -> dict[str, float]:
    return await hooking.measure(servers) | await hooking.to_in_app(servers)


def _ratio(measured: Mapping[str, float], name: str, much: str, little: str) -> dict[str, float]:
    return {name: measured[f"{much}_cpu_us_per_event"] / measured[f"{little}_cpu_us_per_event"]}
