"""Finding: what one check of the environment found."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found: the subject, the verdict and, unless ok, what to do."""

    subject: str
    verdict: Verdict
    text: str
