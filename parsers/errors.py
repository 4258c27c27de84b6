"""Errors raised while a message is read."""

from clinical.events import Reading


class ParserError(Exception):
    """The base of everything the parsers raise."""


class UnreadableHeader(ParserError):  # raised as what it is: STYLE names errors this way
    """No MSH, impossible delimiters, or UTF-16: refuse the frame, and store its bytes."""


class TooManySegments(ParserError):  # raised as what it is: STYLE names errors this way
    """More segments than any real message has: park it; reading it would take minutes and a gigabyte."""


class UnreadableMessage(ParserError):  # raised as what it is: STYLE names errors this way
    """A field the message cannot do without is absent: park it, with `reason` and the field it lacks.

    `reading` holds what could be read; the events of a patient without a number name no patient.
    """

    def __init__(self, reason: str, path: str, reading: Reading) -> None:
        super().__init__(f"{reason}: {path}" if path else reason)
        self.reason = reason
        self.path = path
        self.reading = reading
