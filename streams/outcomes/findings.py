"""Findings: a comparison of two groups of clients as a sentence that a coach may rely on.

It must never call a difference one that chance would make as well, nor hide that nobody was
asked yet.
"""

from streams.outcomes.shares import Share, difference_interval

FEW_CLIENTS = 30
"""Below this a group is called small, whatever its interval says."""


def finding(what: str, name: str, share: Share, first_name: str, first: Share) -> str:
    """How `name` compares with `first_name`.

    Args:
        what: what the clients did, as in `opened`.
        name: the group in question.
        share: how many of it did.
        first_name: the group that it is compared with.
        first: how many of that did.
    """
    if not (share.of and first.of):
        nobody = name if not share.of else first_name
        return f"{what}: nothing can be said yet, because nobody of the group “{nobody}” can be looked at so far."
    interval = difference_interval(share, first)
    points = f"{_points(interval.low)} to {_points(interval.high)} points"
    if interval.says_nothing:
        return f"{what}: says nothing yet: {name} may lie anywhere from {points} beside {first_name}."
    few = min(share.of, first.of) < FEW_CLIENTS
    doubt = f" One group has fewer than {FEW_CLIENTS} clients: wait before you act on it." if few else ""
    more = "more" if interval.low > 0 else "less"
    return f"{what}: {more} with {name} than with {first_name}, by {points}.{doubt}"


def _points(value: float) -> str:
    return f"{100 * value:+.0f}"
