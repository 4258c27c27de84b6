"""Entries, orders and answers that say only what a test is about."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from clinical.codes import Coding
from clinical.events import AnyEvent, MedicationGiven, MedicationOrdered, OrderKeys
from clinical.identities import Identifier
from clinical.quantities import Quantity
from clinical.times import Moment
from clinical.words import Tier
from history.conclusion import Conclusion
from history.entries import Entry

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
JANSEN = (Identifier(authority="ZKHA", value="1000001", type="PI"),)
IVIG = (Coding(system="ATC", code="J06BA02", display="immunoglobulins, normal human"),)


def grams(amount: int | str) -> Quantity:
    return Quantity(low=Decimal(amount), high=Decimal(amount), unit="g")


def an_order(placer: str = "EPD|1", **said: Any) -> MedicationOrdered:
    keys = said.pop("keys", None) or OrderKeys(placer=placer, filler=said.pop("filler", ""))
    control = said.setdefault("control", "NW")
    has_product = control in ("NW", "XO", "RO", "RE")
    said.setdefault("source", "request" if has_product else "control")
    said.setdefault("codings", IVIG if has_product else ())
    said.setdefault("path", "RXO[1]-1" if has_product else "ORC[1]-1")
    return MedicationOrdered(patient=JANSEN, keys=keys, **said)


def an_administration(placer: str = "EPD|1", key: str = "EPD|1/1", **said: Any) -> MedicationGiven:
    said.setdefault("codings", IVIG)
    return MedicationGiven(patient=JANSEN, path="RXA[1]-5", keys=OrderKeys(placer=placer), key=key, **said)


def entry(event: AnyEvent, minute: int = 0, patient: int = 1) -> Entry:
    at = MONDAY + timedelta(minutes=minute)
    return Entry(
        event, version=at.strftime("%Y%m%d%H%M%S"), patient_id=patient, message_id=minute, control_id=f"M{minute}"
    )


def moment(days: float = 0) -> Moment:
    return Moment(at=MONDAY + timedelta(days=days), precision="second")


def a_conclusion(tier: Tier = Tier.HIGH, rules: tuple[str, ...] = ("IG-VTE-006",), **order: Any) -> Conclusion:
    content = {
        "findings": [{"rule": rule, "tier": tier.word} for rule in rules],
        "order": {"product": "IVIg", "dose_g": [30.0, 30.0], "state": "active", **order},
    }
    return Conclusion(tier, f"{tier}{rules}{sorted(order.items())}", content)
