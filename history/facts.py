"""A patient's history as the rules see it: entries in, `rules.facts` out, in order of time, with the weight on any day.

A missing weight is never guessed. Nothing is judged here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from itertools import takewhile
from operator import itemgetter

from clinical.events import Allergy, Condition, MedicationGiven, MedicationOrdered, Observation, Procedure
from clinical.quantities import Quantity, exactly
from clinical.times import Moment
from clinical.versions import sent_at
from history.entries import Entry
from history.orders import ON_HOLD, OrderState
from parsers.chart.allergies import STATED_AS_REACTION
from rules.dates import last_moment
from rules.facts import Fact, Patient, Provenance, without_typed_numbers
from rules.knowledge import Knowledge
from rules.sorted_facts import Placed, SortedFacts

_PLACEHOLDER_YEAR = 1900
_A_DAY = timedelta(days=1)
_NOT_TAKEN = frozenset({"RE", "NA"})  # completion of an administration: refused, not administered
_AFTER_AN_ORDER = timedelta(days=30)  # so long a thrombosis may be one that the infusions gave


def provenance(entry: Entry) -> Provenance:
    """Return the message and field an entry was read from."""
    return Provenance(entry.message_id, entry.control_id, entry.event.path)


_SENTENCE = re.compile(r"[^\W\d_]{3,}")  # "2012 DVT" starts with a number but is not one


def placed_facts(entries: Iterable[Entry], zone: tzinfo, born: date | None, newest: datetime | None) -> list[Placed]:
    """Conditions, results, procedures and allergies, oldest version first; times on the clock of the hospital.

    `newest` is when the newest order begins (`newest_start`).
    """
    read = ((entry, fact_of(entry, zone, born, newest)) for entry in entries)
    return [((0, *entry.place), fact) for entry, fact in read if fact is not None]


def fact_of(entry: Entry, zone: tzinfo, born: date | None, newest: datetime | None) -> Fact | None:
    """Return the fact that an entry tells; None of an order, and of a result without a value."""
    event = entry.event
    if isinstance(event, Observation):  # first: there are most of them
        has_value = event.status not in ("withdrawn", "no_value")
        return without_typed_numbers(_observation(entry, event, zone)) if has_value else None
    if isinstance(event, Condition):
        return without_typed_numbers(_condition(entry, event, zone, born, newest))
    if isinstance(event, Procedure):
        return without_typed_numbers(_dated(entry, "procedure", event, event.performed, zone))
    return without_typed_numbers(_dated(entry, "allergy", event, None, zone)) if isinstance(event, Allergy) else None


def medication_fact(order: OrderState, ends: datetime | None, zone: tzinfo) -> Fact | None:
    """Return an order of another medicine, as the patient takes it until `ends` (None: still)."""
    content, source = order.content, order.source
    if content is None or source is None:
        return None
    starts = content.starts
    idle, since = _idle(order)
    changed = since or (order.stopped_at if order.is_stopped else None)
    fact = Fact(
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
        idle=idle,
        changed=_local(changed, zone),
    )
    return without_typed_numbers(fact)


def _idle(order: OrderState) -> tuple[str, datetime | None]:
    """Return how an order that stands is not being given, and since when: on hold, or its last doses not taken."""
    if order.is_stopped:
        return "", None
    if order.state == ON_HOLD:
        return "on_hold", order.held_at
    administrations = sorted(
        ((event.started.at, event.completion in _NOT_TAKEN) for entry in order.given
         if isinstance(event := entry.event, MedicationGiven) and event.started is not None),
    )  # fmt: skip  # what is taken from each administration
    missed = list(takewhile(itemgetter(1), reversed(administrations)))
    if not missed:
        return "", None
    return ("missed" if len(missed) == 1 else "not_taken"), missed[-1][0]


def newest_start(entries: Sequence[Entry]) -> datetime | None:
    """Return when the newest order begins: what bounds the dates of an export that does not say when it was made."""
    events = (entry.event for entry in entries)
    return max((one.starts.at for one in events if isinstance(one, MedicationOrdered) and one.starts), default=None)


def _condition(entry: Entry, event: Condition, zone: tzinfo, born: date | None, newest: datetime | None) -> Fact:
    onset, sent_date = event.onset, ""
    latest = sent_at(entry.version) or (newest + _AFTER_AN_ORDER if newest is not None else None)
    if onset is not None and _cannot_be(onset, latest, born, zone):
        sent_date = (_local(onset.at, zone) or onset.at).date().isoformat()  # strftime pads no year before 1000
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
        is_reaction=STATED_AS_REACTION in event.flags,
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
WEIGHT = "body-weight"  # the measurement


@dataclass(frozen=True, slots=True)
class BodyWeight:
    """A weight in kg, when it was taken, and the fact it was read from."""

    kg: Decimal
    at: datetime
    fact: Fact


def weights_among(facts: Sequence[Fact], knowledge: Knowledge) -> list[BodyWeight]:
    """Return every weight that is dated."""
    return [
        BodyWeight(kg, fact.starts, fact)
        for fact in facts
        if fact.kind == "observation" and fact.starts is not None and (kg := _kg(fact, knowledge)) is not None
    ]


def weight_on(at: datetime, weights: Sequence[BodyWeight], patient: Patient, knowledge: Knowledge) -> BodyWeight | None:
    """Return the latest of these weights that is not too old on that day, and that somebody of this age can have."""
    oldest = at - (INPATIENT if patient.inpatient else OUTPATIENT)
    age, form = patient.age_on(at.date()), knowledge.terms.weight
    taken = [weight for weight in weights if oldest <= weight.at <= at and form.allows(weight.kg, age)]
    return max(taken, key=lambda weight: (weight.at, weight.kg), default=None)


def _kg(fact: Fact, knowledge: Knowledge) -> Decimal | None:
    form = knowledge.terms.measurements[WEIGHT]
    factor = form.units.get(fact.unit)
    if factor is None or fact.value is None or fact.comparator:
        return None
    if not any(form.set in knowledge.sets_of(coding) for coding in fact.codings):
        return None
    return fact.value.high * factor


_EVENTS = frozenset({"condition", "procedure", "allergy", "medication"})  # kinds that can be an event after infusion


@dataclass(frozen=True, slots=True)
class Timeline:
    """The facts, oldest version first, with what every order asks about all of them."""

    facts: SortedFacts
    weights: tuple[BodyWeight, ...]
    latest_start: datetime | None
    latest_moment: datetime | None  # the last instant any of them can mean
    latest_event: datetime | None  # the same, of those that can be an event after an infusion
    ordered: frozenset[Provenance | None]  # the orders among the facts

    def until(self, at: datetime, own: Provenance | None = None) -> tuple[Fact, ...]:
        """Return the facts that count at a moment: undated, or dated at or before it; the order's own left out."""
        counting = self.facts.until(at)
        if own is None or own not in self.ordered:
            return counting
        return tuple(fact for fact in counting if fact.kind != "medication" or fact.provenance != own)

    def after(self, gone: Sequence[Placed], new: Sequence[Placed], knowledge: Knowledge) -> "Timeline":
        """Return the timeline without some facts and with others, none of them an order."""
        facts = self.facts.changed(gone, new)
        own = self.latest_start, self.latest_moment, self.latest_event
        lost, came = latest_of([fact for _, fact in gone]), latest_of([fact for _, fact in new])
        if any(one is not None and one == other for one, other in zip(lost, own, strict=True)):
            return timeline_of(facts, knowledge)
        weighs = any(_kg(fact, knowledge) is not None for _, fact in (*gone, *new))
        weights = _weights(facts, knowledge) if weighs else self.weights
        start, moment, event = (_later(one, other) for one, other in zip(own, came, strict=True))
        return Timeline(facts, weights, start, moment, event, self.ordered)


def timeline_of(facts: SortedFacts, knowledge: Knowledge) -> Timeline:
    """Return the timeline of these facts."""
    every = facts.whole.facts
    ordered = frozenset(fact.provenance for fact in every if fact.kind == "medication")
    return Timeline(facts, _weights(facts, knowledge), *latest_of(every), ordered)


def latest_of(facts: Sequence[Fact]) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Return the latest start or change of these facts, the last instant any can mean, and that of possible events."""
    moments = [(last, fact.kind) for fact in facts if (last := last_moment(fact)) is not None]
    return (
        max((at for fact in facts for at in (fact.starts, fact.changed) if at is not None), default=None),
        max((last for last, _ in moments), default=None),
        max((last for last, kind in moments if kind in _EVENTS), default=None),
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two moments, the first of a tie."""
    return max((each for each in (one, other) if each is not None), default=None)


def _weights(facts: SortedFacts, knowledge: Knowledge) -> tuple[BodyWeight, ...]:
    return tuple(weights_among(facts.every(knowledge.terms.measurements[WEIGHT].set), knowledge))
