"""Pseudonyms under a key: the same number is the same pseudonym throughout one export, and nobody goes back without it.

Numbers are HMAC-SHA256 of what they stand for, cut to ten digits; two that would become one get another. Citizen
service numbers come from 9999xxxxx, which is not given out, and pass the eleven-test. Days are moved back by whole
weeks, the same for everything about one person: intervals, weekdays and ages stay.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from clinical.identities import passes_eleven_test

KEY_BYTES: Final = 32
MOST_WEEKS: Final = 104
OLDEST: Final = 89  # years; whoever is older is ninety
_DIGITS: Final = 10
_TEST_BSNS: Final = tuple(str(number) for number in range(999900000, 1_000_000_000) if passes_eleven_test(str(number)))
_TIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?([+-]\d{4})?")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?")
_LETTERS: Final = "BCDFGHJKLMNPRSTVWXZ"  # no vowels, so that no word comes of it


@dataclass(slots=True)
class Pseudonyms:
    """The pseudonyms of one export."""

    secret: bytes = field(default_factory=lambda: secrets.token_bytes(KEY_BYTES), repr=False)
    _given: dict[tuple[str, str], str] = field(default_factory=dict)
    _taken: dict[tuple[str, str], str] = field(default_factory=dict)
    _citizens: int = 0  # how many have a citizen service number

    def number(self, kind: str, value: str) -> str:
        """Return the pseudonym of a number of this kind; noughts before it stay, since feeds write them or not."""
        core = value.lstrip("0") if value.isdecimal() else value
        if not core:
            return ""
        noughts = value[: len(value) - len(core)] if value.isdecimal() else ""
        prefix = "" if value.isdecimal() else "X"
        return noughts + self._own(kind, core, lambda turn: prefix + self._digits(f"{kind}|{core}|{turn}"))

    def citizen_number(self, value: str) -> str:
        """Return a citizen service number of nobody; "" when there are no more."""
        core = value.lstrip("0")
        first = self._drawn(f"bsn|{core}") % len(_TEST_BSNS)
        if ("bsn", core) not in self._given and self._citizens >= len(_TEST_BSNS):
            return ""
        self._citizens += ("bsn", core) not in self._given
        return self._own("bsn", core, lambda turn: _TEST_BSNS[(first + turn) % len(_TEST_BSNS)])

    def _own(self, kind: str, value: str, of_turn: Callable[[int], str]) -> str:
        """Return the pseudonym that this value has, or the first of its turns that no other of its kind has."""
        if (kind, value) not in self._given:
            turn = 0
            while self._taken.setdefault((kind, of_turn(turn)), value) != value:
                turn += 1
            self._given[kind, value] = of_turn(turn)
        return self._given[kind, value]

    def family(self, person: str) -> str:
        """Return the family name of a person."""
        drawn, letters = self._drawn(f"name|{person}"), ""
        for _ in range(6):
            drawn, place = divmod(drawn, len(_LETTERS))
            letters += _LETTERS[place]
        return f"Proef{letters}"

    def given(self, person: str) -> str:
        """Return the given name of a person: a letter."""
        return _LETTERS[self._drawn(f"given|{person}") % len(_LETTERS)]

    def moved(self, person: str) -> timedelta:
        """Return how far everything about this person is moved back."""
        return timedelta(weeks=1 + self._drawn(f"days|{person}") % MOST_WEEKS)

    def time(self, text: str, person: str) -> str:
        """Return a time of HL7 or FHIR moved back, as precise as it was; "" for what is not one."""
        by = self.moved(person)
        if found := _TIME.fullmatch(text):
            year, month, day, clock, zone = found.groups()
            moved = _day(year, month, day)
            if moved is None:
                return ""
            moved -= by
            parts = [f"{moved.year:04d}", f"{moved.month:02d}" if month else "", f"{moved.day:02d}" if day else ""]
            return "".join(parts) + (clock or "") + (zone or "")
        if found := _ISO.match(text):
            moved = _day(*found.group(1, 2, 3))
            rest = text[10:]
            if moved is None or not re.fullmatch(
                r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?", rest
            ):
                return ""
            return (moved - by).isoformat() + rest
        return ""

    def birth_date(self, text: str, person: str, today: date) -> str:
        """Return a date of birth moved back like everything else; of somebody older than 89 a day ninety years ago."""
        digits = text.replace("-", "")[:8]
        born = _day(digits[:4], digits[4:6], digits[6:8]) if digits.isdecimal() and len(digits) >= 4 else None
        if born is None:
            return ""
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        if age > OLDEST:
            year = (today - self.moved(person)).year - OLDEST - 1
            whole = f"{year}0101" if "-" not in text else f"{year}-01-01"
            return whole[: len(text)] if len(text) in (4, 7) or (len(text) == 6 and "-" not in text) else whole
        if "-" in text and len(text) < 10:
            return ""
        return self.time(text, person)

    def _digits(self, what: str) -> str:
        return str(10 ** (_DIGITS - 1) + self._drawn(what) % (9 * 10 ** (_DIGITS - 1)))

    def _drawn(self, what: str) -> int:
        return int.from_bytes(hmac.new(self.secret, what.encode(), hashlib.sha256).digest())


def _day(year: str, month: str | None, day: str | None) -> date | None:
    """Return the day; of a month or a year alone the middle of it."""
    try:
        if not month or month == "00":
            return date(int(year), 7, 1)
        return date(int(year), int(month), int(day) if day and day != "00" else 15)
    except ValueError:
        return None
