"""The report's tables of what was given: beside the count, behind the addresses, and at session 36 client by client."""

from collections import Counter

from rich.table import Table

from demo.count_given import Given
from demo.found import LEFT, MESSAGES, Found, FoundDelivery

_PARTS = {
    "certificate": "certificates",
    "badge": "badges",
    "video": "videos",
    "referral": "referral asks",
    "gift": "gifts",
}
_REASONS = {
    "no_consent": "no consent",
    "approval": "waits for the coach",
    "over_budget": "waits for the coach: the budget is used up",
}


def plain_table(*columns: str, numbers_from: int = 1) -> Table:
    """A plain table; a table without any heading shows none."""
    table = Table(box=None, pad_edge=False, show_header=any(columns), header_style="dim")
    for nth, column in enumerate(columns):
        table.add_column(column, justify="right" if nth >= numbers_from else "left")
    return table


def mark(ours: int, counted: int) -> str:
    """Whether two numbers agree, in colour."""
    return "[green]agree[/]" if ours == counted else f"[bold red]{ours - counted:+d}[/]"


def given_table(given: Given, found: Found) -> Table:
    """Each kind of part, and the money, beside the count."""
    table = plain_table("what", "given", "told along", "counted", "")
    ours, theirs = _by_part(found.given()), given.by_part()
    along = _by_part(Counter({key: n for key, n in found.told_along().items() if key[2] not in MESSAGES}))
    for part, name in _PARTS.items():
        if ours[part] or along[part] or theirs[part]:
            both = ours[part] + along[part]
            table.add_row(name, str(ours[part]), str(along[part]), str(theirs[part]), mark(both, theirs[part]))
    ordered = sum(order.cents for order in found.orders if order.status == "EXECUTED")
    if ordered or given.cents:
        amounts = (dollars(ordered), "", dollars(given.cents), mark(ordered, given.cents))
        table.add_row("ordered at Tremendous", *amounts)
    return table


def visits_table(found: Found) -> Table:
    """What was behind the addresses that were opened."""
    table = plain_table("", "", numbers_from=9)
    for one in found.visits:
        table.add_row(one.what, one.found if one.found == one.expected else f"[bold red]{one.found}[/]")
    return table


def graduates_table(found: Found) -> Table:
    """Each client at session 36: what they got, and what was left to the coach."""
    table = plain_table("client", "certificate", "gift", "referral", "left to the coach", numbers_from=9)
    parts = {(one.client, one.channel): one for one in found.deliveries if one.tier == "major"}
    cents = {order.email: order.cents for order in found.orders}
    for client in sorted({client for client, _ in parts}, key=found.name):
        gift = parts.get((client, "gift"))
        amount = cents.get(found.address(client))
        table.add_row(
            found.name(client),
            _said(parts.get((client, "certificate")), "in the mail, as a PDF"),
            _said(gift, f"{dollars(amount)} ordered" if amount else "no order"),
            _said(parts.get((client, "referral")), "asked"),
            left_to_coach(found, client),
        )
    return table


def left_to_coach(found: Found, client: str) -> str:
    """What a person still has to do about a client's majors."""
    majors = {one.celebration_id for one in found.deliveries if one.client == client and one.tier == "major"}
    minutes = sum(task.minutes for task in found.tasks if task.celebration_id in majors)
    waits = found.waiting_gifts()[found.address(client)]
    said = [f"{minutes} minutes"] if minutes else []
    return ", ".join([*said, *(["a word on the gift"] if waits else [])]) or "nothing"


def _said(part: FoundDelivery | None, given: str) -> str:
    if part is None:
        return "-"
    if part.state in LEFT:
        return given
    return _REASONS.get(part.reason or "", f"{part.state}: {part.reason}")


def _by_part(parts: Counter[tuple[str, str, str]]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for (_, _, part), times in parts.items():
        totals[part] += times
    return totals


def dollars(cents: int) -> str:
    """Cents as people say them."""
    whole, rest = divmod(cents, 100)
    return f"${whole}.{rest:02}" if rest else f"${whole}"
