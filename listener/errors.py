"""What can go wrong in the listener."""


class ListenerError(Exception):
    """The base of every error of the listener."""


class OddConfig(ListenerError):
    """The listener cannot start with a setting; correct it."""


class NotQueued(ListenerError):
    """The queue did not accept the ids; they are offered again, and the sweep finds the rest."""
