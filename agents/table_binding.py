"""A mapping bound to one table: each cell's place, or everything that does not fit at once.

It must never begin with a mapping that cannot work: columns that are not there, fields that an
event type does not have or lacks, dates and numbers that cannot be.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

import msgspec
from pydantic import ValidationError

from agents.table_cells import BoundCell, birthday_converter, converter
from agents.table_file import TableErrors, folded
from schemas.event import EVENT_DATA
from schemas.import_mapping import Cell, CellKind, EventCells, ImportMapping
from schemas.text import TypeName
from schemas.yaml_lines import Path as YamlPath
from schemas.yaml_lines import YamlFault, read_yaml

_FREE: Final = ""
_FIXED: Final = frozenset({"type", "time", "id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundEvent:
    """An event of a row.

    Attributes:
        data: the fields of each known type, and under the empty name those of every other.
        is_optional: a row without its time has none.
    """

    type: BoundCell
    time: BoundCell
    id: BoundCell | None
    data: dict[str, tuple[tuple[str, BoundCell], ...]]
    is_optional: bool

    def fields(self, type_name: str) -> tuple[tuple[str, BoundCell], ...]:
        """The cells of the data of a type."""
        return self.data.get(type_name) or self.data[_FREE]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundMapping:
    """Where everything stands in a row."""

    source: str
    client: BoundCell | None
    external_id: BoundCell | None
    email: BoundCell | None
    events: tuple[BoundEvent, ...]
    profile: tuple[tuple[str, BoundCell], ...]

    @property
    def needs_ledger(self) -> bool:
        """Whether clients are looked up, or their profiles written."""
        return self.client is None or bool(self.profile)


def load_mapping(path: Path) -> tuple[ImportMapping, dict[YamlPath, str]]:
    """A mapping file, and `FILE:LINE` of each of its parts.

    Raises:
        TableErrors: with every error of the file.
    """
    try:
        value, places = read_yaml(path.read_text(encoding="utf-8"))
        lines = {where: f"{path}:{place.line}" for where, place in places.items()}
        return ImportMapping.model_validate(value), lines
    except YamlFault as fault:
        raise TableErrors([f"{path}:{fault.place.line}: {fault.text}"]) from None
    except UnicodeDecodeError:
        raise TableErrors([f"{path}: it is not UTF-8."]) from None
    except ValidationError as error:
        faults = ((tuple(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in error.errors())
        raise TableErrors([_placed(lines, str(path), where, text) for where, text in faults]) from None


def bind(mapping: ImportMapping, headers: tuple[str, ...], lines: dict[YamlPath, str] | None = None) -> BoundMapping:
    """The mapping for a table with these headers.

    Args:
        mapping: what the columns mean.
        headers: as the table has them.
        lines: where each part of the mapping stands, for the errors.

    Raises:
        TableErrors: with everything that does not fit.
    """
    binder = _Binder(mapping, headers, lines or {})
    client = mapping.client
    bound = BoundMapping(
        source=mapping.source or "import",
        client=binder.maybe(("client", "id"), client.id, "text"),
        external_id=binder.maybe(("client", "external_id"), client.external_id, "text"),
        email=binder.maybe(("client", "email"), client.email, "text"),
        events=tuple(binder.events()),
        profile=tuple((name, binder.profile_cell(name, cell)) for name, cell in mapping.profile.items()),
    )
    if binder.faults:
        raise TableErrors(binder.faults)
    return bound


class _Binder:
    def __init__(self, mapping: ImportMapping, headers: tuple[str, ...], lines: dict[YamlPath, str]) -> None:
        self.faults: list[str] = []
        self._mapping = mapping
        self._headers = headers
        self._indexes = {folded(header): index for index, header in enumerate(headers) if header}
        self._lines = lines
        self._zone = ZoneInfo(mapping.timezone)

    def events(self) -> Iterator[BoundEvent]:
        if self._mapping.event:
            yield self._event(("event",), self._mapping.event, is_optional=False)
        for number, cells in enumerate(self._mapping.moments):
            yield self._event(("moments", number), cells, is_optional=True)

    def maybe(self, where: YamlPath, cell: Cell | None, kind: CellKind | None) -> BoundCell | None:
        return None if cell is None else self.cell(where, cell, kind)

    def profile_cell(self, name: str, cell: Cell) -> BoundCell:
        bound = self.cell(("profile", name), cell, "date" if name.endswith("_on") else "text")
        if name == "birthday" and cell.format:
            return replace(bound, convert=birthday_converter(cell.format))
        return bound

    def cell(self, where: YamlPath, cell: Cell, kind: CellKind | None) -> BoundCell:
        """A cell bound, read as it says itself or else as the given kind; who, what and when have no choice."""
        if where[0] == "client" or where[-1] in _FIXED:
            if cell.kind not in (None, kind):
                self._fault(where, f"is read as {kind} and as nothing else")
                return BoundCell()
            if cell.constant is not None and not isinstance(cell.constant, str):
                self._fault(where, "a constant stands here as text, in quotes")
                return BoundCell()
        convert = converter(cell.kind or kind, form=cell.format, zone=self._zone, decimal=self._mapping.decimal)
        if cell.column is None:
            is_read = cell.kind is not None or where[-1] == "time"
            return BoundCell(constant=self._constant(where, cell.constant, convert) if is_read else cell.constant)
        index = self._indexes.get(folded(cell.column))
        if index is None:
            self._fault(where, f'the table has no column "{cell.column}"{self._nearest(cell.column)}')
            return BoundCell()
        return BoundCell(header=self._headers[index], index=index, values=cell.values, convert=convert)

    def _event(self, where: YamlPath, cells: EventCells, *, is_optional: bool) -> BoundEvent:
        self._check_types(where, cells)
        faults = len(self.faults)
        data = {_FREE: self._data(where, cells, {})}
        if len(self.faults) == faults:  # else each type would say it again
            data |= {name: self._data(where, cells, field_kinds(shape)) for name, shape in EVENT_DATA.items()}
        return BoundEvent(
            type=self.cell((*where, "type"), cells.type, "text"),
            time=self.cell((*where, "time"), cells.time, "time"),
            id=self.maybe((*where, "id"), cells.id, "text"),
            data=data,
            is_optional=is_optional,
        )

    def _data(
        self, where: YamlPath, cells: EventCells, kinds: dict[str, CellKind]
    ) -> tuple[tuple[str, BoundCell], ...]:
        """The fields that a type has; of a free type, all."""
        return tuple(
            (name, self.cell((*where, "data", name), cell, kinds.get(name)))
            for name, cell in cells.data.items()
            if not kinds or name in kinds
        )

    def _check_types(self, where: YamlPath, cells: EventCells) -> None:
        """Whether the types that the mapping itself names have what is mapped, and nothing they need is missing."""
        named = [cells.type.constant] if cells.type.column is None else list((cells.type.values or {}).values())
        for name in named:
            try:
                shape = EVENT_DATA.get(msgspec.convert(name, TypeName))
            except msgspec.ValidationError:
                self._fault((*where, "type"), "a type is lower-case words joined by dots, as in session.completed")
                continue
            if shape is not None:
                needed = {field.encode_name for field in msgspec.structs.fields(shape) if field.required}
                for field in sorted(needed - cells.data.keys()):
                    self._fault((*where, "data"), f"{name} needs {field}")
        shapes = [EVENT_DATA.get(str(name)) for name in named]
        if shapes and all(shapes):
            known = {name for shape in shapes if shape for name in field_kinds(shape)}
            for field in sorted(cells.data.keys() - known):
                self._fault((*where, "data", field), f"{' and '.join(map(str, named))} has no such field")

    def _constant(self, where: YamlPath, constant: Any, convert: Any) -> Any:
        if not isinstance(constant, str):
            return constant
        try:
            return convert(constant)
        except ValueError as error:
            self._fault(where, str(error))
            return None

    def _nearest(self, column: str) -> str:
        nearest = get_close_matches(folded(column), self._indexes, n=1, cutoff=0.5)
        return f'; the nearest is "{self._headers[self._indexes[nearest[0]]]}"' if nearest else ""

    def _fault(self, where: YamlPath, text: str) -> None:
        self.faults.append(_placed(self._lines, "mapping", where, text))


def _placed(lines: dict[YamlPath, str], file: str, where: YamlPath, text: str) -> str:
    """The error with the line of the nearest part that stands in the file."""
    prefixes = (where[:length] for length in range(len(where), -1, -1))
    line = next((lines[prefix] for prefix in prefixes if prefix in lines), file)
    name = ".".join(map(str, where))
    return f"{line}: {name}: {text}" if name else f"{line}: {text}"


def field_kinds(shape: type[msgspec.Struct]) -> dict[str, CellKind]:
    """How the fields of a type's data are read, by the names that they travel under."""
    return {field.encode_name: _kind(field.type) for field in msgspec.structs.fields(shape)}


def _kind(annotation: Any) -> CellKind:
    plain = set(_plain_types(annotation))
    if datetime in plain:
        return "time"
    if date in plain:
        return "date"
    return "number" if plain & {int, float} else "text"


def _plain_types(annotation: Any) -> Iterator[Any]:
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from _plain_types(part)
