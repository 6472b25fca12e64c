"""People of the invented practice: clients and coaches, by seed.

Every name is made up and every address ends in `example.org`, so that nobody real is ever
written to. A client has one address that the two tools spell in different cases, as they
do in life.
"""

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

PRACTICE_ZONE = ZoneInfo("America/Denver")
Rhythm = Literal["devoted", "thrice", "weekly", "fortnightly"]
Tool = Literal["webhook", "pull"]

_FIRST = """
Ada Adrian Aisha Alba Amara Anders Anika Anton Aroha Astrid Baran Beatriz Bela Bruno Cai Carmen
Cedric Chiara Clara Dalia Dario Delphine Dmitri Edda Eilidh Elias Elif Emeka Enzo Esther Farah Felix
Freya Gita Goran Hana Hector Helga Ibrahim Imani Ines Ingrid Isak Jamal Jana Jiro Jonas Kaia Kamal
Keira Kofi Lars Leila Levi Lucia Maeve Malik Mara Mateo Meera Milan Nadia Nikolai Noor Oksana Omar
Otto Paloma Petra Priya Quentin Rafael Rania Remy Rosa Sana Selma Seung Sofia Soren Tala Tariq Theo
Uma Valentin Vera Wanda Xenia Yara Yusuf Zoe Zoltan
"""
_LAST = """
Abernathy Achterberg Adeyemi Almqvist Amundsen Barbosa Bellweather Brightwater Castellan Chowdhury
Copperfield Dalgaard Dunmore Eastwind Ekwueme Fairbairn Fennimore Galbraith Greenhalgh Haverford
Holloway Ibarra Iversen Jansson Kaminski Kingsolver Lindqvist Lovelock Marchetti Merriweather
Nakagawa Northcott Okonkwo Ostergaard Pemberton Quintero Rasmussen Redfern Salvatierra Silverthorne
Tanaka Thistlewood Underhill Vasquez Velasco Whitlock Winterbourne Yamazaki Zielinski
"""
_ZONES = (
    *("America/Denver",) * 60,
    *("America/New_York",) * 15,
    *("America/Los_Angeles",) * 13,
    *("America/Chicago",) * 10,
    *("Europe/London",) * 8,
    *("Europe/Vienna",) * 6,
    *("America/Sao_Paulo",) * 4,
    *("Pacific/Honolulu",) * 2,
    *("Pacific/Kiritimati",) * 2,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coach:
    """A coach of the practice; the Acuity calendar is theirs alone.

    Attributes:
        marks_completed: labels a session as completed right after it, instead of leaving it.
    """

    id: str
    name: str
    email: str
    calendar_id: int
    marks_completed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A client: who they are, and what they will do in the play.

    Attributes:
        joined_on: the local date from which they book.
        never_came: the only booking is cancelled.
        habit_runs: first day (0 is the play's first) and length of each run of checks.
        course_percent: how far they come in the online course; 0 for not at all.
        goals: how many goals they check off.
    """

    number: int
    first_name: str
    last_name: str
    zone: ZoneInfo
    coach: Coach
    joined_on: date
    rhythm: Rhythm
    never_came: bool
    tool: Tool
    habit_runs: tuple[tuple[int, int], ...]
    course_percent: int
    goals: int

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def email(self) -> str:
        """The address as the habit tracker spells it."""
        return f"{self.first_name}.{self.last_name}@example.org".lower()

    @property
    def email_in_acuity(self) -> str:
        """The same address as the client typed it when booking."""
        return f"{self.first_name}.{self.last_name}@Example.org" if self.number % 3 else self.email

    @property
    def tracker_id(self) -> str:
        """The habit tracker's own id of the client."""
        return f"member-{self.number:04d}"

    @property
    def in_tracker(self) -> dict[str, str]:
        """The client as every message of the habit tracker names them."""
        return {
            "id": self.tracker_id,
            "name": self.name,
            "email": self.email,
            "timezone": self.zone.key,
            "coach_id": self.coach.id,
        }


COACHES = (
    Coach(
        id="maren",
        name="Maren Holt",
        email="maren@northridge.example.org",
        calendar_id=7001,
        marks_completed=True,
    ),
    Coach(
        id="idris",
        name="Idris Vale",
        email="idris@northridge.example.org",
        calendar_id=7002,
        marks_completed=False,
    ),
    Coach(
        id="tess",
        name="Tess Okafor",
        email="tess@northridge.example.org",
        calendar_id=7003,
        marks_completed=False,
    ),
)


def draw_names(random: Random, count: int) -> list[tuple[str, str]]:
    """`count` different first and last names."""
    names = [(first, last) for first in _FIRST.split() for last in _LAST.split()]
    return random.sample(names, count)


def draw_zone(random: Random) -> ZoneInfo:
    """A client's zone: most live near the practice, a few on the other side of the date line."""
    return ZoneInfo(random.choice(_ZONES))
