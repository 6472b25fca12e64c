"""Named queries are found by name, and a slip in a file is an error."""

from pathlib import Path

import pytest

from agents.ledger import queries
from agents.ledger.queries import load_queries


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "queries").mkdir()
    monkeypatch.setattr(queries, "SQL_FOLDER", tmp_path)
    load_queries.cache_clear()
    return tmp_path / "queries"


def test_a_query_keeps_the_question_that_it_answers(folder: Path) -> None:
    (folder / "x.sql").write_text("-- A subject.\n\n-- name: one\n-- How many?\nSELECT 1;\n-- name: two\nSELECT 2;\n")
    found = load_queries("x")
    assert found.one == found["one"] == "-- How many?\nSELECT 1;"
    assert found.two == "SELECT 2;"
    with pytest.raises(AttributeError, match="one, two"):
        _ = found.three


@pytest.mark.parametrize("text", ["SELECT 1;\n-- name: a\nSELECT 1;", "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;"])
def test_a_slip_in_a_file_is_an_error(folder: Path, text: str) -> None:
    (folder / "y.sql").write_text(text)
    with pytest.raises(ValueError, match=r"y\.sql"):
        load_queries("y")
