"""Logs carry what was allowed and nothing else."""

import ast
import json
import logging
from pathlib import Path

import pytest
import structlog

from agents import log


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_field_that_is_not_allowed_is_dropped_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(process="track")
    structlog.get_logger("cairn").info("sent", email="ada@example.org", channel="email")
    (line,) = _lines(capsys)
    assert line["channel"] == "email"
    assert line["detail"] == "dropped_fields=email"
    assert "ada@example.org" not in json.dumps(line)


def test_an_error_is_logged_by_type_and_place_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(process="track")
    try:
        int("ada@example.org")
    except ValueError:
        structlog.get_logger("cairn").exception("refused")
    (line,) = _lines(capsys)
    assert line["error_type"] == "ValueError"
    assert "test_an_error_is_logged" in str(line["stack"])
    assert "ada@" not in json.dumps(line)


def test_libraries_speak_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(process="deliver")
    logging.getLogger("aiokafka").warning("broker %s is away", 1)
    (line,) = _lines(capsys)
    assert (line["body"], line["severity_text"], line["process"]) == (
        "broker 1 is away",
        "warning",
        "deliver",
    )


def test_every_field_that_the_code_logs_is_one_that_may_leave() -> None:
    known = log.ALLOWED | {"exc_info"}
    levels = {"debug", "info", "warning", "error", "critical", "exception"}
    unknown = {
        f"{path.name}:{call.lineno}: {field.arg}"
        for path in Path(log.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in levels
        if isinstance(call.func.value, ast.Name) and call.func.value.id in {"log", "_log"}
        for field in call.keywords
        if field.arg and field.arg not in known
    }
    assert unknown == set()
