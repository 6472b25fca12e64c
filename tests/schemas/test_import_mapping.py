"""What a mapping file says, and what it may not say."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.import_mapping import Cell, ImportMapping

EVENT = {"type": {"constant": "habit.checked"}, "time": "Date", "data": {"habit_id": "Habit"}}


def faults(**mapping: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        ImportMapping.model_validate(mapping)
    return [f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in refused.value.errors()]


def test_a_text_is_a_column() -> None:
    mapping = ImportMapping.model_validate({"client": {"email": "E-Mail"}, "event": EVENT})
    assert mapping.client.email == Cell(column="E-Mail")
    assert mapping.event is not None
    assert mapping.event.type.constant == "habit.checked"


def test_how_a_column_is_read_is_called_as() -> None:
    cell = Cell.model_validate({"column": "Price", "as": "cents"})
    assert cell.kind == "cents"


@pytest.mark.parametrize("cell", [{}, {"column": "A", "constant": 1}])
def test_a_cell_comes_from_one_place(cell: dict[str, Any]) -> None:
    assert "needs either column or constant" in faults(client={"id": cell}, event=EVENT)[0]


@pytest.mark.parametrize("client", [{}, {"id": "A", "email": "B"}, {"id": "A", "external_id": "B"}])
def test_a_client_is_known_in_one_way(client: dict[str, Any]) -> None:
    assert "needs either id" in faults(client=client, event=EVENT)[0]


@pytest.mark.parametrize("form", ["%d.%m.", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%d %b %y"])
def test_a_date_format_holds_day_and_month(form: str) -> None:
    assert Cell.model_validate({"column": "Date", "format": form}).format == form


@pytest.mark.parametrize("form", ["", "%", "dd.mm.yyyy", "%Y-%m", "%Q"])
def test_what_is_no_date_format_is_refused(form: str) -> None:
    assert "not a date format" in faults(client={"id": {"column": "A", "format": form}}, event=EVENT)[0]


def test_a_tools_id_needs_the_tools_name() -> None:
    assert "external_id needs source" in faults(client={"external_id": "No"}, event=EVENT)[0]
    named = {"client": {"external_id": "No"}, "source": "crm", "event": EVENT}
    assert ImportMapping.model_validate(named).source == "crm"


def test_a_mapping_says_something() -> None:
    assert "needs an event, moments or a profile" in faults(client={"id": "A"})[0]


@pytest.mark.parametrize("field", ["email", "name", "phone", "address"])
def test_an_event_has_no_field_for_contact_data(field: str) -> None:
    event = {**EVENT, "data": {field: "A"}}
    assert "an event holds no contact data" in faults(client={"id": "A"}, event=event)[0]


def test_every_error_is_said_at_once() -> None:
    found = faults(client={}, colour="red", timezone="Vienna", profile={"nickname": "A"}, separator=":")
    assert {fault.partition(":")[0] for fault in found} == {
        "client", "colour", "timezone", "profile.nickname.[key]", "separator",
    }  # fmt: skip
