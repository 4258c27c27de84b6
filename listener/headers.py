"""Headers read once: a sender says the same in all but the time and the number of its messages.

Reading MSH is a third of what a message costs before its answer. What is not plainly the same is read anew.
"""

import re

import msgspec

from clinical.events import Header
from parsers.defaults import Defaults
from parsers.hl7.header import HeaderLine, header_of
from parsers.hl7.times import moment

_REMEMBERED = 2000
_PLAIN_TIME = re.compile(rb"[0-9.+-]*").fullmatch
_PLAIN_NUMBER = re.compile(rb"[A-Za-z0-9._-]*").fullmatch

Key = tuple[tuple[bytes, ...], tuple[bytes, ...], tuple[bytes, ...], int]


class Headers:
    """Remembers headers but for MSH-7 and MSH-10."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Header, Defaults]] = {}

    def read(self, line: HeaderLine, raw: bytes, defaults: Defaults) -> Header:
        """What the fields of MSH mean, or raise UnreadableHeader."""
        fields = line.fields
        if len(fields) < 12 or not _PLAIN_TIME(fields[7]) or not _PLAIN_NUMBER(fields[10]) or line.delimiters.flags:
            return header_of(line, raw, defaults)
        key = (fields[:7], fields[8:10], fields[11:], id(defaults))
        found = self._known.get(key)
        if found is None:
            return self._remember(key, header_of(line, raw, defaults), defaults)
        return msgspec.structs.replace(
            found[0],
            sent_at=moment(fields[7].decode(), defaults.zone),
            control_id=fields[10].decode(),
        )

    def _remember(self, key: Key, header: Header, defaults: Defaults) -> Header:
        """Remember what came from MSH alone: an event that was found in EVN may be another next time."""
        if header.event and header.event.encode() in key[1][1].upper():
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = (header, defaults)  # the defaults stay alive, so no other has their id
        return header
