"""What can stop the product from starting, or a command from finishing."""


class IvigilantError(Exception):
    """Any of the below; its text is one line and says what to do. `exit_code` is what the command leaves behind."""

    exit_code = 1


class UnusableSettings(IvigilantError):
    """A setting is missing, unknown or odd; the text names it. Correct it and start again."""

    exit_code = 2


class UnusableSite(IvigilantError):
    """The site file has faults; the text gives each with its line. Correct them and start again."""

    exit_code = 2


class UnusableKnowledge(IvigilantError):
    """The rules or value sets have faults; the text gives each with its file and line. Correct them."""


class UnreadablePath(IvigilantError):
    """A file or folder that was named cannot be read; name another."""

    exit_code = 2


class EmbeddedPartFailed(IvigilantError):
    """A part that the product brings along did not start; its log says why."""

    exit_code = 3


class NotReady(IvigilantError):
    """Something a command needs is not there or does not answer; the text says what."""

    exit_code = 4
