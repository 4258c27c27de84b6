"""Which medicine an event or an order is about, in the words of the knowledge."""

from dataclasses import replace

from clinical.events import MedicationGiven, MedicationOrdered
from rules.knowledge import Knowledge
from rules.recognition import Product


def is_answered(knowledge: Knowledge, product: Product) -> bool:
    """Whether an order for it gets an answer: IVIg, and where the hospital chose so what is given under the skin."""
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
