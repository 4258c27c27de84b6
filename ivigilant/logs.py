"""Logs as JSON lines: event, time and ids. Never a name, a birth date, free text or a segment."""

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog

from ivigilant.settings import Settings

LARGEST_LOG = 20 * 1024 * 1024
OLD_LOGS = 4
LEFT_OUT = "…"
TELL_THEMSELVES = ("celery", "kombu", "billiard")  # libraries whose PUBLIC values are safe: a task's name and number
PUBLIC = ("name", "id", "description")
_PLACE = re.compile(r"%(?:\((\w+)\))?[#0\- +]*(?:\d+|\*)?(?:\.\d+)?[hlL]?([diouxXeEfFgGcrsa%])")
_OURS = re.compile(r"ivigilant(\.[a-z_]+)+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|SIG[A-Z0-9]+")
_WARNED = re.compile(r"(.+?):(\d+): (\w+): ")

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
    logging.raiseExceptions = False  # a line that cannot be written (full disk) must not cause another
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda fault: _log_uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback)


def _log_uncaught(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    """Log an uncaught error instead of printing it: its text may quote a message or a row."""
    structlog.get_logger().critical("process.failed", exc_info=error)


def _sink(process: str, file: Path | None) -> logging.Handler:
    sink = (
        RotatingFileHandler(file, maxBytes=LARGEST_LOG, backupCount=OLD_LOGS)
        if file
        else logging.StreamHandler(sys.stderr)
    )
    sink.addFilter(_fill_in)
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


def _fill_in(record: logging.LogRecord) -> bool:
    """Store the safe text of a library's message, before the formatter drops its arguments."""
    if record.name == "py.warnings":
        record.told = {"event": "python.warning", **_of_warning(record.getMessage())}
    elif isinstance(record.msg, str):
        record.told = {"event": " ".join(_PLACE.sub(_filler(record), record.msg).split())}
    return True


def _without_values(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Keep the template of a library's message; of its arguments, only what cannot be patient data."""
    return {**event, **getattr(event["_record"], "told", {"event": LEFT_OUT})}


def _filler(record: logging.LogRecord) -> Callable[[re.Match[str]], str]:
    """Return what fills each placeholder of a message."""
    named: Mapping[str, object] = record.args if isinstance(record.args, Mapping) else {}
    others = iter(record.args if isinstance(record.args, tuple) else ())
    tells = record.name.partition(".")[0] in TELL_THEMSELVES

    def fill(place: re.Match[str]) -> str:
        if place[2] == "%":
            return "%"
        value = named.get(place[1]) if place[1] else next(others, None)
        if place[1] in PUBLIC and tells:
            return str(value)
        return _public(value)

    return fill


def _public(value: object) -> str:
    """Return a number, the class of an error or a name of ours; of anything else nothing."""
    if isinstance(value, float):
        return f"{value:.3f}"
    if value is None or isinstance(value, int):
        return str(value)
    if isinstance(value, BaseException):
        return type(value).__qualname__
    return value if isinstance(value, str) and _OURS.fullmatch(value) else LEFT_OUT


def _of_warning(text: str) -> dict[str, str]:
    """Return where a Python warning comes from, and its kind; its text may quote a value."""
    place = _WARNED.match(text)
    return {"kind": place[3], "at": f"{Path(place[1]).name}:{place[2]}"} if place else {}


def _only_where(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Reduce a traceback to types and lines: the text of an exception may quote a message or a row."""
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
