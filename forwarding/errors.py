"""The two ways a destination can fail: try again, or never will."""


class ForwardingError(Exception):
    """A notice was not taken. Its text names the destination's answer, never a patient and never a secret."""


class Unreachable(ForwardingError):
    """Try again later: nobody answered, or the answer said that it is temporary."""


class Refused(ForwardingError):
    """Never will: the same notice would be refused again. Show it to an administrator."""
