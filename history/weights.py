"""The patient's weight on a day, and where it came from. A weight that is missing is never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from rules.facts import Fact, Patient
from rules.knowledge import Knowledge

INPATIENT = timedelta(days=30)  # KNOWLEDGE part 4, windows
OUTPATIENT = timedelta(days=90)
PLAUSIBLE_KG = (Decimal(2), Decimal(350))  # INTERFACE 4.2
_KG_PER = {"kg": Decimal(1), "g": Decimal("0.001"), "lb": Decimal("0.45359237"), "[lb_av]": Decimal("0.45359237")}
WEIGHT_SET = "body-weight"


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight in kg, when it was taken, and the fact it was read from."""

    kg: Decimal
    at: datetime
    fact: Fact


def weights_among(facts: Sequence[Fact], knowledge: Knowledge) -> list[Weight]:
    """Every plausible weight that is dated."""
    return [
        Weight(kg, fact.starts, fact)
        for fact in facts
        if fact.kind == "observation" and fact.starts is not None and (kg := _kg(fact, knowledge)) is not None
    ]


def weight_on(at: datetime, weights: Sequence[Weight], patient: Patient) -> Weight | None:
    """The newest of these weights that is not too old on that day."""
    oldest = at - (INPATIENT if patient.inpatient else OUTPATIENT)
    taken = [weight for weight in weights if oldest <= weight.at <= at]
    return max(taken, key=lambda weight: (weight.at, weight.kg), default=None)


def _kg(fact: Fact, knowledge: Knowledge) -> Decimal | None:
    factor = _KG_PER.get(fact.unit)
    if factor is None or fact.value is None or fact.comparator:
        return None
    if not any(WEIGHT_SET in knowledge.sets_of(coding) for coding in fact.codings):
        return None
    kg = fact.value.high * factor
    return kg if PLAUSIBLE_KG[0] <= kg <= PLAUSIBLE_KG[1] else None
