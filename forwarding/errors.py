"""The ways a destination can fail: it cannot be opened, try again, or never will."""


class ForwardingError(Exception):
    """A destination cannot be opened, or took no notice.

    Its text names the destination's answer, never a patient and never a secret.
    """


class Unreachable(ForwardingError):
    """Try again later: nobody answered, or the answer said that it is temporary."""


class Refused(ForwardingError):
    """Never will: the same notice would be refused again. Show it to an administrator."""


class OddDestination(ForwardingError):
    """The site file describes it in a way that cannot work; the text names it. Correct it and start again."""
