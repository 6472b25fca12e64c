"""Faults of a rulebook: what the validator found, as a person can act on it.

Each fault names its line and column, the way to the wrong part, what was wrong, and where
it can be told the nearest word that would have been right.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

from schemas.rule_words import Slip
from schemas.whens import KINDS
from schemas.yaml_lines import Path, Place

_QUOTED = re.compile(r"'([^']*)'")
_CLOSE = 0.6
_START = Place(line=1, column=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error of a rulebook."""

    place: Place
    path: str
    text: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return f"{self.place.line}:{self.place.column}: {where}{self.text}"


def explain(
    error: pydantic.ValidationError,
    places: Mapping[Path, Place],
    keys_at: Callable[[Path], Sequence[str]],
) -> tuple[Fault, ...]:
    """Every error of a validation with its place; `keys_at` knows which keys a mapping may have."""
    faults = []
    found = error.errors(include_url=False)
    parents = {details["loc"][:-1] for details in found}
    for details in found:
        if details["type"] == "too_short" and details["loc"] in parents:
            continue  # its items are wrong, not missing: they are named themselves
        path = _known_path(details["loc"], places)
        text = _text(details, keys_at(path[:-1]))
        faults.append(Fault(place=places.get(path, _START), path=shown(path), text=text))
    return tuple(faults)


def in_file_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The faults from top to bottom."""
    return tuple(sorted(faults, key=lambda fault: (fault.place.line, fault.place.column)))


def shown(path: Path) -> str:
    """A path as people write it: `rules[2].when.days`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _known_path(loc: Path, places: Mapping[Path, Place]) -> Path:
    """The deepest part of the document on the way to an error; the validator's own marks fall out."""
    path: Path = ()
    for part in loc:
        if (*path, part) in places:
            path = (*path, part)
    return path


def _text(details: ErrorDetails, keys: Sequence[str]) -> str:
    if details["type"] == "extra_forbidden":
        wrong = str(details["loc"][-1])
        return f"no such word here: {wrong}" + suggestion(wrong, keys)
    if details["type"] == "no_kind":
        return details["msg"] + _nearest_kind(details["input"])
    if details["type"] == "model_type":
        return "must be a mapping of words to values"
    if details["type"] == "missing":
        return f"{details['loc'][-1]} is missing"
    return _said_by_a_check(details)


def _said_by_a_check(details: ErrorDetails) -> str:
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, Slip):
        return f"{cause}{suggestion(cause.wrong, cause.words)}"
    if cause is not None:
        return str(cause)
    words = _QUOTED.findall(str(details.get("ctx", {}).get("expected", "")))
    return details["msg"].replace("Tuple", "List") + suggestion(str(details["input"]), words)


def _nearest_kind(when: Any) -> str:
    """The kind that a `when` was probably meant to be of."""
    near = (suggestion(word, KINDS) for word in when) if isinstance(when, dict) else ()
    return next(filter(None, near), "")


def suggestion(wrong: str, words: Iterable[str]) -> str:
    """The end of a sentence that names the nearest of the right words, if one is near."""
    close = get_close_matches(wrong, list(words), n=1, cutoff=_CLOSE)
    return f"; did you mean {close[0]}?" if close else ""
