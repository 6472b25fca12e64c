"""Logs: one JSON object a line on stdout, with the field names of OpenTelemetry.

Only `ALLOWED` fields leave the process: an event may name topics, partitions, offsets,
rules, tenants and pseudonymous ids, never a name, an address or a payload. A field that is
not on the list is replaced by its name in `dropped_fields`, so that a leak is a visible bug
and not a line in somebody's log store.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

ALLOWED = frozenset(
    """
    timestamp severity_text body logger process error_type stack reason detail topic partition partitions
    offset start end expected records count generation position committed epoch app_id transactional_id
    version digest rule rules tier tenant client key source channel kind state milestone_id celebration_id
    delivery_id attempt attempts fence seconds ms bytes port host path method status outcome signal
    error failed exit_code name invariant event_id worker stage limit url hint advice missing
    bootstrap_servers have used where
    """.split()  # noqa: SIM905 - sixty quoted words read worse
)
_RENAMED = {"event": "body", "level": "severity_text"}


def _allow_listed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the fields that may leave, under OpenTelemetry's names."""
    named = {_RENAMED.get(key, key): value for key, value in event.items()}
    dropped = sorted(key for key in named if key not in ALLOWED)
    kept = {key: value for key, value in named.items() if key in ALLOWED}
    if dropped:
        kept["detail"] = " ".join(
            [*([str(kept["detail"])] if "detail" in kept else []), f"dropped_fields={','.join(dropped)}"]
        )
    return kept


def _type_of_error(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name an exception's type and place; its text may hold a payload and stays here."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__qualname__
        trace = error.__traceback__
        frames = []
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["stack"] = " > ".join(frames[-6:])
    return event


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Faust's services tell each step of their life cycle as `[^Name]: ...`; only what is wrong matters here."""
    return record.levelno >= logging.WARNING or not str(record.msg).startswith("[^")


def configure(*, process: str, level: str = "INFO", readable: bool = False, stream: TextIO | None = None) -> None:
    """Set up logging for this process: ours and the libraries' go the same way.

    Args:
        process: which of Cairn's processes this is, as in `track`.
        level: the lowest severity that is written.
        readable: lines for a person at a terminal in place of JSON.
        stream: where lines go; standard output by default.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _type_of_error,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    final: Any = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.addFilter(_is_worth_a_line)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([] if readable else [_allow_listed]),
                final,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("aiokafka", "faust", "mode", "asyncio", "aiohttp.access", "fontTools", "fpdf"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.contextvars.bind_contextvars(process=process)
