"""The answer to each IVIg order of one patient, and to what came after its doses. No database, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from clinical.events import MedicationOrdered
from clinical.words import ABOUT_ORDER, AFTER_INFUSION, Tier
from history.choices import Site
from history.conclusion import Conclusion, conclusion_of
from history.courses import Course, course_of, doses_of
from history.entries import Entry
from history.facts import Timeline, facts_of, lay_out, medication_fact, provenance, weight_on
from history.judged_order import judged_order
from history.orders import BADGES, CONTAINER, OrderState, fold_orders
from history.products import is_answered, product_of
from rules.assessment import Assessment
from rules.dates import last_moment
from rules.evaluate import evaluate
from rules.facts import Case, Dose, Fact, Order, Patient, events_among
from rules.knowledge import Knowledge
from rules.recognition import Product


@dataclass(frozen=True)  # without slots: the conclusion is cached
class OrderAnswer:
    """One IVIg order with its answer: the case, the findings, and the conclusion to store and show."""

    order: OrderState  # its current numbers, state and content
    product: Product
    case: Case  # what the rules looked at
    assessment: Assessment  # what the rules found
    starts_at: datetime | None
    ends_at: datetime | None  # None while it is open-ended
    badges: frozenset[str]  # test, replay
    shown: dict[str, Any]  # who the patient is, as an alert shows it
    stream: str = ABOUT_ORDER

    @property
    def tier(self) -> Tier:
        """How strongly the rules speak."""
        return self.assessment.tier

    @property
    def is_surveillance(self) -> bool:
        """Whether it is about what came after a dose, and not about the order itself."""
        return self.stream == AFTER_INFUSION

    @cached_property
    def conclusion(self) -> Conclusion:
        """The answer as it is stored; made on demand, because a backtest never needs it."""
        return conclusion_of(self.assessment, self.case, self.order, self.shown)


@dataclass(frozen=True, slots=True)
class _PatientRecord:
    """What every order of the patient is judged with."""

    patient: Patient
    facts: Timeline
    history_received: bool
    history_as_of: datetime | None
    shown: dict[str, Any]


def answer_orders(
    entries: Sequence[Entry],
    patient: Patient,
    knowledge: Knowledge,
    site: Site,
    *,
    history_received: bool,
    history_as_of: datetime | None = None,
    shown: dict[str, Any],
) -> list[OrderAnswer]:
    """Judge every IVIg order of one patient, and what came after its doses; entries come oldest version first."""
    orders = [
        (order, product_of(knowledge, order.content)) for order in fold_orders(entries) if order.content is not None
    ]
    facts = lay_out([*facts_of(entries, site.zone, patient.birth_date), *_medications(orders, site)], knowledge)
    record = _PatientRecord(patient, facts, history_received, history_as_of, shown)
    courses = {order.key: course_of(order, product.brand, site) for order, product in orders if product.is_ivig}
    asked = [(order, product) for order, product in orders if order.state != CONTAINER]
    answered = [
        _answer(order, product, courses, record, knowledge, site) for order, product in asked if product.is_ivig
    ]
    beside = [  # not IVIg, so its doses do not count in a course of IVIg
        _answer(order, product, courses | {order.key: course_of(order, product.brand, site)}, record, knowledge, site)
        for order, product in asked
        if not product.is_ivig and is_answered(knowledge, product)
    ]
    return [*answered, *_watched(answered, courses, facts, entries, knowledge, site), *beside]


def why_unanswered(entries: Sequence[Entry], knowledge: Knowledge) -> dict[str, str]:
    """Return, for every number of an order that gets no answer of its own, the reason."""
    reasons: dict[str, str] = {}
    for order in fold_orders(entries):
        if order.content is None:
            reason = "order_withdrawn"
        elif order.state == CONTAINER:
            reason = "order_container"
        else:
            counts = is_answered(knowledge, product_of(knowledge, order.content))
            reason = "order_absorbed" if counts else "order_not_ivig"
        reasons |= dict.fromkeys(order.numbers, reason)
    return reasons


def _watched(
    answered: Sequence[OrderAnswer],
    courses: dict[str, Course],
    facts: Timeline,
    entries: Sequence[Entry],
    knowledge: Knowledge,
    site: Site,
) -> list[OrderAnswer]:
    """Return the orders whose doses were followed by an event."""
    doses = sorted(
        (dose for one in answered for dose in doses_of(courses[one.order.key], site)),
        key=lambda dose: (dose.at, dose.order),
    )
    found = []
    for one in answered:
        watched = watch(one.case, facts, doses, knowledge)
        if watched is not None:
            case, assessment = watched
            badges = _badges_of(assessment, case.order, entries)
            found.append(replace(one, case=case, assessment=assessment, badges=badges, stream=AFTER_INFUSION))
    return found


def _badges_of(assessment: Assessment, order: Order, entries: Sequence[Entry]) -> frozenset[str]:
    """Return the badges that all events found share: an old event beside a new one is news."""
    flags = {provenance(entry): frozenset(entry.event.flags) for entry in entries}
    facts = [fact for finding in assessment.findings for fact in finding.facts]
    sources = [event.provenance for event in events_among(facts, order)]
    return BADGES.intersection(*(flags.get(source, frozenset()) for source in sources if source is not None))


def _medications(orders: list[tuple[OrderState, Product]], site: Site) -> list[Fact]:
    others = [medication_fact(order, _end(order), site.zone) for order, product in orders if not product.is_ivig]
    return [fact for fact in others if fact is not None]


def _end(order: OrderState) -> datetime | None:
    """Return when it was last taken: until it was stopped, or had run out before that."""
    timings = order.content.timings if order.content else ()
    planned = max((timing.ends.at for timing in timings if timing.ends), default=None)
    ends = [end for end in (planned, order.stopped_at if order.is_stopped else None) if end is not None]
    return min(ends, default=None)


def _answer(
    order: OrderState,
    product: Product,
    courses: dict[str, Course],
    record: _PatientRecord,
    knowledge: Knowledge,
    site: Site,
) -> OrderAnswer:
    course = courses[order.key]
    at = _moment(order, course, record.facts).astimezone(site.zone)
    other_doses = tuple(
        sorted(
            (
                dose
                for key, other in courses.items()
                for dose in doses_of(other, site)
                if key != order.key or dose.given
            ),
            key=lambda dose: (dose.at, dose.order),
        )
    )
    weight = weight_on(at, record.facts.weights, record.patient)
    case = Case(
        order=judged_order(order, product, course, list(courses.values()), site, weight),
        patient=record.patient,
        at=at,
        facts=record.facts.until(at, provenance(order.source) if order.source is not None else None),
        doses=_until_course(other_doses, at),
        history_received=record.history_received,
        history_as_of=record.history_as_of,
    )
    assessment = evaluate(case, knowledge)
    return OrderAnswer(order, product, case, assessment, course.starts_at, course.ends_at, order.badges, record.shown)


def _until_course(doses: tuple[Dose, ...], at: datetime) -> tuple[Dose, ...]:
    """Doses up to the moment judged for; a planned dose in the future says nothing about the past."""
    return tuple(dose for dose in doses if dose.at <= at)


def _moment(order: OrderState, course: Course, facts: Timeline) -> datetime:
    """Return the moment judged for (decision 2): the newest fact in the order's life, never before its start."""
    moments = [course.starts_at, facts.latest_start]
    if order.source is not None and isinstance(order.source.event, MedicationOrdered):
        moments.append(order.source.happened_at)
    latest = max(moment for moment in moments if moment is not None)
    ends = [end for end in (course.ends_at, order.stopped_at) if end is not None]
    return max(course.starts_at, min([latest, *ends]))


def watch(
    case: Case, timeline: Timeline, doses: Sequence[Dose], knowledge: Knowledge
) -> tuple[Case, Assessment] | None:
    """Look for an event after the doses of this order; None when there is none.

    `doses` are those of every order, given or planned, oldest first: each event belongs to the order that gave the last
    one before it. The case is judged for the moment of its latest event, so what happens later does not change it.
    """
    first = next((dose.at for dose in doses if dose.order == case.order.key), None)
    if first is None or timeline.latest_event is None or timeline.latest_event < first:
        return None
    whole = replace(case, facts=timeline.facts, doses=tuple(doses), at=timeline.latest_moment or timeline.latest_event)
    seen = evaluate(whole, knowledge, AFTER_INFUSION)
    if seen.tier == Tier.NONE:
        return None
    at = _newest([event for finding in seen.findings for event in events_among(finding.facts, case.order)])
    then = replace(whole, facts=timeline.until(at), at=at)
    return then, evaluate(then, knowledge, AFTER_INFUSION)


def _newest(facts: Sequence[Fact]) -> datetime:
    return max(moment for fact in facts if (moment := last_moment(fact)))
