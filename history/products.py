"""The product an event or an order is about, as the knowledge names it."""

from dataclasses import replace

from clinical.events import MedicationGiven, MedicationOrdered
from rules.knowledge import Knowledge
from rules.recognition import Product


def is_answered(knowledge: Knowledge, product: Product) -> bool:
    """Return whether its orders get an answer: IVIg, and subcutaneous immunoglobulin if the hospital chose so."""
    return product.is_ivig or (product.product_class == "scig" and knowledge.asks_of_scig)


def product_of(knowledge: Knowledge, event: MedicationOrdered | MedicationGiven) -> Product:
    """Recognise the product; in a mixture, any ingredient that is IVIg makes it one."""
    whole = knowledge.classify(event.codings, event.text, event.routes)
    if whole.is_ivig or not isinstance(event, MedicationOrdered):
        return whole
    for component in event.components:
        part = knowledge.classify(component.codings, component.text, event.routes)
        if part.is_ivig:
            return replace(part, flags=(*part.flags, "in_a_mixture"))
    return whole
