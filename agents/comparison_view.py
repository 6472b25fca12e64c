"""A backtest for people: sentences first, then tables, then what would be otherwise in the service."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents.comparison import Celebration, Figures, Side, compare, in_all
from agents.rule_changes import RuleChange, dollars, sentence

_CLIENTS_SHOWN = 20
_COLUMNS = ("old", "new", "more", "old $", "new $", "more $")
_NO_FIGURES = Figures(old=0, new=0, difference=0, old_cents=0, new_cents=0, difference_cents=0)


def sentences(old: Side, new: Side, changes: Iterable[RuleChange]) -> tuple[str, ...]:
    """What differs, a sentence a changed rule, one for all celebrations, and one for nudges if there are any."""
    told = [f"{change.rule}: {change.change}, {_of_rule(old, new, change.rule)}" for change in changes]
    total, nudges = in_all(old, new), in_all(old, new, nudges=True)
    told.append(f"In all, {sentence(total.difference, total.difference_cents)}.")
    if nudges.old or nudges.new:
        told.append(f"Beside these, {sentence(nudges.difference, nudges.difference_cents, 'nudge')}.")
    return tuple(told)


def _of_rule(old: Side, new: Side, name: str) -> str:
    """How many more a rule brings; of one that became a nudge, or ceased to be one, both numbers."""
    rules = [(side, side.rulebook.by_id[name]) for side in (old, new) if name in side.rulebook.by_id]
    kinds = {side.is_nudge(Celebration(name, rule.tier, "", "")) for side, rule in rules}
    told = []
    for nudges in sorted(kinds):
        figures = compare(old, new, lambda place: (place.rule,), nudges=nudges).get((name,), _NO_FIGURES)
        told.append(sentence(figures.difference, figures.difference_cents, "nudge" if nudges else "celebration"))
    return " and ".join(told)


def show_comparison(console: Console, old: Side, new: Side, changes: tuple[RuleChange, ...]) -> None:
    """Print a comparison."""
    for line in sentences(old, new, changes):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    rules = compare(old, new, lambda place: (place.rule, place.tier))
    console.print(_table("By rule", ("rule", "tier"), rules, total=in_all(old, new)))
    console.print(_table("By tier", ("tier",), compare(old, new, lambda place: (place.tier,))))
    nudges = compare(old, new, lambda place: (place.rule,), nudges=True)
    if nudges:
        title = "Nudges, which celebrate nothing"
        console.print(_table(title, ("rule",), nudges, total=in_all(old, new, nudges=True)))
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
