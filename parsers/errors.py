"""What can go wrong while a message is read."""


class ParserError(Exception):
    """The base of everything the parsers raise."""


class UnreadableHeader(ParserError):  # raised as what it is: STYLE names errors this way
    """No MSH, delimiters nobody could follow, or UTF-16: refuse the frame, and keep its bytes."""


class UnreadableMessage(ParserError):  # raised as what it is: STYLE names errors this way
    """A field the message cannot do without is absent: park it, with `reason` and the field it lacks."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{reason}: {path}" if path else reason)
        self.reason = reason
        self.path = path
