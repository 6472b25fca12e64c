"""`python -m tests.benchmarks.report`: docs/performance.md and its pictures, from build/bench.json.

It invents nothing: a figure that was not measured says so, and a picture shows only what was.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from tests.benchmarks import crowd, figures, many_rules, partition_counts, sizing
from tests.benchmarks.charts import Bar, bars

_ROOT = Path(__file__).parents[2]
_TEMPLATE = Path(__file__).with_name("performance.md.j2")
_RESULT = _ROOT / "build" / "bench.json"
_OWN_RUNS = ("clients_", "rules_", "partitions_")
_SPEED, _CPU = "_events_per_second", "_cpu_us_per_event"


def main() -> int:
    """Write the page and its pictures; returns the exit status."""
    found = figures.read(_RESULT)
    if not found:
        sys.stderr.write("There is no build/bench.json: run `make bench` first.\n")
        return 1
    write(found, _ROOT / "docs")
    return 0


def write(found: Mapping[str, float], docs: Path) -> None:
    """Write `performance.md` and `performance/*.svg` into a folder."""
    pictures = docs / "performance"
    pictures.mkdir(parents=True, exist_ok=True)
    drawn = {name: rows for name, rows in charts(found).items() if rows}
    for name, (title, *_) in _TITLES.items():
        path = pictures / f"{name}.svg"
        path.unlink(missing_ok=True)
        if name in drawn:
            path.write_text(bars(title, drawn[name]))
    (docs / "performance.md").write_text(page(found, tuple(drawn)))


def page(found: Mapping[str, float], pictures: tuple[str, ...]) -> str:
    """The page as Markdown."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 - Markdown, from our own figures

    def figure(name: str, digits: int = 0) -> str:
        return f"{found[name]:,.{digits}f}" if name in found else "not measured"

    return environment.from_string(_TEMPLATE.read_text()).render(
        figure=figure,
        required=figures.REQUIRED,
        found=found,
        peers=peers(found),
        pictures=pictures,
        partitions=partition_counts.COUNTS,
        crowds=(crowd.FEW, crowd.MANY),
        rules=(many_rules.FEW, many_rules.MANY),
        plans=sizing.plans(found),
        assumed=sizing.ASSUMED,
    )


def peers(found: Mapping[str, float]) -> tuple[str, ...]:
    """Who took part in the contest, the quickest first."""
    names = [name.removesuffix(_CPU) for name in found if name.endswith(_CPU) and not name.startswith(_OWN_RUNS)]
    return tuple(sorted(names, key=lambda name: -found.get(name + _SPEED, 0.0)))


_TITLES = {
    "peers": ("Events per second, one process, the same decisions",),
    "latency": ("From append to what a reader sees, milliseconds (marks: required)",),
    "cpu": ("CPU time per event of the tracker, microseconds",),
    "delivery": ("One delivery process, per second (marks: required)",),
}


def charts(found: Mapping[str, float]) -> dict[str, list[Bar]]:
    """The rows of each picture, as far as they were measured."""
    limits = {one.name: one.must for one in figures.REQUIRED}

    def rows(named: Iterator[tuple[str, str]], unit: str, digits: int = 0) -> list[Bar]:
        return [
            Bar(label=label, value=found[name], text=f"{found[name]:,.{digits}f}{unit}", limit=limits.get(name))
            for label, name in named
            if name in found
        ]

    contest = [
        Bar(
            label=name.replace("_", " "),
            value=found[name + _SPEED],
            text=f"{found[name + _SPEED]:,.0f}",
            ours=name == "cairn",
        )
        for name in peers(found)
    ]
    return {
        "peers": contest,
        "latency": rows(_latencies(), " ms"),
        "cpu": rows(_runs(), " us", 1),
        "delivery": rows(_deliveries(), "/s"),
    }


def _latencies() -> Iterator[tuple[str, str]]:
    for percent in (50, 99):
        yield f"milestone, 200/s, p{percent}", f"milestone_p{percent}_ms"
        yield f"milestone, half of capacity, p{percent}", f"half_load_p{percent}_ms"
    yield "in-app message, 200/s, p99", "in_app_p99_ms"


def _runs() -> Iterator[tuple[str, str]]:
    for clients in (crowd.FEW, crowd.MANY):
        yield f"{clients:,} clients with a past", f"clients_{clients}{_CPU}"
    for rules in (many_rules.FEW, many_rules.MANY):
        yield f"{rules} rules", f"rules_{rules}{_CPU}"
    for partitions in partition_counts.COUNTS:
        yield f"{partitions} partitions", f"partitions_{partitions}{_CPU}"


def _deliveries() -> Iterator[tuple[str, str]]:
    yield "milestones planned into Postgres", "planned_per_second"
    yield "in-app messages", "in_app_per_second"
    yield "mails", "emails_per_second"


if __name__ == "__main__":
    sys.exit(main())
