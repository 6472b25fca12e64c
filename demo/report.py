"""The report: what came in, what it led to, how fast, what is held, for people at a terminal.

Beside each number of Cairn stands the independent count of the same input.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from demo.count import TIERS, Count
from demo.count_given import Given
from demo.found import Found
from demo.report_given import given_table, graduates_table, mark, plain_table, visits_table

RULES = tuple(TIERS)
_MOST_LINES = 60
_EVENTS_COUNTER = 'cairn_events_consumed_total{{outcome="{}",topic="coaching.events.v1"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What the report says about the play itself.

    Attributes:
        overtaken: mails that this machine, slower than the calendar, brought about.
    """

    practice: str
    clients: int
    days: int
    real_seconds: float
    hooks_sent: int
    hooks_retried: int
    overtaken: Counter[tuple[str, str, str]]
    page_url: str
    metrics_urls: tuple[str, ...]
    topic_command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The independent count: of milestones and messages, and of what is given with them."""

    wins: Count
    given: Given


def print_report(console: Console, play: Play, counts: Counts, found: Found, differences: Sequence[str]) -> None:
    """Print everything, the verdict last."""
    counted = counts.wins
    console.rule(f"{play.practice}: {play.clients} clients, {play.days} days in {play.real_seconds:.0f} s")
    for title, table in (
        ("What came in", _inputs(play, counted, found)),
        ("Milestones that stand", _milestones(counted, found)),
        (
            "Celebrations that went out, and real seconds from the event's arrival on Kafka",
            _channels(play, counted, found),
        ),
        ("Given with them", given_table(counts.given, found)),
        ("Opened, as a friend of the client would", visits_table(found)),
        ("Not sent by itself, and why", _waiting(found)),
        ("Asked of the coaches", _coach(play, found)),
        ("Session 36", graduates_table(found)),
    ):
        if not table.row_count:
            continue
        console.print(f"[bold]{title}[/]")
        console.print(Padding(table, (0, 0, 1, 2)))
    _where(console, play)
    _verdict(console, differences)


def _inputs(play: Play, counted: Count, found: Found) -> Table:
    table = plain_table("", "")
    for what, number in counted.inputs.items():
        table.add_row(what, str(number))
    table.add_row("hooks sent, of these again on purpose", f"{play.hooks_sent}, {counted.copies}")
    if play.hooks_retried:
        table.add_row("  sent again because the answer was not 2xx", str(play.hooks_retried))
    table.add_row("events on the topic", str(found.events_total))
    for outcome in ("applied", "duplicate", "unused", "late", "refused"):
        folded = found.counters.get(_EVENTS_COUNTER.format(outcome), 0.0)
        if folded or outcome in {"applied", "duplicate"}:
            table.add_row(f"  of these {_OUTCOMES[outcome]}", f"{folded:.0f}")
    return table


_OUTCOMES = {
    "applied": "applied",
    "duplicate": "refused as duplicates (sent twice, or met again by the daily pull)",
    "unused": "of a kind that no rule uses",
    "late": "applied to the past, as they came late",
    "refused": "refused",
}


def _milestones(counted: Count, found: Found) -> Table:
    table = plain_table("rule", "tier", "Cairn", "counted", "", numbers_from=2)
    ours = Counter((r.rule, int(r.threshold or 0)) for r in found.standing())
    theirs = counted.by_rule()
    keys = sorted(ours.keys() | theirs.keys(), key=lambda key: (RULES.index(key[0]), key[1]))
    for rule, threshold in keys:
        name = f"{rule} {threshold}" if threshold > 1 else rule
        a, b = ours[rule, threshold], theirs[rule, threshold]
        table.add_row(name, TIERS[rule], str(a), str(b), mark(a, b))
    table.add_row("all", "", str(ours.total()), str(theirs.total()), mark(ours.total(), theirs.total()))
    return table


def _channels(play: Play, counted: Count, found: Found) -> Table:
    table = plain_table("channel", "left", "told along", "counted", "", "median", "99 % within")
    left, along, theirs = _by_channel(found.sent()), _by_channel(found.told_along()), counted.by_channel()
    late = _by_channel(play.overtaken)
    for channel in sorted(left.keys() | theirs.keys()):
        seconds = _seconds_to_answer(found, channel, was_held=False)
        ours, b = left[channel] + along[channel] - late[channel], theirs[channel]
        row = (channel, str(left[channel]), str(along[channel]), str(b), mark(ours, b))
        table.add_row(*row, *_median_and_p99(seconds))
        if late[channel]:
            table.add_row(f"  of these taken back, as this machine was slower than the calendar: {late[channel]}")
        held = _seconds_to_answer(found, channel, was_held=True)
        if held:
            row = (f"  of these kept for the client's morning: {len(held)}", "", "", "", "")
            table.add_row(*row, *_median_and_p99(held))
    return table


def _by_channel(messages: Counter[tuple[str, str, str]]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (_, _, channel), times in messages.items():
        totals[channel] += times
    return totals


def _seconds_to_answer(found: Found, channel: str, *, was_held: bool) -> list[float]:
    """Real seconds from hearing to sent; for what a deadline decided, from the decision."""
    by_milestone = {record.milestone_id: record for record in found.milestones}
    seconds = []
    for delivery in found.deliveries:
        record = by_milestone.get(delivery.milestone_id)
        is_asked = (delivery.channel, delivery.was_held, delivery.state) == (channel, was_held, "sent")
        if not is_asked or delivery.finished_at is None or record is None:
            continue
        heard = record if record.is_timed else found.events.get(record.caused_by or "")
        if heard is not None:
            seconds.append(delivery.finished_at.timestamp() - heard.appended_ms / 1000)
    return seconds


def _median_and_p99(seconds: Sequence[float]) -> tuple[str, str]:
    if len(seconds) < 2:  # noqa: PLR2004 - one value has no spread
        return "-", "-"
    return f"{median(seconds):.2f} s", f"{quantiles(seconds, n=100, method='inclusive')[98]:.2f} s"


def _waiting(found: Found) -> Table:
    table = plain_table("what", "why", "number", numbers_from=2)
    waiting = Counter(
        (f"{delivery.channel}: {delivery.state}", delivery.reason or "")
        for delivery in found.deliveries
        if delivery.state not in {"sent", "delivered"}
    )
    waiting.update((f"task for the coach: {task.kind}", task.reason) for task in found.tasks)
    for (what, why), number in sorted(waiting.items()):
        table.add_row(what, why, str(number))
    if not waiting:
        table.add_row("nothing", "", "0")
    return table


def _coach(play: Play, found: Found) -> Table:
    minutes = sum(task.minutes for task in found.tasks)
    table = plain_table("", "")
    table.add_row("tasks", str(len(found.tasks)))
    table.add_row("minutes in all", str(minutes))
    table.add_row("minutes a week (promised: under 60 for 120 clients)", f"{minutes / (play.days / 7):.0f}")
    return table


def _where(console: Console, play: Play) -> None:
    console.print("[bold]Where to look[/]")
    for what, where in (
        ("every message that went out", [play.page_url]),
        ("metrics", play.metrics_urls),
        ("the milestones topic", [play.topic_command]),
    ):
        console.print(f"  {what}:", highlight=False)
        _lines(console, where)
    console.print()


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(f"    {line}", markup=False, soft_wrap=True, highlight=False)


def _verdict(console: Console, differences: Sequence[str]) -> None:
    if not differences:
        console.print("[bold green]All numbers agree with the independent count.[/]")
        return
    console.print(f"[bold red]{len(differences)} differences:[/]")
    _lines(console, differences[:_MOST_LINES])
    if len(differences) > _MOST_LINES:
        _lines(console, [f"and {len(differences) - _MOST_LINES} more"])
