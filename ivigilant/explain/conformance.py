"""A second opinion: hl7apy's report on a message, made in a process of its own so that it can never block us.

hl7apy drops and misplaces segments when it groups them, and without groups calls every segment of a group unexpected.
So the message is parsed without groups and each segment is held against its own definition, and the order of segments
is left out of the report.
"""

import multiprocessing
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message
from hl7apy.validation import Validator

from ivigilant.explain.explained import Conformance
from parsers.hl7.segments import Message

LIMIT_S = 10.0
MOST_LINES = 200
# Raised by hl7apy on messages it cannot parse; its tables raise more than its own errors.
_ITS_ERRORS = (HL7apyException, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class SecondOpinion:
    """A process that runs hl7apy, started at the first request and again after it hung."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._process: Any = None
        self._pipe: Connection | None = None

    def __enter__(self) -> "SecondOpinion":
        """Start nothing: the first request does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._end()

    def of(self, message: Message) -> Conformance:
        """Return the report on a message that our reader could split."""
        pipe = self._pipe or self._begin()
        try:
            pipe.send(_as_hl7apy_takes_it(message))
            if not pipe.poll(self._limit_s):
                self._end()
                return Conformance(failed=f"hl7apy did not answer within {self._limit_s:g} s")
            report: Conformance = pipe.recv()
        except (EOFError, OSError):
            self._end()
            return Conformance(failed="hl7apy ended without an answer")
        return report

    def _begin(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_answer, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._pipe = self._process = None


def _as_hl7apy_takes_it(message: Message) -> str:
    """Join the segments with CR: hl7apy accepts neither LF nor blank lines."""
    return "\r".join(" ".join(segment.line.split("\n")) for segment in message.segments) + "\r"


def _answer(pipe: Connection) -> None:
    """Report on one text after another until the pipe closes."""
    while True:
        try:
            text = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        pipe.send(report_on(text))


def report_on(text: str) -> Conformance:
    """Return hl7apy's report on a text with CR line ends."""
    try:
        message = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    except _ITS_ERRORS as error:
        return Conformance(failed=f"hl7apy cannot parse it: {type(error).__name__}: {_first_line(error)}")
    errors: list[str] = []
    warnings: list[str] = []
    seen: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for segment in message.children:
            seen[segment.name] = occurrence = seen.get(segment.name, 0) + 1
            for kind, words in _lines(segment, Path(folder) / "report"):
                (errors if kind == "Error" else warnings).append(f"{segment.name}[{occurrence}]: {words}")
    return Conformance(message.version, tuple(errors[:MOST_LINES]), tuple(warnings[:MOST_LINES]))


def _lines(segment: Any, report: Path) -> list[tuple[str, str]]:
    """Return the report on one segment: hl7apy writes it to a file, and also raises the first error."""
    report.unlink(missing_ok=True)
    failed = ""
    try:
        Validator.validate(segment, report_file=str(report))
    except _ITS_ERRORS as error:
        failed = f"{type(error).__name__}: {_first_line(error)}"
    if not report.exists():
        return [("Error", failed)] if failed else []
    lines = (line.partition(": ") for line in report.read_text().splitlines())
    return [(kind, words) for kind, _, words in lines if kind in ("Error", "Warning")]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
