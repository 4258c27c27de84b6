"""What can go wrong in the store."""


class StoreError(Exception):
    """Any of the below."""


class UnsupportedDatabase(StoreError):
    """The address names no database we can use; correct the setting."""


class UnreadableCursor(StoreError):
    """The cursor did not come from a list of ours; start the list again without one."""
