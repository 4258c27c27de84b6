"""Words about what came after IVIg of the judged order; used by the rules of surveillance after infusion."""

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from rules.conditions.history import dose_fact, saw
from rules.conditions.vocabulary import Kind, WrittenCondition, word
from rules.dates import days, days_between, last_moment
from rules.facts import HISTORY, Dose, Fact
from rules.mentions import OWN
from rules.picture import Picture
from rules.terms import Check, Outcome
from rules.treatment import treatments, was_treated

_SUSPECTED = frozenset({"suspected"})


class Followed(NamedTuple):
    """An event, and the dose of IVIg it followed."""

    event: Fact
    dose: Dose


@word(
    Kind.SETS,
    needs={"within_days": Kind.NUMBER},
    may={"certainty": Kind.CHOICE},
    part_choices={"certainty": ("suspected",)},
    follows=True,
)
def after_this_ivig(written: WrittenCondition) -> Check:
    """Begun at most so many days after the last dose before it, when this order gave that dose."""
    window = days(written.number("within_days"))
    certainty = _SUSPECTED if "certainty" in written.parts else OWN

    def check(picture: Picture) -> Outcome:
        events = [fact for fact in picture.with_certainty(written.names, certainty) if fact.kind in HISTORY]
        return _outcome(_followed(picture, events, window))

    return check


@word(Kind.CHOICE, needs={"within_days": Kind.NUMBER}, choices=("therapeutic",), follows=True)
def anticoagulated_after_this_ivig(written: WrittenCondition) -> Check:
    """Treatment with an anticoagulant begun so soon after a dose of this order, and not in use when it was given."""
    window = days(written.number("within_days"))

    def check(picture: Picture) -> Outcome:
        begun = _followed(picture, treatments(picture), window)
        return _outcome([each for each in begun if not was_treated(picture, each.dose.at)])

    return check


@word(Kind.SETS)
def more_ivig_planned_after(written: WrittenCondition) -> Check:
    """A dose of any order is planned, and not reported as given, after such an event that followed this order."""

    def check(picture: Picture) -> Outcome:
        if picture.case.patient.deceased:
            return Outcome(held=False)
        events = [fact for fact in picture.with_certainty(written.names) if fact.kind in HISTORY]
        for event, dose in _followed(picture, events, timedelta.max):
            for later in picture.case.doses:
                if not later.given and later.at > dose.at and event.starts is not None and later.at > event.starts:
                    return Outcome(held=True, facts=(dose_fact(later),), saw=f"{later.at:%Y-%m-%d}")
        return Outcome(held=False)

    return check


def _followed(picture: Picture, events: Iterable[Fact], window: timedelta) -> list[Followed]:
    """The events whose last dose before them was of this order, at most so long before."""
    found = []
    for event in events:
        dose = dose_before(picture.case.doses, event)
        if dose is None or event.starts is None or dose.order != picture.case.order.key:
            continue
        if days_between(dose.at, event.starts) <= window:
            found.append(Followed(event, dose))
    return found


def dose_before(doses: tuple[Dose, ...], event: Fact) -> Dose | None:
    """Return the last dose before an event.

    A dose that was only planned counts when the event surely came after it: of a day whose hour is not told, the event
    may have been why it was not given. A date without a month is too vague.
    """
    last = last_moment(event)
    if event.starts is None or last is None or event.precision == "year":
        return None
    before = [dose for dose in doses if dose.at <= (last if dose.given else event.starts)]
    return max(before, key=lambda dose: dose.at, default=None)


def _outcome(followed: list[Followed]) -> Outcome:
    if not followed:
        return Outcome(held=False)
    events = [each.event for each in followed]
    facts = [fact for event, dose in followed for fact in (event, dose_fact(dose))]
    return Outcome(held=True, facts=tuple(facts), saw=saw(events))
