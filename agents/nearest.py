"""The nearest of the names that there are, for whoever made a slip in one."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """A clause that names it, to stand at the end of a sentence; empty when nothing is known."""
    found = get_close_matches(word, known, n=1, cutoff=0)
    return f": the nearest is {found[0]}" if found else ""
