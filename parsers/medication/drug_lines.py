"""RXO, RXE, RXG, RXD, RXA and RXC: the same data in different fields, read with one table of fields.

With it: where senders put a drug, a frequency or a route when not in their own fields.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from clinical.codes import Coding
from clinical.quantities import Quantity, exactly, unique
from parsers.defaults import Defaults
from parsers.hl7.codes import NORMALISED, read_all_codings, read_codings, read_words
from parsers.hl7.segments import Segment
from parsers.medication.amounts import Package
from parsers.medication.frequencies import read_pattern
from parsers.medication.immunoglobulins import is_of_cells, looks_like_immunoglobulin
from parsers.medication.units import (
    DOSE,
    PACKAGE,
    RATES,
    SentAmount,
    Unit,
    UnitField,
    from_to,
    read_number_and_unit,
    read_range,
    read_unit,
    read_units,
)

_FURTHEST_BACK = 2
_SHORTEST_NAME = 3  # letters
_NO_AMOUNT = 10_000  # a number from here on is a code

_REACH = 8  # fields after the units
_FREQUENCY = re.compile(
    r"Q[0-9]{0,2}[HDW]|Q[0-9]{1,2}L|QD|QOD|OD|BID|BD|TID|TDS|QID|QDS|[1-4]DD|DAILY|WEEKLY|MONTHLY", re.IGNORECASE
)
_ROUTE = re.compile(
    r"IV|I\.V\.|IVPB|IVP|IVI|INTRAVEN\w+|SC|S\.C\.|SUBQ|SUBCUT\w*|SQ|IM|I\.M\.|INTRAMUSC\w+", re.IGNORECASE
)


def stray_frequency(segment: Segment, units: int) -> tuple[str, str]:
    """Return a code of how often in one of the fields after the units, and that field; nothing when there is none."""
    return _first(segment, units + 1, _FREQUENCY)


def stray_route(segment: Segment, units: int) -> tuple[str, str]:
    """Return a code for into a vein, under the skin or into a muscle from the field of the units on, and that field."""
    return _first(segment, units, _ROUTE)


def _first(segment: Segment, begin: int, codes: re.Pattern[str]) -> tuple[str, str]:
    for field in range(begin, begin + _REACH):
        code = segment.text(field).strip()
        if codes.fullmatch(code):
            return code, segment.path(field)
    return "", ""


BLOOD_BANK = frozenset({"BPO", "BPX", "BTX"})
_IN_PLACE = frozenset({"RXC", "OBR", *BLOOD_BANK})


def shift_of(segment: Segment, drug: int, amount: int) -> int:
    """By how many fields the drug, and all that follows it, stands from its place."""
    if segment.name in _IN_PLACE:
        return 0
    if _is_one_further(segment, drug, amount):
        return 1
    for back in range(1, min(_FURTHEST_BACK, drug - 1) + 1):
        if _is_earlier(segment, drug, drug - back):
            return -back
    return 0


def stray_drug(segment: Segment, drug: int) -> int:
    """Return the field of a drug that is before its own empty field while the amount is in place; 0 if there is none.

    `RXE|IG10^Privigen 10%^LOC||30|G`: a code with its name, or an immunoglobulin in words.
    """
    if segment.name in _IN_PLACE or segment.raw(drug).strip():
        return 0
    for field in range(drug - 1, max(0, drug - 1 - _FURTHEST_BACK), -1):
        parts = [part.strip() for part in segment.components(field)]
        is_coded = len(parts) > 2 and _is_name(parts[1]) and _letters(parts[2]) > 1
        if is_coded or looks_like_immunoglobulin((), " ".join(parts[:2])):
            return field
    return 0


def _is_one_further(segment: Segment, drug: int, amount: int) -> bool:
    """No drug but words where the amount should be; some senders number their segments where the drug should be."""
    parts = [part for part in (part.strip() for part in segment.components(amount)) if part]
    if segment.raw(drug):
        is_number = segment.raw(drug).strip().isdecimal() and len(segment.raw(drug).strip()) < 3
        return is_number and len(parts) > 1 and _is_name(parts[1])
    if len(parts) > 1 and read_range(parts[0]) is None:
        return True
    # A drug with a number for a code, or without any: its words are no amount and no unit, and its amount follows.
    words = "".join(parts[:1] if len(parts) == 1 else parts[1:2])
    is_amount = not words or _is_amount(words)
    return not is_amount and read_number_and_unit(segment.text(amount + 1).strip())[0] is not None


def _is_earlier(segment: Segment, drug: int, field: int) -> bool:
    """Return the earlier field with a code, name and system, and an amount after it, when the drug field has none."""
    parts = [part.strip() for part in segment.components(field)]
    if len(parts) < 3 or _letters(parts[2]) < 2 or not _is_name(parts[1]):
        return False
    number = read_number_and_unit(segment.text(field + 1).strip())[0]
    if number is None or number.high >= _NO_AMOUNT:
        return False
    return not any(_is_name(part.strip()) for part in segment.components(drug)[:2])


def _is_name(words: str) -> bool:
    """Words that can be a drug: no amount, no unit and no frequency."""
    return _letters(words) >= _SHORTEST_NAME and not _is_amount(words) and not read_pattern(words).is_known


def _is_amount(words: str) -> bool:
    return read_unit(words) is not None or read_number_and_unit(words)[0] is not None


def _letters(words: str) -> int:
    return sum(character.isalpha() for character in words)


def read_routes(segments: Iterable[Segment], defaults: Defaults) -> tuple[Coding, ...]:
    """Return every route, each once; one in words alone is a code of no system.

    The method (RXR-4: IV push, IV piggyback) comes after the route: of a route that is left out it is all that is told.
    """
    read = ((segment, place) for segment in segments for place in (_RXR_ROUTE, _RXR_METHOD))
    return tuple(dict.fromkeys(coding for each, place in read for coding in _route(each, place, defaults)))


def _route(segment: Segment, place: int, defaults: Defaults) -> tuple[Coding, ...]:
    if place == _RXR_METHOD and segment.name != "RXR":
        return ()
    codings = read_all_codings(segment, place, defaults)
    words = read_words(segment, place)
    return codings or ((Coding(system="", code=words, display=words),) if words else ())


_RXR_ROUTE, _RXR_METHOD = 1, 4
_ATC = re.compile(r"[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}|J06BA?")  # the groups of immunoglobulins too
_ONE = Decimal(1)
_MOST_PIECES = 20


@dataclass(frozen=True, slots=True)
class Places:
    """The field numbers of one kind of segment; 0 is a thing it does not say."""

    drug: int
    low: int
    high: int = 0
    units: int = 0
    instructions: tuple[int, ...] = ()
    give_per: int = 0
    rate: int = 0
    rate_units: int = 0
    strength: int = 0
    strength_units: int = 0
    volume: int = 0
    volume_units: int = 0
    daily: int = 0
    package: int = 0
    package_units: int = 0
    indication: int = 0
    supplementary: int = 0
    others: tuple[int, ...] = ()  # where the drug stands again, or alone
    form: int = 0
    prescription: int = 0
    lots: int = 0
    maker: int = 0
    timing: int = 0
    count: int = 0  # of how many pieces the amount is that of one
    starts: int = 0


PLACES = {
    "RXO": Places(
        1, 2, 3, 4, (7, 6), 17, 21, 22, 18, 19, 25, 26, 23, indication=20, supplementary=24, others=(10,), form=5
    ),
    "RXE": Places(
        2, 3, 4, 5, (7, 21), 22, 23, 24, 25, 26, 33, 34, 19, 28, 29, 27, 31, prescription=15, timing=1, form=6
    ),
    "RXG": Places(4, 5, 6, 7, (9, 13), 14, 15, 16, 17, 18, 23, 24, indication=22, lots=19, maker=21, timing=3),
    "RXD": Places(2, 4, 0, 5, (9, 15), 0, 0, 0, 16, 17, 28, 29, 12, 22, 23, 21, 25, prescription=7, lots=18, maker=20),
    "RXA": Places(5, 6, 0, 7, (9,), 12, 0, 0, 13, 14, 23, 24, indication=19, lots=15, maker=17),
    "RXC": Places(2, 3, 0, 4, (), 0, 0, 0, 5, 6, 8, 9, supplementary=7),
    "OBR": Places(4, 0, instructions=(13, 39), indication=31, others=(44, 46), timing=27, starts=6),
    "BPO": Places(2, 5, 0, 6, (3,), indication=13, count=4, starts=7),
    "BPX": Places(8, 15, 0, 16, supplementary=6, lots=10, maker=9, count=14, starts=4),
    "BTX": Places(5, 9, 0, 10, supplementary=3, lots=7, maker=6, count=8),
}


_AGAIN = {
    name: tuple((place, number > 0) for number, place in enumerate((places.supplementary, *places.others)) if place)
    for name, places in PLACES.items()
}


class DrugLine:
    """One drug segment, read by name, also when its drug and what follows are one or two fields off."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.places = PLACES[segment.name]
        self._shift = shift_of(segment, self.places.drug, self.places.low)
        self._drug_alone = 0 if self._shift else stray_drug(segment, self.places.drug)
        self.flags: tuple[str, ...] = ("shifted_fields",) if self._shift or self._drug_alone else ()
        # Where its code stands again, and whether each field is of something else in the first place.
        self._again: list[tuple[int, bool]] = []
        for place, is_other in _AGAIN[segment.name]:
            if segment.raw(self._at(place)):
                self._again.append((self._at(place), is_other))
        self._name: str | None = None

    def _at(self, place: int) -> int:
        if self._drug_alone and place == self.places.drug:
            return self._drug_alone
        return place + self._shift if place >= self.places.drug else place

    @property
    def timing(self) -> int:
        """The field of the timing; 0 when it has none, or the drug stands there."""
        return self.places.timing if self._shift >= 0 and not self._drug_alone else 0

    @property
    def path(self) -> str:
        """The field of the drug."""
        return self.segment.path(self._at(self.places.drug))

    @property
    def amount_path(self) -> str:
        """The field of the amount."""
        return self.segment.path(self._at(self.places.low))

    @property
    def rate_path(self) -> str:
        """The field of the rate."""
        return self.segment.path(self._at(self.places.give_per if self._rate_is_early else self.places.rate))

    @property
    def give_per(self) -> str:
        """The time the amount is given in, unless the rate stands there."""
        return "" if self._rate_is_early else self.text(self.places.give_per)

    @property
    def _rate_field(self) -> tuple[Segment, int]:
        return self.segment, self._at(self.places.rate)

    @property
    def _rate_is_early(self) -> bool:
        """Whether the rate and its unit are one field too early: `|60|mL/h||` in the give-per time and the rate."""
        if not self.places.rate or self.places.give_per != self.places.rate - 1 or self.text(self.places.rate_units):
            return False
        unit = read_units(*self._rate_field).unit
        return unit is not None and unit.base in RATES and read_range(self.text(self.places.give_per)) is not None

    @property
    def frequency(self) -> tuple[str, str]:
        """How often, where it stands among the fields after the units, and that field."""
        return stray_frequency(self.segment, self._at(self.places.units))

    @property
    def route(self) -> tuple[Coding, ...]:
        """The route, where it stands among the fields after the units."""
        code, _ = stray_route(self.segment, self._at(self.places.units))
        return (Coding(system="", code=code),) if code else ()

    def text(self, place: int) -> str:
        """Return the first leaf at a place, or nothing."""
        return self.segment.text(self._at(place)).strip() if place else ""

    def codings(self, defaults: Defaults) -> tuple[Coding, ...]:
        """Return the drug's codes in every repetition, then the supplementary ones.

        Those of a field where it stands again count when they say more: immunoglobulin, or anything at all.
        """
        found = list(_codings(self.segment, self._at(self.places.drug), defaults))
        for field, is_other in self._again:
            of_field = _codings(self.segment, field, defaults)
            if not (found and is_other) or looks_like_immunoglobulin(of_field, drug_words(self.segment, field)):
                found += [each for each in of_field if each not in found]
        return tuple(dict.fromkeys([*found, *(each for coding in found for each in _as_atc(coding))]))

    def indications(self, defaults: Defaults) -> tuple[Coding, ...]:
        """Return why it was ordered, in every repetition; words without a code are a code of no system."""
        field = self._at(self.places.indication) if self.places.indication else 0
        repetitions = self.segment.repetitions(field) if field else 0
        found: list[Coding] = []
        for number in range(1, repetitions + 1):
            codings, words = (
                read_codings(self.segment, field, defaults, number),
                read_words(self.segment, field, number),
            )
            found += [coding for coding in codings if coding.system or coding.code != words]
            if words and words not in {coding.display for coding in codings}:
                found.append(Coding(system="", code=words, display=words))
        return tuple(found)

    def name(self) -> str:
        """Return every text the drug was sent with; where its own field is empty, that of another that names it."""
        if self._name is None:
            self._name = self._names()
        return self._name

    def _names(self) -> str:
        own = drug_words(self.segment, self._at(self.places.drug))
        if own and (not self._again or looks_like_immunoglobulin((), own)):
            return own
        named = [words for field, _ in self._again if (words := drug_words(self.segment, field))]
        if own:  # what only another field says is an immunoglobulin is one
            return "; ".join(unique([own, *filter(_names_immunoglobulin, named)][:2]))
        form = drug_words(self.segment, self._at(self.places.form)) if self.places.form else ""
        if form and _names_immunoglobulin(form):
            named = [*filter(_names_immunoglobulin, named), form]
        return next(iter(named), "")

    def instructions(self) -> list[str]:
        """Return what was written beside it, for the ward and for the pharmacy."""
        found = []
        for place in self.places.instructions:
            field = self._at(place)
            for repetition in range(1, self.segment.repetitions(field) + 1):
                words = read_words(self.segment, field, repetition)
                if words and words not in found:
                    found.append(words)
        return found

    def amount(self) -> tuple[SentAmount | None, str, tuple[str, ...]]:
        """Minimum to maximum in its unit, the text of a unit nobody knows, and the doubts."""
        if not self.places.low:
            return None, "", ()
        if self.places.count:
            return self._pieces()
        units = read_units(self.segment, self._at(self.places.units), number_sent=bool(self.text(self.places.low)))
        low, unit_of_low, doubts = read_number_and_unit(self.text(self.places.low))
        high, unit_of_high, more = read_number_and_unit(self.text(self.places.high))
        if high is None and more:  # `35|GM||VIAL`: the unit stands where a maximum should
            misplaced = read_units(self.segment, self._at(self.places.high))
            if misplaced.unit is not None and (units.unit is None or _counts_things(units, misplaced)):
                units, more = misplaced, ("shifted_fields",)
        value = from_to(low, high)
        if low is None and high is not None and not units.text:  # both stand one field too far
            further = read_units(self.segment, self._at(self.places.units) + 1)
            units, doubts = (further, (*doubts, "shifted_fields")) if further.unit is not None else (units, doubts)
        if value is None and units.unit is None:  # `|||250||mg`: the amount where its units belong
            value, units, doubts = self._after_their_place(units, doubts)
        unit = units.unit or unit_of_low or unit_of_high
        if units.value is not None:
            value = units.value if value is None else _so_many(value, units.value)
            doubts += ("value_in_units",)
        if value is None:
            return None, units.text, unique((*doubts, *more))
        if unit is None:
            why = "unit_unusable" if units.text else "unit_missing"
            return SentAmount(value, Unit(units.text, "")), units.text, unique((*doubts, *more, why))
        return SentAmount(value, unit), units.text, unique((*doubts, *more))

    def _after_their_place(
        self, units: UnitField, doubts: tuple[str, ...]
    ) -> tuple[Quantity | None, UnitField, tuple[str, ...]]:
        number, field = read_range(units.text), self._at(self.places.units)
        further = next((each for by in (1, 2) if (each := read_units(self.segment, field + by)).unit is not None), None)
        return (number, further, (*doubts, "shifted_fields")) if number and further else (None, units, doubts)

    def rate(self) -> tuple[Quantity | None, UnitField]:
        """Return the rate and its unit, wherever the sender put the unit."""
        if self._rate_is_early:
            return read_number_and_unit(self.text(self.places.give_per))[0], read_units(*self._rate_field)
        units = read_units(self.segment, self._at(self.places.rate_units)) if self.places.rate else UnitField(None, "")
        value, unit, _ = read_number_and_unit(self.text(self.places.rate))
        if value is None:
            return units.value, units
        return value, units if units.unit or units.text or unit is None else UnitField(unit, unit.name)

    def _quantity(self, number: int, units: int) -> SentAmount | None:
        if not number:
            return None
        sent = read_units(self.segment, self._at(units))
        value, unit, _ = read_number_and_unit(self.text(number))
        value = value if value is not None else sent.value
        unit = sent.unit or unit
        return SentAmount(value, unit) if value is not None and unit is not None and value.high > 0 else None

    def strength(self) -> SentAmount | None:
        """Return how much of the drug there is, as a mass or already per volume."""
        return self._quantity(self.places.strength, self.places.strength_units)

    def daily(self) -> SentAmount | None:
        """Return the total daily dose, a number with its units as components (CQ)."""
        field = self._at(self.places.daily) if self.places.daily else 0
        if not field:
            return None
        value, unit, _ = read_number_and_unit(self.segment.text(field))
        sent = read_unit(self.segment.text(field, 2)) or read_unit(self.segment.text(field, 2, 2)) or unit
        return SentAmount(value, sent) if value is not None and sent is not None and value.high > 0 else None

    def _pieces(self) -> tuple[SentAmount | None, str, tuple[str, ...]]:
        """So many pieces of so much each; without an amount or its unit, so many packages."""
        units = read_units(self.segment, self._at(self.places.units))
        each, own_unit, doubts = read_number_and_unit(self.text(self.places.low))
        count, _, _ = read_number_and_unit(self.text(self.places.count))
        unit = units.unit or own_unit
        if each is not None and each.high > 0 and unit is not None:
            return SentAmount(each * count if count is not None and count.low > 0 else each, unit), "", doubts
        pieces = count if count is not None and count.low > 0 else each
        packages = read_unit("bag")
        if pieces is None or packages is None:
            return None, units.text, unique(doubts)
        return SentAmount(pieces, packages), "", unique((*doubts, "unit_missing"))

    def product(self, name: str) -> Package:
        """Strength, its volume and the package, as far as this segment says them."""
        units = self._at(self.places.units)
        return Package(
            name="; ".join(part for part in (name, read_words(self.segment, units) if units else "") if part),
            strength=self.strength(),
            volume=self._quantity(self.places.volume, self.places.volume_units),
            package=self._quantity(self.places.package, self.places.package_units),
            basis=self.segment.path(self._at(self.places.strength)),
        )


def is_of_cells_line(drug: Segment) -> bool:
    """Return whether a product of the blood bank is red cells or plasma: none of ours, whatever is looked for."""
    return drug.name in BLOOD_BANK and is_of_cells(DrugLine(drug).name())


def _as_atc(coding: Coding) -> tuple[Coding, ...]:
    """Recognise an ATC code also under a system name of the sender's own, or under none."""
    is_theirs = coding.system not in NORMALISED and _ATC.fullmatch(coding.code.upper()) is not None
    return (Coding(system="ATC", code=coding.code.upper(), display=coding.display),) if is_theirs else ()


def _counts_things(units: UnitField, other: UnitField) -> bool:
    """Return whether these units only count packages, where the others measure."""
    countable = (PACKAGE, DOSE)
    return units.unit is not None and units.unit.base in countable and (other.unit or units.unit).base not in countable


def _so_many(count: Quantity, each: Quantity) -> Quantity:
    """`4` of `10 g` are 40 g, and may be 10; `1` of `40 g` is 40, and so is `40` of `40 g`."""
    if count in (each, exactly(_ONE)):
        return each
    if count.low == count.high and count.low == int(count.low) and 1 < count.low <= _MOST_PIECES:
        return from_to(each, each * count.high) or each
    return from_to(count, each) or each


def drug_words(segment: Segment, field: int) -> str:
    """Return every text of a drug field, each once; a code that stands for no drug (`DEFAULTMED`) keeps its text."""
    words = read_words(segment, field)
    if segment.repetitions(field) < 2:
        return words
    return "; ".join(
        unique([words, *(read_words(segment, field, each) for each in range(2, segment.repetitions(field) + 1))])
    )


def _codings(segment: Segment, field: int, defaults: Defaults) -> tuple[Coding, ...]:
    is_one = segment.repetitions(field) < 2
    return (read_codings if is_one else read_all_codings)(segment, field, defaults)


def _names_immunoglobulin(words: str) -> bool:
    return looks_like_immunoglobulin((), words)
