"""The answer to each IVIg order of one patient, and to what came after its doses. No database, no clock."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.quantities import Quantity, exactly
from clinical.words import ABOUT_ORDER, AFTER_INFUSION, Tier
from history.choices import Site
from history.conclusion import Conclusion, conclusion_of
from history.courses import Course, Occasion, course_of, day_of, doses_of
from history.entries import Entry
from history.facts import (
    BodyWeight,
    Timeline,
    medication_fact,
    newest_start,
    placed_facts,
    provenance,
    timeline_of,
    weight_on,
)
from history.infusions import Convert, Infusions, portions
from history.orders import BADGES, CONTAINER, OrderState, fold_orders
from history.products import is_answered, product_of
from parsers.medication import courses as arithmetic
from parsers.medication.amounts import in_grams, is_implausible, maybe_course_total, per_kg
from parsers.medication.courses import Portion
from parsers.medication.rates import hourly
from rules.assessment import Assessment
from rules.dates import last_moment
from rules.evaluate import evaluate
from rules.facts import Case, Dose, Fact, Order, Patient, Provenance, events_among
from rules.knowledge import Knowledge
from rules.recognition import Product
from rules.sorted_facts import Placed, SortedFacts

_PER_MINUTE = Decimal(1000) / Decimal(60)  # g/kg/h → mg/kg/min


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

    def up_to(self, history_as_of: datetime | None) -> "OrderAnswer":
        """Return the same answer for a history that is complete up to another moment."""
        if history_as_of == self.case.history_as_of:
            return self
        other = replace(self, case=replace(self.case, history_as_of=history_as_of))
        if "conclusion" in self.__dict__:
            other.__dict__["conclusion"] = self.conclusion.up_to(history_as_of)
        return other


@dataclass(frozen=True, slots=True)
class LaidOutHistory:
    """What every order of the patient is judged with."""

    patient: Patient
    orders: Sequence[tuple[OrderState, Product]]
    facts: Timeline
    infusions: Infusions
    flags_by_source: Mapping[Provenance, frozenset[str]]  # the flags of entries that have some
    history_received: bool
    history_as_of: datetime | None
    shown: dict[str, Any]


class EarlierAnswers:
    """The answers to a patient's orders before some facts came or went, and which of them still hold."""

    def __init__(self, answers: Iterable[OrderAnswer], changed: Sequence[Fact], *, may_follow: bool) -> None:
        """Take the facts that went and those that came; `may_follow`: one of them may be an event after a dose."""
        self._answers = {(one.stream, one.order.key): one for one in answers}
        self._changed, self._may_follow = changed, may_follow
        self._holding: set[str] = set()

    def about(self, order: OrderState, record: LaidOutHistory) -> OrderAnswer | None:
        """Return the answer to an order that did not change, if it is judged for the same moment and facts as before.

        Then its case is the same, and so is whatever follows from it.
        """
        found = self._answers.get((ABOUT_ORDER, order.key))
        if found is None or found.starts_at is None:
            return None
        at = _moment(order, found.starts_at, found.ends_at, record.facts)
        if at != found.case.at or any(fact.starts is None or fact.starts <= at for fact in self._changed):
            return None
        self._holding.add(order.key)
        return found.up_to(record.history_as_of)

    def is_without_event(self, order: OrderState) -> bool:
        """Return whether no event followed the doses of this order, as before."""
        key = order.key
        return not self._may_follow and key in self._holding and (AFTER_INFUSION, key) not in self._answers


def answer_orders(
    record: LaidOutHistory,
    knowledge: Knowledge,
    site: Site,
    *,
    only: Collection[str] | None = None,
    earlier: EarlierAnswers | None = None,
) -> list[OrderAnswer]:
    """Judge every IVIg order of one patient, and what came after its doses.

    With `only`, just the orders with these numbers are judged, with the doses of all orders but not what came after.
    With `earlier`, an answer that still holds is reused; the orders must be the same as they were then.
    """
    asked = [
        (order, product)
        for order, product in record.orders
        if order.state != CONTAINER and (only is None or not order.numbers.isdisjoint(only))
    ]
    answered, beside = [], []
    for order, product in asked:
        if product.is_ivig:
            found = earlier.about(order, record) if earlier is not None else None
            answered.append(found or _answer(order, product, record, knowledge, site))
        elif is_answered(knowledge, product):
            # Not IVIg, so its doses do not count in a course of IVIg.
            own = replace(record, infusions=record.infusions.beside(course_of(order, product.brand, site)))
            beside.append(_answer(order, product, own, knowledge, site))
    watched = _watched(answered, record, knowledge, site, earlier) if only is None else ()
    return [*answered, *watched, *beside]


def record_of(
    entries: Sequence[Entry],
    patient: Patient,
    knowledge: Knowledge,
    site: Site,
    *,
    history_received: bool,
    history_as_of: datetime | None = None,
    shown: dict[str, Any],
) -> LaidOutHistory:
    """Lay out what the orders of a patient are judged with; entries come oldest version first."""
    orders, facts = orders_and_facts(entries, patient, knowledge, site)
    infusions = infusions_of(orders, site)
    return LaidOutHistory(
        patient, orders, facts, infusions, flags_by_source(entries), history_received, history_as_of, shown
    )


def flags_by_source(entries: Iterable[Entry]) -> dict[Provenance, frozenset[str]]:
    """Return the flags of the entries that have some, by where they were read."""
    return {provenance(entry): frozenset(entry.event.flags) for entry in entries if entry.event.flags}


def infusions_of(orders: Iterable[tuple[OrderState, Product]], site: Site) -> Infusions:
    """Return the doses of the orders that are for IVIg."""
    return Infusions(
        {order.key: course_of(order, product.brand, site) for order, product in orders if product.is_ivig}, site
    )


def orders_and_facts(
    entries: Sequence[Entry], patient: Patient, knowledge: Knowledge, site: Site
) -> tuple[list[tuple[OrderState, Product]], Timeline]:
    """Return every order with its product, and the facts with the other medicines among them."""
    orders = [
        (order, product_of(knowledge, order.content)) for order in fold_orders(entries) if order.content is not None
    ]
    facts: list[Placed] = placed_facts(entries, site.zone, patient.birth_date, newest_start(entries))
    facts += [((1, at), fact) for at, fact in enumerate(_medications(orders, site))]
    return orders, timeline_of(SortedFacts(facts, knowledge.terms), knowledge)


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
    record: LaidOutHistory,
    knowledge: Knowledge,
    site: Site,
    earlier: EarlierAnswers | None,
) -> list[OrderAnswer]:
    """Return the orders whose doses were followed by an event."""
    latest, infusions = record.facts.latest_event, record.infusions
    possible = [
        one
        for one in answered
        if (first := infusions.first_dose(one.order.key)) is not None and latest is not None and first <= latest
        if earlier is None or not earlier.is_without_event(one.order)
    ]
    if not possible:
        return []
    doses = sorted(
        (dose for one in answered for dose in doses_of(infusions.courses[one.order.key], site)),
        key=lambda dose: (dose.at, dose.order),
    )
    found = []
    for one in possible:
        watched = watch(one.case, record.facts, doses, knowledge)
        if watched is not None:
            case, assessment = watched
            badges = _badges_of(assessment, case.order, record.flags_by_source)
            found.append(replace(one, case=case, assessment=assessment, badges=badges, stream=AFTER_INFUSION))
    return found


def _badges_of(
    assessment: Assessment, order: Order, flags_by_source: Mapping[Provenance, frozenset[str]]
) -> frozenset[str]:
    """Return the badges that all events found share: an old event beside a new one is news."""
    facts = [fact for finding in assessment.findings for fact in finding.facts]
    sources = [event.provenance for event in events_among(facts, order)]
    return BADGES.intersection(*(flags_by_source.get(source, frozenset()) for source in sources if source is not None))


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
    order: OrderState, product: Product, record: LaidOutHistory, knowledge: Knowledge, site: Site
) -> OrderAnswer:
    course = record.infusions.courses[order.key]
    at = _moment(order, course.starts_at, course.ends_at, record.facts).astimezone(site.zone)
    weight = weight_on(at, record.facts.weights, record.patient, knowledge)
    case = Case(
        order=judged_order(order, product, course, record.infusions, site, weight),
        patient=record.patient,
        at=at,
        facts=record.facts.until(at, provenance(order.source) if order.source is not None else None),
        doses=record.infusions.others(order.key, at),
        history_received=record.history_received,
        history_as_of=record.history_as_of,
    )
    assessment = evaluate(case, knowledge)
    return OrderAnswer(order, product, case, assessment, course.starts_at, course.ends_at, order.badges, record.shown)


def _moment(order: OrderState, starts_at: datetime, ends_at: datetime | None, facts: Timeline) -> datetime:
    """Return the moment judged for (decision 2): the newest fact in the order's life, never before its start."""
    moments = [starts_at, facts.latest_start]
    if order.source is not None and isinstance(order.source.event, MedicationOrdered):
        moments.append(order.source.happened_at)
    latest = max(moment for moment in moments if moment is not None)
    ends = [end for end in (ends_at, order.stopped_at) if end is not None]
    return max(starts_at, min([latest, *ends]))


def watch(
    case: Case, timeline: Timeline, doses: Sequence[Dose], knowledge: Knowledge
) -> tuple[Case, Assessment] | None:
    """Look for an event after the doses of this order; None when there is none.

    `doses` are those of every order, given or planned, oldest first: each event belongs to the order that gave the last
    one before it. The case is judged for the moment of its latest event, so what happens later does not change it.
    """
    if timeline.latest_event is None:
        return None
    whole = replace(
        case, facts=timeline.facts.until(None), doses=tuple(doses), at=timeline.latest_moment or timeline.latest_event
    )
    seen = evaluate(whole, knowledge, AFTER_INFUSION)
    if seen.tier == Tier.NONE:
        return None
    at = _newest([event for finding in seen.findings for event in events_among(finding.facts, case.order)])
    then = replace(whole, facts=timeline.until(at), at=at)
    return then, evaluate(then, knowledge, AFTER_INFUSION)


def _newest(facts: Sequence[Fact]) -> datetime:
    return max(moment for fact in facts if (moment := last_moment(fact)))


def judged_order(
    order: OrderState,
    product: Product,
    own: Course,
    infusions: Infusions,
    site: Site,
    weight: BodyWeight | None,
) -> Order:
    """Return everything a rule may ask about the order; what cannot be known is None."""
    content = order.content
    assert content is not None
    run = infusions.run_around(order.key)
    days = sorted({day_of(occasion, site.zone) for occasion in run})
    dose = content.dose
    asked = Order(
        key=order.key,
        codings=content.codings,
        text=content.text,
        route=product.route,
        brand=product.brand,
        dosing_days=len(days) or None,
        consecutive_days=arithmetic.consecutive_days(days) or None,
        weight_kg=weight.kg if weight else None,
        weight_at=weight.fact.starts if weight else None,
        weight_provenance=weight.fact.provenance if weight else None,
        dose_basis=dose.unit if dose else "",
        indications=content.indications,
        starts=own.starts_at.astimezone(site.zone),
        flags=_flags(content, product),
        provenance=provenance(order.source) if order.source else None,
        product_class=product.product_class,
    )
    kg = exactly(weight.kg, "kg") if weight else None
    doses = _divided(own, dose, kg, site)
    dosed = _with_doses(asked, content, doses, run, infusions, kg, site)
    return _with_rate(_with_same_days(dosed, doses, infusions, kg, site), order, kg)


def _flags(content: MedicationOrdered, product: Product) -> tuple[str, ...]:
    doubtful = [content.flags, product.flags, *(timing.flags for timing in content.timings)]
    doubtful.extend(amount.flags for amount in (content.dose, content.rate) if amount is not None)
    return tuple(sorted({flag for flags in doubtful for flag in flags} - BADGES))


def _divided(own: Course, dose: Quantity | None, kg: Quantity | None, site: Site) -> list[Occasion]:
    """Return the order's own doses; where a planned dose may be the whole course, its low end is one day's part."""
    days = len({day_of(occasion, site.zone) for occasion in own.occasions})
    if dose is None or days < 2:
        return list(own.occasions)
    part = maybe_course_total(dose, kg, days)
    return [occasion if occasion.given else replace(occasion, dose=part) for occasion in own.occasions]


def _with_doses(
    asked: Order,
    content: MedicationOrdered,
    own: Sequence[Occasion],
    run: Sequence[Occasion],
    infusions: Infusions,
    kg: Quantity | None,
    site: Site,
) -> Order:
    day = portions(own, in_grams, kg)
    day_per_kg = portions(own, per_kg, kg)
    in_a_day = arithmetic.per_day(day, site.zone) if day else None
    implausible = in_a_day is not None and is_implausible(in_a_day, kg)
    return replace(
        asked,
        flags=tuple(sorted({*asked.flags, *_doubts(own)} | ({"implausible"} if implausible else set()))),
        grams_per_administration=in_grams(content.dose, kg) if content.dose else None,
        grams_per_day=in_a_day,
        grams_per_kg_per_day=arithmetic.per_day(day_per_kg, site.zone) if day_per_kg else None,
        course_grams=_course(run, content, in_grams, kg),
        course_grams_per_kg=_course(run, content, per_kg, kg),
        trailing_28_days_grams_per_kg=infusions.most_in_four_weeks(kg),
    )


def _with_same_days(
    asked: Order, own: Sequence[Occasion], infusions: Infusions, kg: Quantity | None, site: Site
) -> Order:
    """Return the order with what the patient gets in a day of all her orders, where she has more than this one."""
    others = infusions.same_days(asked.key)
    if not others:
        return asked
    in_all = [
        arithmetic.per_day([*day, *more], site.zone)
        if (day := portions(own, convert, kg)) and (more := _known_portions(others, convert, kg))
        else None
        for convert in (in_grams, per_kg)
    ]
    first = {one.order: one for one in reversed(others)}
    doses = [
        dose
        for one in sorted(first.values(), key=lambda one: (one.at, one.order))
        for dose in doses_of(replace(infusions.courses[one.order], occasions=(one,)), site)
    ]
    return replace(asked, same_day=tuple(doses), all_grams_per_day=in_all[0], all_grams_per_kg_per_day=in_all[1])


def _known_portions(occasions: Iterable[Occasion], convert: Convert, kg: Quantity | None) -> list[Portion]:
    """Return the doses that are known in that unit."""
    return [portion for one in occasions for portion in portions([one], convert, kg) or ()]


def _doubts(own: Iterable[Occasion]) -> set[str]:
    return {flag for occasion in own if occasion.dose is not None for flag in occasion.dose.flags}


def _course(
    run: Sequence[Occasion], content: MedicationOrdered, convert: Convert, kg: Quantity | None
) -> Quantity | None:
    """Return the whole course: what the doses come to, or what the order itself says of it."""
    doses = portions(run, convert, kg)
    of_doses = arithmetic.total(doses) if doses else None
    stated = convert(content.course_grams, kg) if content.course_grams is not None else None
    return _largest(of_doses, stated)


def _with_rate(asked: Order, order: OrderState, kg: Quantity | None) -> Order:
    """Return the fastest rate that is planned or was reached."""
    content = order.content
    assert content is not None
    reached = [entry.event.rate for entry in order.given if isinstance(entry.event, MedicationGiven)]
    per_hour = per_kg_hour = None
    for rate in (content.rate, content.rate_mean, *reached):
        grams, grams_per_kg = hourly(rate, kg)
        per_hour, per_kg_hour = _largest(per_hour, grams), _largest(per_kg_hour, grams_per_kg)
    return replace(
        asked,
        grams_per_hour=per_hour,
        mg_per_kg_per_minute=_per_minute(per_kg_hour),
        mean_mg_per_kg_per_minute=_per_minute(hourly(content.rate_mean, kg)[1]),
    )


def _per_minute(rate: Quantity | None) -> Quantity | None:
    if rate is None:
        return None
    return Quantity(rate.low * _PER_MINUTE, rate.high * _PER_MINUTE, "mg/kg/min", rate.basis, rate.flags)


def _largest(one: Quantity | None, other: Quantity | None) -> Quantity | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda quantity: (quantity.high, quantity.low))
