"""The product an event or an order is about, as the knowledge names it."""

from dataclasses import replace
from decimal import Decimal

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.quantities import Quantity
from rules.knowledge import Knowledge
from rules.recognition import Dosed, Product


def is_answered(knowledge: Knowledge, product: Product) -> bool:
    """Return whether its orders get an answer: IVIg, and subcutaneous immunoglobulin if the hospital chose so."""
    return product.is_ivig or (product.product_class == "scig" and knowledge.asks_of_scig)


def named_product(knowledge: Knowledge, event: MedicationOrdered | MedicationGiven) -> Product:
    """Recognise the product by what the order itself says, without the ingredients of a mixture."""
    grams = event.dose if isinstance(event, MedicationOrdered) else event.grams
    return knowledge.classify(event.codings, event.text, event.routes, _dosed(event.amount, grams))


def _dosed(amount: Quantity | None, grams: Quantity | None) -> Dosed:
    if amount is not None and (amount.unit == "g/kg" or amount.high * _GRAMS_IN.get(amount.unit, 0) >= 1):
        return "in grams"
    return "by volume" if grams is not None and (grams.unit == "g/kg" or grams.high >= 1) else ""


_GRAMS_IN = {"g": Decimal(1), "mg": Decimal("0.001")}


def product_of(knowledge: Knowledge, event: MedicationOrdered | MedicationGiven) -> Product:
    """Recognise the product; in a mixture, any ingredient that is IVIg makes it one."""
    whole = named_product(knowledge, event)
    if whole.is_ivig or not isinstance(event, MedicationOrdered):
        return whole
    for component in event.components:
        dosed = _dosed(component.amount, component.grams)
        part = knowledge.classify(component.codings, component.text, event.routes, dosed)
        if part.is_ivig:
            return replace(part, flags=(*part.flags, "in_a_mixture"))
    return whole
