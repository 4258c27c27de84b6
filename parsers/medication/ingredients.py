"""The ingredients of a mixture (RXC), and the grams of immunoglobulin that they come to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from clinical.codes import Coding
from clinical.events import Component
from clinical.quantities import Quantity, exactly, interval
from parsers.defaults import Defaults
from parsers.hl7.segments import Segment
from parsers.medication.amounts import Package, amount_of, joined, per_administration, widened
from parsers.medication.drug_lines import DrugLine
from parsers.medication.immunoglobulins import looks_like_immunoglobulin, usual_strengths
from parsers.medication.units import CONCENTRATION, MASS, PACKAGE, VOLUME, SentAmount

MOST_PIECES = 40


def read_components(segments: Iterable[Segment], defaults: Defaults) -> tuple[Component, ...]:
    """Return every ingredient, with its grams."""
    return tuple(_read(segment, defaults) for segment in segments)


def _read(segment: Segment, defaults: Defaults) -> Component:
    line = DrugLine(segment)
    codings, text = line.codings(defaults), line.name()
    kind = segment.text(1).strip().upper()
    quantity, _, _ = line.amount()
    amount = grams = None
    if quantity is not None:
        amount = amount_of(quantity, line.amount_path)
        grams, _ = per_administration(
            quantity, assumed_if_immunoglobulin(line.product(text), codings, text), line.amount_path
        )
    return Component(
        kind="base" if kind == "B" else "additive",
        codings=codings,
        text=text,
        amount=amount,
        grams=grams,
        path=line.path,
    )


def assumed_if_immunoglobulin(product: Package, codings: Sequence[Coding], text: str) -> Package:
    """Return the product, with usual strengths if it is an immunoglobulin; nothing is assumed for other drugs."""
    if not looks_like_immunoglobulin(codings, text):
        return product
    return replace(product, assumed=usual_strengths(codings))


@dataclass(frozen=True, slots=True)
class ImmunoglobulinContent:
    """The ingredients that are immunoglobulin, all with grams in one unit; without any it is false."""

    grams: tuple[Quantity, ...] = ()
    pieces: tuple[Decimal, ...] = ()  # of each ingredient
    is_added: bool = False  # to something: a base alone may be the content of one piece

    def __bool__(self) -> bool:
        return bool(self.grams)

    @property
    def total(self) -> Quantity:
        """Each ingredient once."""
        total = exactly(0)
        for each in self.grams:
            total = interval(total.low + each.low, total.high + each.high, *total.flags, *each.flags)
        return total.stated(self.grams[0].unit, joined(*(each.basis for each in self.grams)))

    def in_pieces(self, count: Decimal) -> Quantity | None:
        """Grams of so many pieces, where the ingredients name fewer: from those, or one piece, to all of the largest.

        None when the count is no count of pieces, or the ingredients name as many.
        """
        more = count - sum(self.pieces)
        if more <= 0 or not 1 < count <= MOST_PIECES or self.grams[0].unit != MASS:
            return None
        largest = max(grams.high / pieces for grams, pieces in zip(self.grams, self.pieces, strict=True))
        most = interval(self.total.low, self.total.high + more * largest).stated(MASS, self.total.basis)
        return widened(self.total, most, "content_in_ingredient")


def immunoglobulin_in(components: Sequence[Component], drug: Sequence[Coding]) -> ImmunoglobulinContent:
    """Return the ingredients that are immunoglobulin, or the drug ordered.

    A base that holds what its additives hold together is the mixture told twice.
    """
    codes = {(coding.system, coding.code) for coding in drug}
    found = [each for each in components if each.grams is not None and _is_it(each, codes)]
    additives = _content([each for each in found if each.kind == "additive"])
    bases = _content([each for each in found if each.kind == "base"])
    if additives and bases and additives.total.low == bases.total.low:
        return additives
    return _content(found)


def _content(lines: Sequence[Component]) -> ImmunoglobulinContent:
    grams = tuple(each.grams for each in lines if each.grams is not None)
    if len({each.unit for each in grams}) != 1:
        return ImmunoglobulinContent()
    return ImmunoglobulinContent(grams, tuple(map(_pieces, lines)), any(each.kind == "additive" for each in lines))


def _pieces(component: Component) -> Decimal:
    amount = component.amount
    return amount.low if amount is not None and amount.unit == PACKAGE and amount.low >= 1 else Decimal(1)


def _is_it(component: Component, codes: set[tuple[str, str]]) -> bool:
    if looks_like_immunoglobulin(component.codings, component.text):
        return True
    return any((coding.system, coding.code) in codes for coding in component.codings)


def mixed_strength(grams: Quantity | None, amount: SentAmount | None, basis: str) -> Quantity | None:
    """mg/mL of the whole mixture: its grams in its volume."""
    if grams is None or amount is None or grams.unit != "g" or amount.unit.base != VOLUME or amount.counted.low <= 0:
        return None
    return (grams * 1000 / amount.counted).stated(CONCENTRATION, joined(grams.basis, basis))
