"""Errors that stop the product from starting or a command from finishing."""


class IvigilantError(Exception):
    """Base class. The text is one line and says what to do; `exit_code` is that of the command."""

    exit_code = 1


class UnusableSettings(IvigilantError):
    """A setting is missing, unknown or invalid; the text names it. Correct it and start again."""

    exit_code = 2


class UnusableSite(IvigilantError):
    """The site file has faults; the text gives each with its line. Correct them and start again."""

    exit_code = 2


class UnusableKnowledge(IvigilantError):
    """The rules or value sets have faults; the text gives each with its file and line. Correct them."""


class UnreadablePath(IvigilantError):
    """A file or folder on the command line cannot be read; name another."""

    exit_code = 2


class EmbeddedPartFailed(IvigilantError):
    """An embedded part did not start; its log says why."""

    exit_code = 3


class NotReady(IvigilantError):
    """Something that a command needs is missing or does not answer; the text says what."""

    exit_code = 4


class BackupRefused(IvigilantError):
    """A backup cannot be made or restored here; the text says why, and nothing was changed."""


class ExportRefused(IvigilantError):
    """Messages cannot be exported as was asked; the text says why, and nothing was written."""


class ErasureRefused(IvigilantError):
    """A patient cannot be erased, or a hold not be set or lifted; the text says why, and nothing was changed."""
