"""Outcomes for a person at a terminal: a table with intervals, and a sentence for each comparison."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from agents.ledger.outcomes import Group
from streams.outcomes.findings import finding
from streams.outcomes.shares import Share, difference_interval, share_interval

_MEASURES = {
    "opened": "opened",
    "clicked": "clicked",
    "opted_out": "opted out within 7 days",
    "renewed": "renewed within 90 days",
}


def in_order(groups: Sequence[Group], names: Sequence[str]) -> tuple[Group, ...]:
    """The groups in the order of the names, also one that reached nobody; those that are not named stand behind."""
    found = {group.name: group for group in groups}
    named = tuple(found.get(name, _nobody(name)) for name in names)
    return (*named, *(group for group in groups if group.name not in names))


def _nobody(name: str) -> Group:
    none = Share(count=0, of=0)
    return Group(name=name, clients=0, messages=0, opened=none, clicked=none, opted_out=none, renewed=none)


def outcomes_table(groups: Sequence[Group], what: str) -> Table:
    """One line a group; a share is followed by its 95 % interval and of how many it is."""
    table = Table(what, "clients", "messages", *_MEASURES.values())
    for group in groups:
        shares = (told(getattr(group, name)) for name in _MEASURES)
        table.add_row(escape(group.name), str(group.clients), str(group.messages), *shares)
    return table


def findings(groups: Sequence[Group]) -> Iterator[str]:
    """How each group compares with the first."""
    for group in groups[1:]:
        for name, what in _MEASURES.items():
            yield finding(what, group.name, getattr(group, name), groups[0].name, getattr(groups[0], name))


def told(share: Share) -> str:
    """`62% (55-69%) of 200`."""
    if share.value is None:
        return "nobody yet"
    interval = share_interval(share)
    return f"{100 * share.value:.0f}% ({100 * interval.low:.0f}-{100 * interval.high:.0f}%) of {share.of}"


def as_objects(groups: Sequence[Group], *, compare: bool) -> list[dict[str, Any]]:
    """The same for a program; with `compare` each share has its difference to the first group's."""
    return [_object(group, groups[0] if compare and group is not groups[0] else None) for group in groups]


def _object(group: Group, first: Group | None) -> dict[str, Any]:
    shares = {name: _share(getattr(group, name), getattr(first, name) if first else None) for name in _MEASURES}
    return {"name": group.name, "clients": group.clients, "messages": group.messages, **shares}


def _share(share: Share, first: Share | None) -> dict[str, Any]:
    interval = share_interval(share)
    said: dict[str, Any] = {"count": share.count, "of": share.of, "low": interval.low, "high": interval.high}
    if first is not None:
        difference = difference_interval(share, first)
        said["difference"] = {"low": difference.low, "high": difference.high, "says_nothing": difference.says_nothing}
    return said


def hold_out_sentence(shares: Mapping[str, Share]) -> str:
    """Whether celebrating clients keeps them."""
    return finding(_MEASURES["renewed"], "celebrated", shares["celebrated"], "held out", shares["held out"])
