"""What a run has done so far, in a file: a long one may be interrupted and gone on with."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.outcome import Outcome, read


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What decides a run; one with another course is another run."""

    seed: int
    events_per_second: float
    long: bool


@dataclass(eq=False)
class Progress:
    """The outcomes so far.

    Attributes:
        path: of the file.
        course: of the run.
        outcomes: by row and part.
    """

    path: Path
    course: Course
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Note an outcome, in the file as well."""
        self.outcomes[outcome.key] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(
            json.dumps({**_words(self.course), "outcomes": [o.as_json() for o in self.outcomes.values()]})
        )


def resumed(path: Path, course: Course) -> Progress:
    """The progress of an interrupted run of the same course; what could not be measured is to be done again.

    Raises:
        ValueError: the file tells of another course.
    """
    found = json.loads(path.read_text())
    outcomes = [read(each) for each in found.pop("outcomes")]
    if found != _words(course):
        raise ValueError(f"{path} holds another run, {found}: take its arguments, or begin without --resume")
    return Progress(path=path, course=course, outcomes={each.key: each for each in outcomes if each.is_measured})


def _words(course: Course) -> dict[str, float]:
    return {"seed": course.seed, "events_per_second": course.events_per_second, "long": course.long}
