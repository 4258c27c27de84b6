"""RXC: what a mixture is made of, and the grams of immunoglobulin in it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from clinical.events import Amount, Coding, Component
from parsers.defaults import Defaults
from parsers.hl7.segments import Segment
from parsers.medication.amounts import amount_of, as_span, between, joined
from parsers.medication.decimals import Span, span
from parsers.medication.drug_lines import DrugLine
from parsers.medication.immunoglobulins import looks_like_immunoglobulin, usual_strengths
from parsers.medication.quantities import per_administration
from parsers.medication.strengths import Product
from parsers.medication.units import CONCENTRATION, VOLUME, Quantity


def read_components(segments: Iterable[Segment], defaults: Defaults) -> tuple[Component, ...]:
    """Every ingredient, with the grams of an additive."""
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


def assumed_if_immunoglobulin(product: Product, codings: Sequence[Coding], text: str) -> Product:
    """The product, with the usual strengths when it is an immunoglobulin; of any other drug nothing is assumed."""
    if not looks_like_immunoglobulin(codings, text):
        return product
    return Product(
        product.name,
        product.strength,
        product.volume,
        product.package,
        usual_strengths(codings),
        product.mixed,
        product.basis,
    )


def immunoglobulin_in(components: Sequence[Component], drug: Sequence[Coding]) -> Amount | None:
    """The sum of the additives that are immunoglobulin, or the drug that was ordered; None without such a line."""
    codes = {(coding.system, coding.code) for coding in drug}
    amounts = [
        component.grams
        for component in components
        if component.kind == "additive" and component.grams is not None and _is_it(component, codes)
    ]
    if not amounts or len({amount.unit for amount in amounts}) > 1:
        return None
    total = Span(Decimal(0), Decimal(0))
    for amount in amounts:
        total = span(total.low + amount.low, total.high + amount.high, *total.flags, *amount.flags)
    return between(total, amounts[0].unit, joined(*(amount.basis for amount in amounts)))


def _is_it(component: Component, codes: set[tuple[str, str]]) -> bool:
    if looks_like_immunoglobulin(component.codings, component.text):
        return True
    return any((coding.system, coding.code) in codes for coding in component.codings)


def mixed_strength(grams: Amount | None, amount: Quantity | None, basis: str) -> Amount | None:
    """mg/mL of the whole mixture: its grams in its volume."""
    if grams is None or amount is None or grams.unit != "g" or amount.unit.base != VOLUME or amount.counted.low <= 0:
        return None
    return between(as_span(grams) * 1000 / amount.counted, CONCENTRATION, joined(grams.basis, basis))
