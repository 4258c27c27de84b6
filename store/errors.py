"""What can go wrong in the store."""


class StoreError(Exception):
    """The base of every error of the store."""


class UnsupportedDatabase(StoreError):
    """The address does not name a supported database; correct the setting."""


class StoreUnavailable(StoreError):
    """The database did not respond properly: nothing was saved, try again."""


class MessageRefused(StoreError):
    """The database will never accept one of these messages: save the others without it."""


class PeopleMoved(StoreError):
    """While people were locked, others who may be the same person appeared; roll back and begin again."""
