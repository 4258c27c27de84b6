"""What a rule may look at: one case, made of values with their source.

Nothing here reads a message or a database; the worker fills a Case, and `evaluate` is a pure function of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from clinical.codes import Coding
from clinical.identities import without_citizen_numbers
from clinical.quantities import Quantity


class Provenance(Struct, frozen=True, gc=False):
    """The message and field a fact was read from."""

    message: int  # row id in the message table
    control_id: str
    path: str  # "PRB[1]-3"


HISTORY = frozenset({"condition", "procedure", "allergy"})  # what a patient has or had
DOSE_WORDS = ("IVIg given", "IVIg planned")  # the text of a dose shown as a fact
Kind = Literal["condition", "observation", "procedure", "allergy", "medication"]


class Fact(Struct, frozen=True, gc=False):
    """One fact about the patient at the moment the order is judged."""

    kind: Kind
    codings: tuple[Coding, ...]
    text: str = ""
    value: Quantity | None = None  # observation: number in `unit`; medication: dose per day in `unit`
    unit: str = ""
    comparator: str = ""  # "<" or ">" when the laboratory gave a limit
    starts: datetime | None = None  # onset, sampling, start of medication; None when undated
    precision: str = ""  # year, month, day, second
    ends: datetime | None = None
    certainty: str = "confirmed"  # confirmed | suspected | refuted | family | unknown
    status: str = "active"  # condition: active | resolved | inactive; observation: final | preliminary | corrected
    route: str = ""  # medication: IV, SC, PO, ... "" when unknown
    provenance: Provenance | None = None
    is_reaction: bool = False  # condition: stated as a reaction to immunoglobulin
    sent_date: str = ""  # a date that cannot be, as it was sent; the fact is then undated
    idle: str = ""  # medication: on_hold | missed | not_taken when ordered but not given (missed: the last dose alone)
    changed: datetime | None = None  # medication: since when it is idle, or when it was stopped


def without_typed_numbers(fact: Fact) -> Fact:
    """Return the fact without the citizen service numbers in its words: everybody who sees an alert reads those."""
    codes = [coding.code for coding in fact.codings]
    text = without_citizen_numbers(fact.text, codes)
    displays = [without_citizen_numbers(coding.display, codes) for coding in fact.codings]
    if text == fact.text and all(one.display == shown for one, shown in zip(fact.codings, displays, strict=True)):
        return fact
    codings = (replace(one, display=shown) for one, shown in zip(fact.codings, displays, strict=True))
    return replace(fact, text=text, codings=tuple(codings))


@dataclass(frozen=True, slots=True)
class Dose:
    """IVIg that was given, or planned at an earlier or this order, before or on the judged moment or after it."""

    at: datetime
    grams: Quantity | None
    given: bool  # an administration; otherwise planned
    order: str = ""
    provenance: Provenance | None = None
    brand: str = ""  # as the product value set names it, "" when unknown


@dataclass(frozen=True, slots=True)
class Patient:
    """The properties of the patient that rules use."""

    birth_date: date | None = None
    sex: str = ""
    deceased: bool = False
    inpatient: bool | None = None

    def age_on(self, day: date) -> int | None:
        """Return the age in whole years on that day."""
        born = self.birth_date
        return None if born is None else day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True)
class Order:
    """The IVIg order (or administration without one) that is judged."""

    key: str
    codings: tuple[Coding, ...] = ()
    text: str = ""
    route: str = ""  # IV, SC, IM, or "" when not sent
    brand: str = ""  # as the product value set names it, "" when unknown
    grams_per_administration: Quantity | None = None
    grams_per_day: Quantity | None = None
    grams_per_kg_per_day: Quantity | None = None
    same_day: tuple[Dose, ...] = ()  # IVIg of other orders on the days of this one: the first dose of each order
    all_grams_per_day: Quantity | None = None  # with these; None without any
    all_grams_per_kg_per_day: Quantity | None = None
    course_grams: Quantity | None = None
    course_grams_per_kg: Quantity | None = None
    trailing_28_days_grams_per_kg: Quantity | None = None
    dosing_days: int | None = None  # in the course
    consecutive_days: int | None = None  # the longest run of calendar days with a dose
    grams_per_hour: Quantity | None = None  # peak
    mg_per_kg_per_minute: Quantity | None = None  # peak
    mean_mg_per_kg_per_minute: Quantity | None = None
    weight_kg: Decimal | None = None
    weight_at: datetime | None = None
    weight_provenance: Provenance | None = None
    dose_basis: str = ""  # "g" or "g/kg": what the prescriber ordered
    indications: tuple[Coding, ...] = ()
    starts: datetime | None = None
    flags: tuple[str, ...] = ()  # doubts, as the parser named them
    provenance: Provenance | None = None
    product_class: str = ""  # ivig | possible_ivig when known already, as of a mixture; "": by codes, text and route


@dataclass(frozen=True, slots=True)
class Case:
    """One order, one patient, one moment."""

    order: Order
    patient: Patient
    at: datetime  # the moment judged for: the planned start, else when it was ordered; never the wall clock
    facts: tuple[Fact, ...] = ()
    doses: tuple[Dose, ...] = ()  # of other orders and of administrations, in order of time
    history_received: bool = True  # any diagnosis, problem or contra-indication data ever came for this patient
    history_as_of: datetime | None = None
    extra: tuple[str, ...] = field(default=())


def is_dose(fact: Fact) -> bool:
    """Return whether a fact is a dose of IVIg that a finding rests on, as `dose_fact` makes it."""
    return fact.kind == "medication" and not fact.codings and fact.text in DOSE_WORDS


def events_among(facts: Iterable[Fact], order: Order) -> tuple[Fact, ...]:
    """Return what happened to the patient, of the facts a finding of surveillance rests on: not the order, no dose."""
    return tuple(
        fact
        for fact in facts
        if not is_dose(fact) and not (fact.kind == "medication" and fact.provenance == order.provenance)
    )


def once(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts in their order, each object once."""
    return tuple({id(fact): fact for fact in facts}.values())
