"""The person who runs a command, as named in the records."""

import getpass
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa


def at_the_command_line() -> str:
    """Return the name of the user at the command line."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        name = "unknown"
    return f"{name} at the command line"


def record_command(
    connection: "sa.Connection",
    action: str,
    what: str,
    *,
    patients: Iterable[int | None] = (None,),
    purpose: str = "",
    done: bool = True,
) -> None:
    """Write in the access log what a command does, and by whom; the last thing in a transaction."""
    from store.access_log import DONE, REFUSED, AccessLine, write

    lines = [
        AccessLine(
            at=datetime.now(UTC),
            actor=at_the_command_line(),
            role="command line",
            action=action,
            patient_id=patient,
            object=what,
            source="local",
            outcome=DONE if done else REFUSED,
            purpose=purpose,
        )
        for patient in patients
    ]
    write(connection, lines)
