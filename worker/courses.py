"""When the doses of an order are, planned or given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from parsers.events import Amount, MedicationGiven, MedicationOrdered
from parsers.expansion import expand
from rules.facts import Dose, Provenance, Range
from worker.entries import Entry
from worker.facts import provenance
from worker.orders import OrderState
from worker.site import Site

ONE_DOSE_WITHIN = timedelta(hours=12)  # administration rows this close are steps of one infusion
HORIZON = timedelta(days=400)  # how far ahead an order without an end is laid out
UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # an order that carries no time at all, nor its message


@dataclass(frozen=True, slots=True)
class Occasion:
    """One dose of one order."""

    order: str
    at: datetime
    ends_at: datetime
    dose: Amount | None  # in g or g/kg
    given: bool
    provenance: Provenance | None


@dataclass(frozen=True, slots=True)
class Course:
    """The doses of one order, oldest first."""

    order: str
    starts_at: datetime
    ends_at: datetime | None  # None while it is open-ended
    occasions: tuple[Occasion, ...]


def course_of(order: OrderState, site: Site) -> Course:
    """Lay out an order's doses: given ones take the place of what was planned for that day."""
    assert order.content is not None
    start = _start(order)
    given = _given(order)
    planned = [] if order.is_administration_only else _planned(order, order.content, start, site)
    days_given = {_day(occasion.at, site.zone) for occasion in given}
    kept = [occasion for occasion in planned if _day(occasion.at, site.zone) not in days_given]
    occasions = tuple(sorted([*given, *kept], key=lambda occasion: occasion.at))
    first = min([start, *(occasion.at for occasion in occasions)])
    return Course(order.key, first, _end(order, occasions), occasions)


def _start(order: OrderState) -> datetime:
    content = order.content
    assert content is not None
    if content.starts is not None:
        return content.starts.at
    started = [entry.event.started.at for entry in order.given if _started(entry)]  # type: ignore[union-attr]  # _started looks for it
    return min(started) if started else content.at or UNDATED


def _started(entry: Entry) -> bool:
    return isinstance(entry.event, MedicationGiven) and entry.event.started is not None


def _end(order: OrderState, occasions: Sequence[Occasion]) -> datetime | None:
    if order.is_stopped:
        return order.stopped_at
    content = order.content
    if content is not None and any("open_ended" in timing.flags for timing in content.timings):
        return None
    return max((occasion.ends_at for occasion in occasions), default=None)


def _planned(order: OrderState, content: MedicationOrdered, start: datetime, site: Site) -> list[Occasion]:
    hours = next((timing.occurrence_hours for timing in content.timings if timing.occurrence_hours), None)
    lasts = timedelta(hours=float(hours)) if hours else timedelta(hours=12)
    source = provenance(order.source) if order.source else None
    times = expand(content.timings, site.zone, start + HORIZON, start) or [start]
    if order.is_stopped and order.stopped_at is not None:
        times = [at for at in times if at <= order.stopped_at]
    return [Occasion(order.key, at, at + lasts, content.dose, given=False, provenance=source) for at in times]


def _given(order: OrderState) -> list[Occasion]:
    """Administrations, with the steps of one infusion added up."""
    doses: list[list[Entry]] = []
    for entry in sorted(filter(_started, order.given), key=_start_of):
        if doses and _start_of(entry) - _start_of(doses[-1][0]) < ONE_DOSE_WITHIN:
            doses[-1].append(entry)
        else:
            doses.append([entry])
    return [_occasion(order.key, steps) for steps in doses]


def _start_of(entry: Entry) -> datetime:
    assert isinstance(entry.event, MedicationGiven)
    assert entry.event.started is not None
    return entry.event.started.at


def _occasion(key: str, steps: list[Entry]) -> Occasion:
    events = [step.event for step in steps if isinstance(step.event, MedicationGiven)]
    amounts = [event.grams for event in events if event.grams is not None]
    ends = [event.ended.at for event in events if event.ended is not None]
    total = (
        Amount(low=sum(a.low for a in amounts), high=sum(a.high for a in amounts), unit=amounts[0].unit)  # type: ignore[arg-type]  # a sum of Decimals, never of nothing
        if amounts
        else None
    )
    at = _start_of(steps[0])
    return Occasion(key, at, max([at, *ends]), total, given=True, provenance=provenance(steps[0]))


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def doses_of(course: Course) -> list[Dose]:
    """The doses as the rules look at them."""
    return [
        Dose(occasion.at, _grams(occasion.dose), occasion.given, occasion.order, occasion.provenance)
        for occasion in course.occasions
        if not _nothing_given(occasion)
    ]


def _grams(dose: Amount | None) -> Range | None:
    return Range(dose.low, dose.high, dose.flags) if dose is not None and dose.unit == "g" else None


def _nothing_given(occasion: Occasion) -> bool:
    return occasion.given and occasion.dose is not None and occasion.dose.high == 0


def run_around(occasions: Sequence[Occasion], own: str, gap: timedelta) -> list[Occasion]:
    """The doses of every order that belong to one course with this order's: no `gap` or longer between two of them."""
    runs: list[list[Occasion]] = []
    for occasion in sorted(occasions, key=lambda one: one.at):
        if runs and occasion.at - runs[-1][-1].at < gap:
            runs[-1].append(occasion)
        else:
            runs.append([occasion])
    mine = [run for run in runs if any(occasion.order == own for occasion in run)]
    return max(mine, key=len) if mine else []


def consecutive_days(occasions: Sequence[Occasion], zone: ZoneInfo) -> int:
    """The longest run of calendar days with a dose."""
    days = sorted({_day(occasion.at, zone) for occasion in occasions if not _nothing_given(occasion)})
    longest = run = 1 if days else 0
    for before, after in pairwise(days):
        run = run + 1 if after - before == timedelta(days=1) else 1
        longest = max(longest, run)
    return longest
