"""Which medicine an event or an order is about, in the words of the knowledge."""

from dataclasses import dataclass

from clinical.events import MedicationGiven, MedicationOrdered
from rules.knowledge import Knowledge

_IVIG = frozenset({"ivig", "possible_ivig"})


@dataclass(frozen=True, slots=True)
class Product:
    """A medicine as it was recognised."""

    product_class: str  # ivig | possible_ivig | scig | lookalike | other
    brand: str
    route: str
    flags: tuple[str, ...]

    @property
    def is_ivig(self) -> bool:
        """Whether an order for it must have an answer."""
        return self.product_class in _IVIG


def is_answered(knowledge: Knowledge, product: Product) -> bool:
    """Whether an order for it gets an answer: IVIg, and where the hospital chose so what is given under the skin."""
    return product.is_ivig or (product.product_class == "scig" and knowledge.asks_of_scig)


def product_of(knowledge: Knowledge, event: MedicationOrdered | MedicationGiven) -> Product:
    """Recognise the product; in a mixture, any ingredient that is IVIg makes it one."""
    whole = _classify(knowledge, event)
    if whole.is_ivig or not isinstance(event, MedicationOrdered):
        return whole
    for component in event.components:
        part = knowledge.classify(component.codings, component.text, event.routes)
        if part.product_class in _IVIG:
            return Product(part.product_class, part.brand, part.route, (*part.flags, "in_a_mixture"))
    return whole


def _classify(knowledge: Knowledge, event: MedicationOrdered | MedicationGiven) -> Product:
    found = knowledge.classify(event.codings, event.text, event.routes)
    return Product(found.product_class, found.brand, found.route, found.flags)
