"""The base of every clinical value."""

import msgspec


class Value(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A value that compares by its fields and writes itself as JSON."""
