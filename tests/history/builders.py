"""Events, messages, entries and answers that say only what a test is about."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from clinical.codes import Coding
from clinical.events import (
    AnyEvent,
    Condition,
    Header,
    MedicationGiven,
    MedicationOrdered,
    Observation,
    OrderKeys,
    PatientMerged,
    PatientSeen,
    Reading,
)
from clinical.identities import CITIZEN_NUMBERS, Identifier
from clinical.quantities import Quantity, exactly
from clinical.times import Moment
from clinical.timings import Timing
from clinical.words import Tier
from history.choices import Site
from history.conclusion import Conclusion
from history.entries import Entry
from history.messages import ReadMessage
from history.orders import OrderState, fold_orders
from history.person import PersonAnswers, judge_messages
from rules.knowledge import Knowledge

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IVIG = (Coding(system="ATC", code="J06BA02", display="immunoglobulins, normal human"),)
Who = tuple[Identifier, ...]


def patient(number: str = "1000001", citizen_number: str = "") -> Who:
    """Somebody by a number of the hospital, and by a citizen number beside it."""
    own = Identifier(authority="ZKHA", value=number, type="PI")
    return (own, *by_citizen_number(citizen_number)) if citizen_number else (own,)


def by_citizen_number(number: str) -> Who:
    """Somebody of whom nothing but the citizen number is sent."""
    return (Identifier(authority=CITIZEN_NUMBERS, value=number, type="NNNLD"),)


JANSEN = patient()


def grams(amount: int | str) -> Quantity:
    return exactly(Decimal(amount), "g")


def per_kg(amount: str) -> Quantity:
    return exactly(Decimal(amount), "g/kg")


def moment(days: float = 0) -> Moment:
    return Moment(at=MONDAY + timedelta(days=days), precision="second")


def daily(times: int) -> tuple[Timing, ...]:
    """Once a day, so many times."""
    return (Timing(pattern="QD", period_hours=Decimal(24), occurrences=(times, times)),)


def an_order(placer: str = "EPD|1", who: Who = JANSEN, **told: Any) -> MedicationOrdered:
    keys = told.pop("keys", None) or OrderKeys(placer=placer, filler=told.pop("filler", ""))
    control = told.setdefault("control", "NW")
    has_product = control in ("NW", "XO", "RO", "RE")
    told.setdefault("source", "request" if has_product else "control")
    told.setdefault("codings", IVIG if has_product else ())
    told.setdefault("path", "RXO[1]-1" if has_product else "ORC[1]-1")
    return MedicationOrdered(patient=who, keys=keys, **told)


def a_dose(placer: str = "EPD|1", days: float = 0, who: Who = JANSEN, **told: Any) -> MedicationGiven:
    """An administration, so many days after that Monday."""
    told.setdefault("codings", IVIG)
    told.setdefault("started", moment(days))
    told.setdefault("key", f"{placer}/{days}")
    return MedicationGiven(patient=who, path="RXA[1]-5", keys=OrderKeys(placer=placer), **told)


def a_thrombosis(days: float = -400, who: Who = JANSEN, **told: Any) -> Condition:
    """A deep vein thrombosis that was diagnosed so many days after that Monday."""
    told.setdefault("key", f"DVT {days}")
    codings = (Coding(system="ICD10", code="I80.2", display="DVT"),)
    return Condition(patient=who, path="DG1[1]-3", category="diagnosis", codings=codings, onset=moment(days), **told)


def a_weight(kg: int | str, days: float = 0, who: Who = JANSEN, **told: Any) -> Observation:
    told.setdefault("unit", "kg")
    codings = (Coding(system="LN", code="29463-7", display="Body weight"),)
    key, number = f"weight {days}", Decimal(kg)
    return Observation(
        patient=who, path="OBX[1]-5", key=key, codings=codings, number=number, taken=moment(days), **told
    )


def seen(who: Who = JANSEN, **told: Any) -> PatientSeen:
    return PatientSeen(patient=who, path="PID[1]", **told)


def merged(retired: Who, into: Who, *, undone: bool = False) -> PatientMerged:
    return PatientMerged(patient=into, path="MRG[1]-1", retired=retired[:1], undone=undone)


def entry(event: AnyEvent, minute: int = 0, patient: int = 1) -> Entry:
    at = MONDAY + timedelta(minutes=minute)
    return Entry(
        event, version=at.strftime("%Y%m%d%H%M%S"), patient_id=patient, message_id=minute, control_id=f"M{minute}"
    )


def a_message(*events: AnyEvent, number: int = 0, sent: datetime | None = None) -> ReadMessage:
    """A message that says these things, sent so many minutes after nine on that Monday, or later."""
    control_id = f"M{number}"
    return ReadMessage(
        message_id=number,
        control_id=control_id,
        body_hash=sha256(control_id.encode()).digest(),
        message_time=sent or MONDAY + timedelta(minutes=number),
        reading=Reading(Header(control_id=control_id), events),
    )


def told(*events: AnyEvent) -> list[ReadMessage]:
    """A message for each of these things, one after the other and none before it happened."""
    messages: list[ReadMessage] = []
    sent = MONDAY
    for number, event in enumerate(events):
        sent = max(sent + timedelta(minutes=1), _date_of(event) or MONDAY)
        messages.append(a_message(event, number=number, sent=sent))
    return messages


def _date_of(event: AnyEvent) -> datetime | None:
    date = event.onset if isinstance(event, Condition) else None
    date = event.started if isinstance(event, MedicationGiven) else date
    return date.at if date is not None else None


def answered(knowledge: Knowledge, *events: AnyEvent, site: Site | None = None) -> list[PersonAnswers]:
    """The people who are told of, with the answers to their orders."""
    return judge_messages(told(*events), knowledge, site or Site())


def the_order(*events: AnyEvent) -> OrderState:
    """The only order that is told of, as it stands."""
    (order,) = fold_orders([entry(event, minute) for minute, event in enumerate(events)])
    return order


def a_conclusion(tier: Tier = Tier.HIGH, rules: tuple[str, ...] = ("IG-VTE-006",), **order: Any) -> Conclusion:
    content = {
        "findings": [{"rule": rule, "tier": tier.word} for rule in rules],
        "order": {"product": "IVIg", "dose_g": [30.0, 30.0], "state": "active", **order},
    }
    return Conclusion(tier, f"{tier}{rules}{sorted(order.items())}", content)
