"""Sizing: from the figures of one machine to processes, memory and Postgres for a practice or a platform.

Arithmetic over what was measured, on assumptions that stand beside the result; whoever has figures of their own puts
them in. A process is planned at half of what it can do, so that another may take over its partitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from tests.benchmarks import crowd
from tests.benchmarks.stage import PARTITIONS

_DAY_SECONDS = 86_400
_SIZES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
_SESSION_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is assumed about clients.

    Attributes:
        events_per_day: of one client.
        peak: the busiest minutes as a multiple of the mean.
        events_per_milestone: how many events lead to one.
        mail_share: the milestones of which a mail goes out.
        load: how busy a process may be at the peak.
    """

    events_per_day: float = 3.0
    peak: float = 8.0
    events_per_milestone: float = 30.0
    mail_share: float = 0.5
    load: float = 0.5


ASSUMED = Assumed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What so many clients need at their peak."""

    clients: int
    events_per_second: float
    trackers: int
    tracker_mb: float
    back_seconds: float
    milestones_per_second: float
    deliverers: int
    postgres_cores: float


_SPEED = f"partitions_{PARTITIONS}_events_per_second"  # of the tracker alone
_NEEDED = (
    _SPEED,
    f"clients_{crowd.FEW}_peak_mb",
    f"clients_{crowd.MANY}_peak_mb",
    f"clients_{crowd.MANY}_cpu_us_per_event",
    f"clients_{crowd.FEW}_cpu_us_per_event",
    f"clients_{crowd.MANY}_restore_records_per_second",
    "planned_per_second",
    "emails_per_second",
    "planned_postgres_cpu_us",
    "emails_postgres_cpu_us",
)


def plans(found: Mapping[str, float], assumed: Assumed = ASSUMED) -> tuple[Sizing, ...]:
    """A row for each size; none where a figure that it rests on was not measured."""
    if any(name not in found for name in _NEEDED):
        return ()
    return tuple(_sizing(found, clients, assumed) for clients in _SIZES)


def _sizing(found: Mapping[str, float], clients: int, assumed: Assumed) -> Sizing:
    peak = clients * assumed.events_per_day / _DAY_SECONDS * assumed.peak
    milestones = peak / assumed.events_per_milestone
    mails = milestones * assumed.mail_share
    # Many states are colder than few: the speed with 10,000 clients is taken down by what a million cost.
    colder = found[f"clients_{crowd.FEW}_cpu_us_per_event"] / found[f"clients_{crowd.MANY}_cpu_us_per_event"]
    speed = found[_SPEED] * min(1.0, colder) * assumed.load
    few_mb, many_mb = (found[f"clients_{count}_peak_mb"] for count in (crowd.FEW, crowd.MANY))
    mb_per_client = (many_mb - few_mb) / (crowd.MANY - crowd.FEW)
    memory_bound = ceil(clients / crowd.MANY)  # no process has more clients than were measured
    trackers = max(1, ceil(peak / speed), memory_bound)
    own = clients / trackers
    busy = milestones / found["planned_per_second"] + mails / found["emails_per_second"]
    return Sizing(
        clients=clients,
        events_per_second=peak,
        trackers=trackers,
        tracker_mb=few_mb + mb_per_client * own,
        back_seconds=_SESSION_TIMEOUT_SECONDS + own / found[f"clients_{crowd.MANY}_restore_records_per_second"],
        milestones_per_second=milestones,
        deliverers=max(1, ceil(busy / assumed.load)),
        postgres_cores=(milestones * found["planned_postgres_cpu_us"] + mails * found["emails_postgres_cpu_us"]) / 1e6,
    )
