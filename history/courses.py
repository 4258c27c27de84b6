"""Courses: the planned or given doses of an order, and the doses of other orders in the same course."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.quantities import Quantity
from history.choices import Site
from history.entries import Entry
from history.facts import provenance
from history.orders import ACTIVE, OrderState
from parsers.medication.courses import expand, merge, runs
from rules.facts import Dose, Provenance

ONE_DOSE_WITHIN = timedelta(hours=12)  # administration rows this close are steps of one infusion
HORIZON = timedelta(days=400)  # how far ahead the doses of an open-ended order are planned
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # for an order without any time, in a message without one


@dataclass(frozen=True, slots=True)
class Occasion:
    """One dose of one order."""

    order: str
    at: datetime
    ends_at: datetime
    dose: Quantity | None  # in g or g/kg
    given: bool
    provenance: Provenance | None
    ordered: Quantity | None = None  # for a given dose: the planned amount


@dataclass(frozen=True, slots=True)
class Course:
    """The doses of one order, oldest first."""

    order: str
    brand: str
    starts_at: datetime
    ends_at: datetime | None  # None while it is open-ended
    occasions: tuple[Occasion, ...]
    is_live: bool = True  # more may be given: not stopped, on hold, or about to be stopped or replaced
    is_told_by_doses: bool = False  # no order is known, only what was given
    numbers: frozenset[str] = frozenset()  # of its order, and of the order that it is a part of


def course_of(order: OrderState, brand: str, site: Site) -> Course:
    """Return an order's doses: each given dose replaces the planned one nearest to it."""
    assert order.content is not None
    start = _start(order)
    planned = [] if order.is_administration_only else _planned(order, order.content, start, site)
    occasions = tuple(merge(planned, _given(order)))
    first = min([start, *(occasion.at for occasion in occasions)])
    parent = order.content.keys.parent
    return Course(
        order.key,
        brand,
        first,
        _end(order, occasions),
        occasions,
        order.state == ACTIVE,
        order.is_administration_only,
        order.numbers | ({parent} if parent else set()),
    )


def _start(order: OrderState) -> datetime:
    content = order.content
    assert content is not None
    if content.starts is not None:
        return content.starts.at
    started = [_start_of(entry) for entry in order.given if _has_started(entry)]
    return min(started) if started else content.at or UNDATED


def _end(order: OrderState, occasions: Sequence[Occasion]) -> datetime | None:
    if order.is_stopped:
        return order.stopped_at
    content = order.content
    if content is not None and any("open_ended" in timing.flags for timing in content.timings):
        return None
    return max((occasion.ends_at for occasion in occasions), default=None)


def _planned(order: OrderState, content: MedicationOrdered, start: datetime, site: Site) -> list[Occasion]:
    hours = next((timing.occurrence_hours for timing in content.timings if timing.occurrence_hours), None)
    lasts = timedelta(hours=float(hours)) if hours else ONE_DOSE_WITHIN
    source = provenance(order.source) if order.source else None
    times = expand(content.timings, site.zone, start + HORIZON, start) or [start]
    if order.is_stopped and order.stopped_at is not None:
        times = [at for at in times if at <= order.stopped_at]
    return [Occasion(order.key, at, at + lasts, content.dose, given=False, provenance=source) for at in times]


def _given(order: OrderState) -> list[Occasion]:
    """Return the administrations, with the steps of one infusion added up."""
    doses: list[list[Entry]] = []
    for entry in sorted(filter(_has_started, order.given), key=_start_of):
        if doses and _start_of(entry) - _start_of(doses[-1][0]) < ONE_DOSE_WITHIN:
            doses[-1].append(entry)
        else:
            doses.append([entry])
    ordered = order.content.dose if order.content and not order.is_administration_only else None
    return [_occasion(order.key, steps, ordered) for steps in doses]


def _has_started(entry: Entry) -> bool:
    return isinstance(entry.event, MedicationGiven) and entry.event.started is not None


def _start_of(entry: Entry) -> datetime:
    assert isinstance(entry.event, MedicationGiven)
    assert entry.event.started is not None
    return entry.event.started.at


def _occasion(key: str, steps: list[Entry], ordered: Quantity | None) -> Occasion:
    events = [step.event for step in steps if isinstance(step.event, MedicationGiven)]
    begun = [event.grams for event in events if event.grams is not None and not event.tells_again]
    again = [event.grams for event in events if event.grams is not None and event.tells_again and event.grams.high > 0]
    ends = [event.ended.at for event in events if event.ended is not None]
    at = _start_of(steps[0])
    source = provenance(steps[0])
    dose = _in_steps(events, ordered) or _what_ran(
        begun, again, ordered, at_once=_overlap([event for event in events if not event.tells_again])
    )
    return Occasion(key, at, max([at, *ends]), dose, given=True, provenance=source, ordered=ordered)


def _overlap(begun: Sequence[MedicationGiven]) -> bool:
    """Return whether one row begins while another runs: a pump and a nurse may both report one bag."""
    running = [(event.started.at, event.ended.at) for event in begun if event.started and event.ended]
    return any(starts < ends for (_, ends), (starts, _) in pairwise(sorted(running)))


def _in_steps(events: Sequence[MedicationGiven], ordered: Quantity | None) -> Quantity | None:
    """Return the total of rows that each report what ran in a time of their own; None when they are not such rows.

    A pump writes `gestart, 25 mL, 9:00-9:30`, `stand gewijzigd, 75 mL, 9:30-10:15`. The amounts may also be what had
    run until then, or what was left, unless together they are what was ordered.
    """
    steps = [event for event in events if event.grams is not None and event.grams.high > 0]
    amounts = [event.grams for event in steps if event.grams is not None]
    total = _sum(amounts)
    if total is None or not any(event.tells_again for event in steps) or not _one_after_another(steps):
        return None
    if ordered is not None and _equal(total, ordered):
        return total
    repeated = any(_equal(one, other) for one, other in combinations(amounts, 2))
    return None if repeated else _between(max(amounts, key=lambda amount: amount.high), total)


def _one_after_another(steps: Sequence[MedicationGiven]) -> bool:
    """Return whether every row lasts, and ends before the next one begins."""
    times = sorted((step.started.at, step.ended.at) for step in steps if step.started and step.ended)
    lasting = all(start < end for start, end in times)
    return 1 < len(times) == len(steps) and lasting and all(end <= start for (_, end), (start, _) in pairwise(times))


TOLD_AGAIN = "given_told_again"  # a doubt: the rows may report one dose several times, or several doses


def _what_ran(
    begun: Sequence[Quantity], again: Sequence[Quantity], ordered: Quantity | None, *, at_once: bool
) -> Quantity | None:
    """Return the total of the rows of one infusion, where some only report again on a dose an earlier row began.

    A bag that repeats the ordered amount, beside such rows or while another runs, and a later row with another amount
    are ambiguous: both readings are kept.
    """
    whole = _sum([amount for amount in begun if amount.high > 0] or begun)
    if whole is None or whole.high == 0:
        return _reported_in_pieces(again, ordered) or whole
    may_repeat = len(begun) > 1 and (again or at_once)
    if may_repeat and ordered is not None and all(_equal(amount, ordered) for amount in begun):
        return _between(begun[0], whole)
    if ordered is not None and _adds_up_to(begun, ordered):
        return _between(begun[-1], whole)
    others = [amount for amount in again if not any(_equal(amount, known) for known in (whole, *begun))]
    least = min([whole, *others], key=lambda each: each.low)
    return _between(least, max([whole, *others], key=lambda each: each.high)) if others else whole


def _adds_up_to(begun: Sequence[Quantity], ordered: Quantity) -> bool:
    """Return whether the rows may report what had run until then: each more than the last, and in the end all of it."""
    rising = all(one.high < next_one.low for one, next_one in pairwise(begun))
    return len(begun) > 1 and rising and _equal(begun[-1], ordered)


def _reported_in_pieces(again: Sequence[Quantity], ordered: Quantity | None) -> Quantity | None:
    """Rows of a dose without a start: the ordered amount repeated is one dose, any other may add up."""
    total = _sum(again)
    if total is None or len(again) == 1 or (ordered is not None and _equal(total, ordered)):
        return total
    largest = max(again, key=lambda each: each.high)
    is_whole = ordered is not None and all(_equal(each, ordered) for each in again)
    return largest if is_whole else _between(largest, total)


def _equal(one: Quantity, other: Quantity) -> bool:
    return (one.low, one.high, one.unit) == (other.low, other.high, other.unit)


def _between(least: Quantity, most: Quantity) -> Quantity:
    return Quantity(least.low, max(least.high, most.high), most.unit, flags=(TOLD_AGAIN,))


def _sum(amounts: Sequence[Quantity]) -> Quantity | None:
    if not amounts:
        return None
    low = sum((amount.low for amount in amounts), Decimal(0))
    high = sum((amount.high for amount in amounts), Decimal(0))
    return Quantity(low, high, amounts[0].unit)


def doses_of(course: Course, site: Site) -> list[Dose]:
    """Return the doses as the rules see them, in hospital time."""
    return [
        Dose(
            occasion.at.astimezone(site.zone),
            _grams(occasion.dose),
            occasion.given,
            occasion.order,
            occasion.provenance,
            course.brand,
        )
        for occasion in course.occasions
        if not nothing_given(occasion)
    ]


def _grams(dose: Quantity | None) -> Quantity | None:
    return dose if dose is not None and dose.unit == "g" else None


def nothing_given(occasion: Occasion) -> bool:
    """Return whether it was refused or not available."""
    return occasion.given and occasion.dose is not None and occasion.dose.high == 0


def longest_runs(occasions: Sequence[Occasion], site: Site) -> dict[str, list[Occasion]]:
    """Return by order the doses of every order that make one course with its own: less than the site's gap between two.

    Of several courses it is the one with the most doses, the first of a tie.
    """
    given = sorted((one for one in occasions if not nothing_given(one)), key=lambda one: one.at)
    longest: dict[str, list[Occasion]] = {}
    for run in runs(given, lambda one: day_of(one, site.zone), site.course_gap.days):
        for order in {occasion.order for occasion in run}:
            if len(run) > len(longest.get(order, ())):
                longest[order] = run
    return longest


def day_of(occasion: Occasion, zone: ZoneInfo) -> date:
    """Return the calendar day on which it begins, in hospital time."""
    return occasion.at.astimezone(zone).date()
