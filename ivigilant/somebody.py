"""The person who runs a command, as named in the records."""

import getpass


def at_the_command_line() -> str:
    """Return the name of the user at the command line."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        name = "unknown"
    return f"{name} at the command line"
