"""What a picture of a patient shows: doses of IVIg, thromboses, anticoagulants and INR, each with its source."""

from dataclasses import dataclass
from datetime import datetime

from history.choices import Site
from history.courses import course_of, nothing_given
from history.order_answers import orders_and_facts
from history.person import PersonHistory
from rules.dates import days_between
from rules.facts import Case, Fact, Order, Provenance
from rules.knowledge import Knowledge
from rules.picture import Picture
from rules.treatment import Strength, anticoagulants, given_until

VENOUS = ("venous-thromboembolism", "venous-thromboembolism-device-related")
EARLIER = ("venous-thromboembolism-history",)  # the date is when it was written down, unless no more than a year
POSSIBLE = ("venous-thromboembolism-possible",)
ARTERIAL = ("arterial-thrombosis", "arterial-event")
DOUBTED = frozenset({"suspected"})


@dataclass(frozen=True, slots=True)
class PlottedDose:
    """IVIg that was given, or is planned."""

    at: datetime
    until: datetime
    grams: float | None
    given: bool
    source: Provenance | None


@dataclass(frozen=True, slots=True)
class PlottedThrombosis:
    """A thrombosis or another arterial event; without a date it stands in the table alone."""

    name: str
    at: datetime | None
    precision: str
    is_suspected: bool
    source: Provenance | None
    days_after: int | None = None  # after the last dose given before it


@dataclass(frozen=True, slots=True)
class AnticoagulantUse:
    """One anticoagulant from when it was begun until it was stopped, or still, and what its dose says."""

    name: str
    begins: datetime | None
    ends: datetime | None
    strength: Strength
    source: Provenance | None
    end_is_unknown: bool = False  # it was stopped, and nobody said when


@dataclass(frozen=True, slots=True)
class PlottedInr:
    """One INR."""

    at: datetime
    value: float
    is_low: bool
    source: Provenance | None


@dataclass(frozen=True, slots=True)
class Chronology:
    """Everything that the picture shows, oldest first."""

    doses: tuple[PlottedDose, ...] = ()
    thromboses: tuple[PlottedThrombosis, ...] = ()
    uses: tuple[AnticoagulantUse, ...] = ()
    readings: tuple[PlottedInr, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.doses or self.thromboses or self.uses or self.readings)


def chronology_of(person: PersonHistory, knowledge: Knowledge, site: Site, now: datetime) -> Chronology:
    """Return what the picture of one person shows at this moment."""
    orders, timeline = orders_and_facts(person.entries, person.patient, knowledge, site)
    courses = [course_of(order, product.brand, site) for order, product in orders if product.is_ivig]
    occasions = [each for course in courses for each in course.occasions if not nothing_given(each)]
    doses = [
        PlottedDose(
            each.at.astimezone(site.zone),
            each.ends_at.astimezone(site.zone),
            float(each.dose.high) if each.dose is not None and each.dose.unit == "g" else None,
            each.given,
            each.provenance,
        )
        for each in sorted(occasions, key=lambda each: each.at)
    ]
    picture = Picture(Case(Order(key=""), person.patient, now, facts=timeline.facts.until(None)), knowledge.terms)
    given = [dose.at for dose in doses if dose.given]
    return Chronology(tuple(doses), _thromboses(picture, given), _uses(picture), _readings(picture))


def _thromboses(picture: Picture, given: list[datetime]) -> tuple[PlottedThrombosis, ...]:
    events, earlier = picture.history((*VENOUS, *ARTERIAL)), picture.history(EARLIER)
    sure = [*events, *(fact for fact in earlier if fact not in events)]
    possible = picture.history(POSSIBLE)
    doubted = [*possible, *picture.with_certainty((*VENOUS, *EARLIER, *POSSIBLE, *ARTERIAL), DOUBTED)]
    written_later = [fact for fact in earlier if fact not in (*events, *possible) and fact.precision != "year"]
    found: dict[tuple[str, datetime | None], PlottedThrombosis] = {}
    for fact in (*sure, *(fact for fact in doubted if fact not in sure)):
        at = fact.starts if fact not in written_later else None
        precision = fact.precision if at is not None else ""
        after = _days_after(at, precision, given)
        event = PlottedThrombosis(_name(fact), at, precision, fact not in sure, fact.provenance, after)
        found.setdefault((event.name.casefold(), event.at), event)
    return tuple(sorted(found.values(), key=lambda each: (each.at is not None, each.at or picture.case.at)))


def _days_after(at: datetime | None, precision: str, given: list[datetime]) -> int | None:
    """Return the days on the calendar since the last dose given before an event, or on the day that is all we know."""
    if at is None or precision in ("year", "month"):
        return None
    before = (dose for dose in given if dose <= at or (precision != "second" and dose.date() == at.date()))
    return min((days_between(dose, at).days for dose in before), default=None)


def _uses(picture: Picture) -> tuple[AnticoagulantUse, ...]:
    uses = [
        AnticoagulantUse(_name(fact), fact.starts, ends, strength, fact.provenance, _has_unknown_end(picture, fact))
        for fact, strength in anticoagulants(picture)
        for ends in [given_until(picture, fact)]
        if fact.starts is None or ends is None or ends > fact.starts
    ]
    return tuple(sorted(uses, key=lambda use: (use.begins is not None, use.begins or picture.case.at, use.name)))


def _has_unknown_end(picture: Picture, fact: Fact) -> bool:
    return fact.ends is None and not picture.is_present(fact)


def _readings(picture: Picture) -> tuple[PlottedInr, ...]:
    form = picture.terms.anticoagulation.vitamin_k
    found = [
        PlottedInr(each.fact.starts, float(each.low), each.low < form.protects_from, each.fact.provenance)
        for each in picture.readings(form.measurement)
        if each.fact.starts is not None and each.low.is_finite()
    ]
    return tuple(sorted(found, key=lambda each: each.at))


def _name(fact: Fact) -> str:
    return next((coding.display for coding in fact.codings if coding.display), "") or fact.text
