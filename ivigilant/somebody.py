"""Who runs a command, as the records of who did what name them."""

import getpass


def at_the_command_line() -> str:
    """Name whoever may run commands on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        name = "unknown"
    return f"{name} at the command line"
