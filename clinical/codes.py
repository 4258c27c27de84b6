"""Codes, each in the system it belongs to."""

from clinical.values import Value


class Coding(Value, frozen=True, cache_hash=True):
    """One code in one system: the name the sender used, normalised (`I10` → `ICD10`), else as it was sent.

    It remembers its hash: the rules look up every code of every fact.
    """

    system: str
    code: str
    display: str = ""
