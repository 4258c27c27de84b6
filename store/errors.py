"""What can go wrong in the store."""


class StoreError(Exception):
    """Any of the below."""


class UnsupportedDatabase(StoreError):
    """The address names no database we can use; correct the setting."""


class StoreUnavailable(StoreError):
    """The database did not answer as it should: nothing was kept, try again."""


class MessageRefused(StoreError):
    """The database will never take one of these messages: keep the others without it."""
