"""Deed words: the fixed words of a certificate and of the page that confirms it, by language."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedWords:
    """One language's words; braces are filled in.

    Attributes:
        proof: says what the page rests on.
    """

    lang: str
    title: str
    heading: str
    awarded_to: str
    for_what: str
    days_in_a_row: str
    completed: str
    share_completed: str
    goal_reached: str
    after_weeks: str
    confirmed_by: str
    proof: str
    download: str
    check_at: str


_ENGLISH: Final = DeedWords(
    lang="en",
    title="Certificate",
    heading="Certificate of Achievement",
    awarded_to="awarded to",
    for_what="for",
    days_in_a_row="{days} days in a row",
    completed="completed",
    share_completed="{share} completed",
    goal_reached="a goal set and reached",
    after_weeks="after {weeks} weeks with {practice}",
    confirmed_by="Confirmed by {practice}.",
    proof="This page was made from their records just now. It would say so if the certificate had been withdrawn.",
    download="Download the certificate (PDF)",
    check_at="Anybody can check this certificate at",
)
_GERMAN: Final = DeedWords(
    lang="de",
    title="Urkunde",
    heading="Urkunde",
    awarded_to="verliehen an",
    for_what="für",
    days_in_a_row="{days} Tage in Folge",
    completed="abgeschlossen",
    share_completed="{share} abgeschlossen",
    goal_reached="ein Ziel, gesetzt und erreicht",
    after_weeks="nach {weeks} Wochen bei {practice}",
    confirmed_by="Bestätigt von {practice}.",
    proof="Diese Seite ist eben aus den Aufzeichnungen entstanden. Wäre die Urkunde zurückgenommen, stünde es hier.",
    download="Urkunde herunterladen (PDF)",
    check_at="Diese Urkunde kann geprüft werden unter",
)
DEED_WORDS: Final[Mapping[str, DeedWords]] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN})
"""By language; English stands for every other."""
