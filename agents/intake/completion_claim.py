"""What of a hook claims that something was completed, and so is asked back where nothing is signed.

Completions are what majors rest on: a certificate, a mail. A course is also completed by its progress, since a
percentage of 100 is the same threshold as `course.completed`. Less than that is not asked: it would be a
question for each lesson, where a tool allows its school a hundred a minute.

An answer of the tool tells what is and not what was, so each reader of one says what else must fit.
"""

from typing import Final

from agents.intake.finding import Ignored

_COMPLETIONS: Final = frozenset({"goal.completed", "course.completed", "program.completed"})
FULL_PERCENT: Final = 100.0


def is_completion(type_: str, percent: float | None) -> bool:
    """Whether an event of this type says that something was completed; `percent` is what `course.progressed` says."""
    return type_ in _COMPLETIONS or (type_ == "course.progressed" and (percent or 0.0) >= FULL_PERCENT)


def is_address(claimed: str | None, known: object) -> bool:
    """Whether the address that a hook names, if it names one, is the one that the tool knows.

    A hook could otherwise tie a true completion to an address of its sender's.
    """
    return claimed is None or (isinstance(known, str) and claimed.strip().lower() == known.strip().lower())


def not_confirmed(detail: str) -> Ignored:
    """The hook is set aside; `detail` is for people and names nobody."""
    return Ignored(reason="not_confirmed", detail=detail)
