"""The ways a destination can fail: it cannot be opened, temporarily, or for good."""


class ForwardingError(Exception):
    """A destination cannot be opened, or did not accept a notice.

    Its text gives the destination's answer, never patient data and never a secret.
    """


class Unreachable(ForwardingError):
    """Try again later: there was no answer, or the answer says the failure is temporary."""


class Refused(ForwardingError):
    """Do not try again: the same notice would be refused. Show it to an administrator."""


class OddDestination(ForwardingError):
    """The site file describes a destination that cannot work; the text names it. Correct it and restart."""
