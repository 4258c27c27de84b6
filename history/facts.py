"""History as the rules look at it: entries in, `rules.facts` out.

One of the two translations between packages; the other is `record`. Nothing is judged here.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from clinical.events import Allergy, Condition, MedicationOrdered, Moment, Observation, Procedure
from clinical.events import Coding as ReadCoding
from history.entries import Entry
from history.orders import OrderState
from rules.facts import Coding, Fact, Provenance, Range


@lru_cache(maxsize=8192)  # a hospital uses the same codes all day
def codings(read: tuple[ReadCoding, ...]) -> tuple[Coding, ...]:
    """The same codes, as the rules name them."""
    return tuple(Coding(coding.system, coding.code, coding.display) for coding in read)


def provenance(entry: Entry) -> Provenance:
    """The message and field an entry was read from."""
    return Provenance(entry.message_id, entry.control_id, entry.event.path)


def facts_of(entries: Sequence[Entry], zone: tzinfo) -> list[Fact]:
    """Conditions, results, procedures and allergies, oldest version first; times on the clock of the hospital."""
    facts = []
    for entry in entries:
        event = entry.event
        if isinstance(event, Observation):  # first, for there are most of them
            if event.status not in ("withdrawn", "no_value"):
                facts.append(_observation(entry, event, zone))
        elif isinstance(event, Condition):
            facts.append(_condition(entry, event, zone))
        elif isinstance(event, Procedure):
            facts.append(_dated(entry, "procedure", event, event.performed, zone))
        elif isinstance(event, Allergy):
            facts.append(_dated(entry, "allergy", event, None, zone))
    return facts


def medication_fact(order: OrderState, ends: datetime | None, zone: tzinfo) -> Fact | None:
    """An order of another medicine, as the patient takes it until `ends` (None: still)."""
    content, source = order.content, order.source
    if content is None or source is None:
        return None
    starts = content.starts
    return Fact(
        kind="medication",
        codings=codings(content.codings),
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


def _condition(entry: Entry, event: Condition, zone: tzinfo) -> Fact:
    return Fact(
        kind="condition",
        codings=codings(event.codings),
        text=event.text,
        starts=_local(event.onset.at if event.onset else None, zone),
        precision=event.onset.precision if event.onset else "",
        ends=event.resolved.at if event.resolved else None,
        certainty=event.certainty,
        status=event.status,
        provenance=provenance(entry),
    )


def _observation(entry: Entry, event: Observation, zone: tzinfo) -> Fact:
    return Fact(
        kind="observation",
        codings=codings(event.codings + event.value_codings),
        # The name of a test is with its codes; "F5 gene mutation analysis" is no result.
        text=event.text if event.number is not None else event.value,
        value=Range(event.number, event.number) if event.number is not None else None,
        unit=event.unit,
        comparator=event.comparator,
        starts=_local(event.taken.at if event.taken else event.at, zone),
        precision=event.taken.precision if event.taken else "second",
        status=event.status,
        provenance=provenance(entry),
    )


def _dated(entry: Entry, kind: str, event: Procedure | Allergy, at: Moment | None, zone: tzinfo) -> Fact:
    return Fact(
        kind="procedure" if kind == "procedure" else "allergy",
        codings=codings(event.codings),
        text=event.text,
        starts=_local(at.at if at else None, zone),
        precision=at.precision if at else "",
        provenance=provenance(entry),
    )


def _local(at: datetime | None, zone: tzinfo) -> datetime | None:
    """The same moment on the hospital's clock: a day that was sent is then the day that is shown."""
    try:
        return at.astimezone(zone) if at is not None else None
    except OverflowError:  # the last day of the year 9999
        return at


def _per_day(content: MedicationOrdered) -> Range | None:
    """The amount taken in a day, in the amount's unit; one occasion's amount when the schedule is unknown."""
    if content.amount is None:
        return None
    times = Decimal(1)
    timing = content.timings[0] if content.timings else None
    if timing is not None and timing.period_hours:
        times = Decimal(24) / timing.period_hours * timing.per_period
    return Range(content.amount.low * times, content.amount.high * times, content.amount.flags)
