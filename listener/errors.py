"""What can go wrong in the listener."""


class ListenerError(Exception):
    """Any of the below."""


class OddConfig(ListenerError):
    """A setting the listener cannot start with; correct it."""


class NotQueued(ListenerError):
    """The queue did not take the ids; they are offered again, and the sweep finds what is not taken."""
