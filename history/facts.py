"""A patient's history as the rules see it: entries in, `rules.facts` out, in order of time, with the weight on any day.

A missing weight is never guessed. Nothing is judged here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from clinical.events import Allergy, Condition, MedicationOrdered, Observation, Procedure
from clinical.quantities import Quantity, exactly
from clinical.times import Moment
from clinical.versions import sent_at
from history.entries import Entry
from history.orders import OrderState
from rules.dates import last_moment
from rules.facts import Fact, Patient, Provenance
from rules.knowledge import Knowledge

_PLACEHOLDER_YEAR = 1900
_A_DAY = timedelta(days=1)
_AFTER_AN_ORDER = timedelta(days=30)  # so long a thrombosis may be one that the infusions gave


def provenance(entry: Entry) -> Provenance:
    """Return the message and field an entry was read from."""
    return Provenance(entry.message_id, entry.control_id, entry.event.path)


_SENTENCE = re.compile(r"[^\W\d_]{3,}")  # "2012 DVT" starts with a number but is not one


def facts_of(entries: Sequence[Entry], zone: tzinfo, born: date | None = None) -> list[Fact]:
    """Conditions, results, procedures and allergies, oldest version first; times on the clock of the hospital."""
    facts = []
    newest = _newest_start(entries)
    for entry in entries:
        event = entry.event
        if isinstance(event, Observation):  # first: there are most of them
            if event.status not in ("withdrawn", "no_value"):
                facts.append(_observation(entry, event, zone))
        elif isinstance(event, Condition):
            facts.append(_condition(entry, event, zone, born, newest))
        elif isinstance(event, Procedure):
            facts.append(_dated(entry, "procedure", event, event.performed, zone))
        elif isinstance(event, Allergy):
            facts.append(_dated(entry, "allergy", event, None, zone))
    return facts


def medication_fact(order: OrderState, ends: datetime | None, zone: tzinfo) -> Fact | None:
    """Return an order of another medicine, as the patient takes it until `ends` (None: still)."""
    content, source = order.content, order.source
    if content is None or source is None:
        return None
    starts = content.starts
    return Fact(
        kind="medication",
        codings=content.codings,
        text=content.text,
        value=_per_day(content),
        unit=content.amount.unit if content.amount else "",
        starts=_local(starts.at if starts else None, zone),
        precision=starts.precision if starts else "",
        ends=ends,
        status="stopped" if order.is_stopped else "active",
        route=content.routes[0].code if content.routes else "",
        provenance=provenance(source),
    )


def _newest_start(entries: Sequence[Entry]) -> datetime | None:
    """Return when the newest order begins: what bounds the dates of an export that does not say when it was made."""
    events = (entry.event for entry in entries)
    return max((one.starts.at for one in events if isinstance(one, MedicationOrdered) and one.starts), default=None)


def _condition(entry: Entry, event: Condition, zone: tzinfo, born: date | None, newest: datetime | None) -> Fact:
    onset, sent_date = event.onset, ""
    latest = sent_at(entry.version) or (newest + _AFTER_AN_ORDER if newest is not None else None)
    if onset is not None and _cannot_be(onset, latest, born, zone):
        sent_date = f"{_local(onset.at, zone):%Y-%m-%d}"
        onset = None
    return Fact(
        kind="condition",
        codings=event.codings,
        text=event.text,
        starts=_local(onset.at if onset else None, zone),
        precision=onset.precision if onset else "",
        sent_date=sent_date,
        ends=event.resolved.at if event.resolved else None,
        certainty=event.certainty,
        status=event.status,
        provenance=provenance(entry),
    )


def _cannot_be(onset: Moment, latest: datetime | None, born: date | None, zone: tzinfo) -> bool:
    """Return whether its date is impossible: after it was sent, before the birth, or a placeholder."""
    if onset.at.year <= _PLACEHOLDER_YEAR or (latest is not None and onset.at > latest + _A_DAY):
        return True
    last = last_moment(Fact(kind="condition", codings=(), starts=onset.at, precision=onset.precision))
    return born is not None and last is not None and last.astimezone(zone).date() < born


def _observation(entry: Entry, event: Observation, zone: tzinfo) -> Fact:
    is_future = "future_time" in event.flags  # so the message dates the event
    return Fact(
        kind="observation",
        codings=event.codings + event.value_codings,
        # The name of a test stands with its codes; "F5 gene mutation analysis" is not a result.
        text=event.value if event.number is None or _SENTENCE.search(event.value) else event.text,
        value=exactly(event.number, event.unit) if event.number is not None else None,
        unit=event.unit,
        comparator=event.comparator,
        starts=_local(event.taken.at if event.taken and not is_future else event.at, zone),
        precision=event.taken.precision if event.taken and not is_future else "second",
        status=event.status,
        provenance=provenance(entry),
    )


def _dated(entry: Entry, kind: str, event: Procedure | Allergy, at: Moment | None, zone: tzinfo) -> Fact:
    return Fact(
        kind="procedure" if kind == "procedure" else "allergy",
        codings=event.codings,
        text=event.text,
        starts=_local(at.at if at else None, zone),
        precision=at.precision if at else "",
        provenance=provenance(entry),
    )


def _local(at: datetime | None, zone: tzinfo) -> datetime | None:
    """Return the same moment in hospital time, so that the day shown is the day that was sent."""
    try:
        return at.astimezone(zone) if at is not None else None
    except OverflowError:  # the last day of the year 9999
        return at


def _per_day(content: MedicationOrdered) -> Quantity | None:
    """Return the daily amount in its own unit; the amount per dose when the schedule is unknown."""
    if content.amount is None:
        return None
    times = Decimal(1)
    timing = content.timings[0] if content.timings else None
    if timing is not None and timing.period_hours:
        times = Decimal(24) / timing.period_hours * timing.per_period
    amount = content.amount
    return Quantity(amount.low * times, amount.high * times, amount.unit, amount.basis, amount.flags)


INPATIENT = timedelta(days=30)  # KNOWLEDGE part 4, windows
OUTPATIENT = timedelta(days=90)
PLAUSIBLE_KG = (Decimal(2), Decimal(350))  # INTERFACE 4.2
_KG_PER = {"kg": Decimal(1), "g": Decimal("0.001"), "lb": Decimal("0.45359237"), "[lb_av]": Decimal("0.45359237")}
WEIGHT_SET = "body-weight"


@dataclass(frozen=True, slots=True)
class BodyWeight:
    """A weight in kg, when it was taken, and the fact it was read from."""

    kg: Decimal
    at: datetime
    fact: Fact


def weights_among(facts: Sequence[Fact], knowledge: Knowledge) -> list[BodyWeight]:
    """Return every plausible weight that is dated."""
    return [
        BodyWeight(kg, fact.starts, fact)
        for fact in facts
        if fact.kind == "observation" and fact.starts is not None and (kg := _kg(fact, knowledge)) is not None
    ]


def weight_on(at: datetime, weights: Sequence[BodyWeight], patient: Patient) -> BodyWeight | None:
    """Return the latest of these weights that is not too old on that day."""
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


_EVENTS = frozenset({"condition", "procedure", "allergy", "medication"})  # kinds that can be an event after infusion


@dataclass(frozen=True, slots=True)
class Timeline:
    """The facts, oldest version first, with what every order asks about all of them."""

    facts: tuple[Fact, ...]
    weights: tuple[BodyWeight, ...]
    latest_start: datetime | None
    latest_moment: datetime | None  # the last instant any of them can mean
    latest_event: datetime | None  # the same, of those that can be an event after an infusion

    def until(self, at: datetime, own: Provenance | None = None) -> tuple[Fact, ...]:
        """Return the facts that count at a moment: undated, or dated at or before it; orders left out."""
        counting = [fact for fact in self.facts if fact.starts is None or fact.starts <= at]
        if own is not None:
            counting = [fact for fact in counting if fact.kind != "medication" or fact.provenance != own]
        return tuple(counting)


def lay_out(facts: Sequence[Fact], knowledge: Knowledge) -> Timeline:
    """Return the timeline of these facts."""
    moments = [(last, fact.kind) for fact in facts if (last := last_moment(fact)) is not None]
    return Timeline(
        facts=tuple(facts),
        weights=tuple(weights_among(facts, knowledge)),
        latest_start=max((fact.starts for fact in facts if fact.starts is not None), default=None),
        latest_moment=max((last for last, _ in moments), default=None),
        latest_event=max((last for last, kind in moments if kind in _EVENTS), default=None),
    )
