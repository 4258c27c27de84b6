"""The value sets of a code or a text, fast enough to look up for every fact of every order."""

import copy
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from clinical.codes import Coding
from rules.forms import CodeLine, ValueSetForm
from rules.literals import pieces_of
from rules.patterns import compiled, plain

TEXT = "TEXT"
LONGEST_WORDS = 120  # characters that distinguish one text from another
_DOTLESS = frozenset({"ICD10", "ICD10CM", "ICPC"})
_LONGEST_WHO_CODE = 5  # ICD-10 of the WHO has at most five characters; a longer one is the American modification
_NOTHING: frozenset[str] = frozenset()


def plain_code(system: str, code: str) -> str:
    """Write a code as it is compared: upper case, and ICD without its dot."""
    code = code.strip().upper()
    return code.replace(".", "") if system in _DOTLESS else code


def coding_of_words(text: str) -> Coding:
    """Write the words of a product that has no code as a code of its own, so that a hospital can map them."""
    return Coding(TEXT, " ".join(text.upper().split())[:LONGEST_WORDS])


@dataclass(slots=True)
class _System:
    """The codes of one system, by way of matching."""

    exact: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    prefix: dict[int, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    ranges: list[tuple[str, str, str]] = field(default_factory=list)  # first, last, value set

    def add(self, name: str, match: str, code: str) -> None:
        """Add one line of a value set."""
        if match == "prefix":
            self.prefix[len(code)][code].add(name)
        elif match == "range":
            first, last = code.split("-", 1)
            self.ranges.append((first, last, name))
        else:  # a code that stands for its descendants ("is-a") is matched by itself alone
            self.exact[code].add(name)

    def find(self, code: str) -> set[str]:
        """Return every value set that holds this code."""
        found = set(self.exact.get(code, ()))
        for length, codes in self.prefix.items():
            found |= codes.get(code[:length], _NOTHING)
        found.update(name for first, last, name in self.ranges if first <= code[: len(first)] <= last)
        return found


@dataclass(frozen=True, slots=True)
class TextPattern:
    """One pattern of a value set, and the brand it stands for."""

    set: str
    pattern: re.Pattern[str]
    brand: str = ""
    pieces: frozenset[str] = frozenset()  # a text it matches has one of these, see `rules/literals.py`

    def may_match(self, letters: str) -> bool:
        """Return whether a text of these letters has what the pattern cannot do without."""
        return not self.pieces or any(piece in letters for piece in self.pieces)


class Codes:
    """All value sets, compiled for look-up by code and by text."""

    def __init__(self, sets: Mapping[str, ValueSetForm], aliases: Mapping[str, str]) -> None:
        self._sets = sets
        self.names = frozenset(sets)
        self.bits = {name: 1 << place for place, name in enumerate(sorted(sets))}
        self.titles = {name: form.title.text for name, form in sets.items()}
        self.patterns: list[TextPattern] = []
        self._aliases = aliases
        self._held: dict[str, _System] = defaultdict(_System)
        self._left_out: dict[str, _System] = defaultdict(_System)
        self._brands: dict[tuple[str, str], str] = {}
        self._sites: dict[tuple[str, str], str] = {}  # a code that is a prefix ends in *
        self._cache: Remembered[tuple[str, str], frozenset[str]] = Remembered()
        for name, form in sets.items():
            for line in form.codes:
                self._add(name, line)
            for line in form.excludes:
                self._left_out[line.system].add(name, line.match, plain_code(line.system, line.code))

    def _add(self, name: str, line: CodeLine) -> None:
        if line.match == "regex":
            written = plain(line.code)
            self.patterns.append(TextPattern(name, compiled(written), line.brand, pieces_of(written)))
            return
        code = plain_code(line.system, line.code)
        self._held[line.system].add(name, line.match, code)
        if line.brand:
            self._brands[line.system, code] = line.brand
        if line.site is not None:
            self._sites[line.system, f"{code}*" if line.match == "prefix" else code] = line.site

    def add_local(self, name: str, codings: Iterable[Coding]) -> None:
        """Count a hospital's own codes as members of a value set."""
        for coding in codings:
            system = self.system_of(coding.system)
            self._held[system].add(name, "exact", plain_code(system, coding.code))
        self._cache.clear()

    def with_local(self, members: Mapping[str, Iterable[Coding]]) -> "Codes":
        """Return these value sets with more codes of the hospital's own; these themselves stay as they are."""
        extended = copy.copy(self)
        extended._held = copy.deepcopy(self._held)
        extended._cache = Remembered()
        for name, codings in members.items():
            extended.add_local(name, codings)
        return extended

    def system_of(self, name: str) -> str:
        """Return our name of a code system, whatever the sender calls it."""
        plain = name.upper().replace("-", "").replace(" ", "").replace("_", "")
        return self._aliases.get(plain) or self._aliases.get(name.strip().upper()) or plain

    def sets_of(self, coding: Coding) -> frozenset[str]:
        """Return the value sets that hold this code; remembered per code."""
        key = (coding.system, coding.code)
        found = self._cache.get(key)
        if found is None:
            found = self._cache.keep(key, self._find(self.system_of(coding.system), coding.code))
        return found

    def _find(self, system: str, code: str) -> frozenset[str]:
        found: set[str] = set()
        for each in self._look_in(system, plain_code(system, code)):
            wanted = plain_code(each, code)
            if each in self._held:
                found |= self._held[each].find(wanted)
            if each in self._left_out:
                found -= self._left_out[each].find(wanted)
        return frozenset(found)

    def site_of(self, system: str, code: str) -> str:
        """Return where in the body the disease of a code is, by the longest line that says it; "" when none does."""
        ours = self.system_of(system)
        for each in self._look_in(ours, plain_code(ours, code)):
            wanted = plain_code(each, code)
            keys = (wanted, *(f"{wanted[:length]}*" for length in range(len(wanted), 0, -1)))
            found = next((self._sites[each, key] for key in keys if (each, key) in self._sites), "")
            if found:
                return found
        return ""

    @staticmethod
    def _look_in(system: str, code: str) -> tuple[str, ...]:
        """Return the ICD-10 systems to look in: senders rarely say which; a long code is ICD-10-CM."""
        if system != "ICD10":
            return (system,)
        return ("ICD10CM",) if len(code) > _LONGEST_WHO_CODE else ("ICD10", "ICD10CM")

    def content(self) -> tuple[Mapping[str, ValueSetForm], Mapping[str, str]]:
        """Return what was read: equal for value sets with the same codes."""
        return self._sets, self._aliases

    def bits_of(self, names: Iterable[str]) -> int:
        """Return value sets as one number: whether two groups have a set in common is then a single `&`."""
        bits = 0
        for name in names:
            bits |= self.bits[name]
        return bits

    def brand_of(self, codings: Iterable[Coding], text: str) -> str:
        """Return the brand a code or a text names, "" when none does."""
        for coding in codings:
            system = self.system_of(coding.system)
            brand = self._brands.get((system, plain_code(system, coding.code)))
            if brand:
                return brand
        words = plain(" ".join([text, *(coding.display for coding in codings)]))
        return next((each.brand for each in self.patterns if each.brand and each.pattern.search(words)), "")


K = TypeVar("K")
V = TypeVar("V")

LIMIT = 20_000  # answers of one kind; a hospital uses fewer codes and texts than this in a day


class Remembered(dict[K, V]):
    """A cache. It is emptied when full, so it does not grow without limit."""

    __slots__ = ()

    def keep(self, question: K, answer: V) -> V:
        """Store an answer, and return it."""
        if len(self) >= LIMIT:
            self.clear()
        self[question] = answer
        return answer
