"""A backtest for people: sentences first, then tables, then what would be otherwise in the service."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.comparison import Figures, Side, compare, in_all
from agents.rule_changes import RuleChange, dollars, sentence

_CLIENTS_SHOWN = 20
_COLUMNS = ("old", "new", "more", "old $", "new $", "more $")
_NO_FIGURES = Figures(old=0, new=0, difference=0, old_cents=0, new_cents=0, difference_cents=0)


def sentences(old: Side, new: Side, changes: Iterable[RuleChange]) -> tuple[str, ...]:
    """What differs, a sentence a changed rule, and one for everything."""
    by_rule = compare(old, new, lambda place: (place.rule,))
    told = []
    for change in changes:
        figures = by_rule.get((change.rule,), _NO_FIGURES)
        told.append(f"{change.rule}: {change.change}, {sentence(figures.difference, figures.difference_cents)}")
    total = in_all(old, new)
    return (*told, f"In all, {sentence(total.difference, total.difference_cents)}.")


def show_comparison(console: Console, old: Side, new: Side, changes: tuple[RuleChange, ...]) -> None:
    """Print a comparison."""
    for line in sentences(old, new, changes):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    rules = compare(old, new, lambda place: (place.rule, place.tier))
    console.print(_table("By rule", ("rule", "tier"), rules, total=in_all(old, new)))
    console.print(_table("By tier", ("tier",), compare(old, new, lambda place: (place.tier,))))
    clients = compare(old, new, lambda place: (place.tenant, place.client))
    differing = {who: figures for who, figures in clients.items() if figures.difference or figures.difference_cents}
    shown = sorted(differing, key=lambda who: (-abs(differing[who].difference), who))[:_CLIENTS_SHOWN]
    if shown:
        title = f"{len(differing)} of {len(clients)} clients differ"
        if len(shown) < len(differing):
            title += f", these {len(shown)} most; --json has all"
        console.print(_table(title, ("tenant", "client"), {who: differing[who] for who in shown}))
    for change in changes:
        if change.note:
            console.print(f"Note: {change.rule} is {change.note}.", markup=False, highlight=False, soft_wrap=True)


def _table(
    title: str, groups: tuple[str, ...], rows: Mapping[tuple[str, ...], Figures], total: Figures | None = None
) -> Table:
    table = Table(title=title, title_justify="left", show_footer=total is not None)
    for name in groups:
        table.add_column(name, overflow="fold", footer="in all" if name == groups[0] else "")
    footers = _cells(total) if total is not None else ("",) * len(_COLUMNS)
    for name, footer in zip(_COLUMNS, footers, strict=True):
        table.add_column(name, justify="right", footer=footer)
    for group, figures in rows.items():
        table.add_row(*map(escape, group), *_cells(figures))
    return table


def _cells(figures: Figures) -> tuple[str, ...]:
    cents = (figures.old_cents, figures.new_cents, figures.difference_cents)
    return (str(figures.old), str(figures.new), f"{figures.difference:+}", *map(dollars, cents))
