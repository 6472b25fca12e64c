"""What a tag of a Kajabi contact stands for, since Kajabi tells of no course and no goal."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.client import Line


class TagMeaning(BaseModel):
    """What a tag of a Kajabi contact stands for.

    Attributes:
        id: the goal's, course's or program's.
        percent: of the course; only with `course.progressed`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["goal.completed", "course.completed", "course.progressed", "program.enrolled", "program.completed"]
    id: Line
    title: Line | None = None
    percent: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _percent_belongs_to_progress(self) -> "TagMeaning":
        if (self.type == "course.progressed") != (self.percent is not None):
            raise ValueError("percent belongs to course.progressed, and is needed there")
        return self
