"""What is said of an error of ours: its kind and its place in our code, never its text, which may hold patient data."""

_DRIVERS = ("sqlalchemy", "psycopg")  # modules, which say nothing of where a fault of ours is


def failure_of(error: Exception) -> str:
    """Return what it was, and where."""
    return f"{_kind(error)} at {_place(error)}"


def _kind(error: Exception) -> str:
    """Return its name; of an error of the database the driver's, which says more."""
    return type(getattr(error, "orig", None) or error).__name__


def _place(error: Exception) -> str:
    """Return where in our code it happened, never its text."""
    place, trace = "?", error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if not frame.f_globals["__name__"].startswith(_DRIVERS):
            place = f"{frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
