"""Logs as JSON lines: an event, when, and ids. Never a name, a birth date, free text or a segment."""

import logging
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from ivigilant.settings import Settings

QUIET = ("kombu", "celery", "amqp", "httpx", "uvicorn.access", "sqlalchemy", "hl7apy")


def start_logging(settings: Settings, process: str, file: Path | None = None) -> None:
    """Send our events and the libraries' warnings of this process to standard error or a file, as JSON."""
    level = getattr(logging, settings.log_level.upper())
    logging.basicConfig(handlers=[_sink(process, file)], level=level, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda fault: _log_uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _log_uncaught(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    """Log what nobody caught instead of printing it: its text may quote a message or a row."""
    structlog.get_logger().critical("process.failed", exc_info=error)


def _sink(process: str, file: Path | None) -> logging.Handler:
    sink = logging.FileHandler(file) if file else logging.StreamHandler(sys.stderr)
    sink.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                _without_values,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _named(process),
                _only_where,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    return sink


def _named(process: str) -> structlog.types.Processor:
    def add_process(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        return {"process": process, **event}

    return add_process


def _without_values(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Keep of a library's message what the library wrote, and not what it filled in: that may be a patient's."""
    record: logging.LogRecord = event["_record"]
    return {**event, "event": str(record.msg)}


def _only_where(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Replace a traceback by its types and lines: the text of an exception may quote a message or a row."""
    trouble = event.pop("exc_info", None)
    if trouble is True:
        trouble = sys.exc_info()
    elif isinstance(trouble, BaseException):
        trouble = (type(trouble), trouble, trouble.__traceback__)
    if not trouble or trouble[0] is None:
        return event
    lines = []
    step = trouble[2]
    while step is not None:
        lines.append(f"{step.tb_frame.f_globals.get('__name__', '?')}:{step.tb_lineno}")
        step = step.tb_next
    return {**event, "exception": trouble[0].__qualname__, "at": lines[-8:]}
