"""An import's mapping: what the columns of a table mean, in a file that an operator writes.

It says nothing about one table: whether the columns are there is looked at when it meets one
(`agents.table_binding`). Names and addresses belong to `profile` and `client` alone; an event
has no place for them.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.client import Line
from schemas.tenant import SourceName, Zone

CONTACT_FIELDS: Final = frozenset({"name", "email", "phone", "first_name", "last_name", "address"})
"""Names that no field of an event may have: they stand for a person."""

ProfileField = Literal[
    "name", "email", "phone", "locale", "timezone", "day_starts_at", "birthday", "joined_on", "renewal_on", "status",
    "tags", "coach_id",
]  # fmt: skip
CellKind = Literal["text", "number", "cents", "date", "time"]


def _says_nobodys_name(field: str) -> str:
    if field in CONTACT_FIELDS:
        raise ValueError("an event holds no contact data; it belongs to profile or client")
    return field


def _can_be_a_format(form: str) -> str:
    moment = datetime(2026, 5, 28, 13, 45, 30)  # noqa: DTZ001 - it is only written and read
    try:
        read = datetime.strptime(moment.strftime(form), form)  # noqa: DTZ007 - as above
    except ValueError:
        read = None
    if read is None or (read.month, read.day) != (moment.month, moment.day):
        raise ValueError("not a date format, as in %d.%m.%Y or %d.%m.%Y %H:%M")
    return form


DataField = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$"), AfterValidator(_says_nobodys_name)]
DateFormat = Annotated[str, Field(max_length=64), AfterValidator(_can_be_a_format)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Cell(_Part):
    """Where a value comes from; a text alone is the name of a column.

    Attributes:
        constant: the same for each row, in place of a column.
        format: how its dates are written; without, as ISO 8601 has them.
        kind: how it is read, `as` in the file; without, as the field that it fills wants it.
        values: the table's words and what they stand for; other words refuse the row.
    """

    column: Line | None = None
    constant: str | int | float | bool | None = None
    format: DateFormat | None = None
    kind: Annotated[CellKind | None, Field(alias="as")] = None
    values: dict[str, str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _text_is_a_column(cls, written: Any) -> Any:
        return {"column": written} if isinstance(written, str) else written

    @model_validator(mode="after")
    def _comes_from_one_place(self) -> "Cell":
        if (self.column is None) == (self.constant is None):
            raise ValueError("needs either column or constant")
        return self


class ClientCells(_Part):
    """Whose row it is.

    Attributes:
        id: the client's id in Cairn; it stands alone.
        external_id: the id in the tool that `source` names.
        email: the address, by which one person is the same client in every tool.
    """

    id: Cell | None = None
    external_id: Cell | None = None
    email: Cell | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> "ClientCells":
        by_identity = bool(self.external_id or self.email)
        if bool(self.id) == by_identity:
            raise ValueError("needs either id (Cairn's own), or email, external_id or both")
        return self


class EventCells(_Part):
    """An event of the row.

    Attributes:
        time: a date alone is noon in the mapping's zone.
        id: what the tool calls the event; without, the id follows from what it says.
    """

    type: Cell
    time: Cell
    id: Cell | None = None
    data: dict[DataField, Cell] = {}


class ImportMapping(_Part):
    """What the columns of a table mean.

    Attributes:
        source: the tool's name among the tenant's sources.
        timezone: of times and dates without an offset.
        separator: between two cells; found in the header without.
        decimal: what stands before the fraction of a number.
        event: each row's event.
        moments: further events of the row, such as a CRM's dates; an empty cell is none.
        profile: what a row tells of the client.
    """

    client: ClientCells
    source: SourceName | None = None
    timezone: Zone = "UTC"
    separator: Literal[",", ";", "|", "tab"] | None = None
    decimal: Literal[".", ","] = "."
    event: EventCells | None = None
    moments: Annotated[tuple[EventCells, ...], Field(max_length=16)] = ()
    profile: dict[ProfileField, Cell] = {}

    @model_validator(mode="after")
    def _says_something(self) -> "ImportMapping":
        if not (self.event or self.moments or self.profile):
            raise ValueError("needs an event, moments or a profile: rows say nothing otherwise")
        if self.client.external_id and not self.source:
            raise ValueError("external_id needs source: the tool whose id it is")
        return self
