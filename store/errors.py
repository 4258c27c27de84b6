"""What can go wrong in the store."""


class StoreError(Exception):
    """Any of the below."""


class UnsupportedDatabase(StoreError):
    """The address names no database we can use; correct the setting."""
