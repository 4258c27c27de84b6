"""Words that put other conditions together."""

from collections.abc import Callable
from decimal import Decimal

from rules.conditions.vocabulary import Kind, WrittenCondition, word
from rules.facts import Fact
from rules.picture import Picture, together
from rules.points import Scored, score
from rules.terms import Check, Outcome


@word(Kind.CONDITIONS)
def any_(written: WrittenCondition) -> Check:
    """At least one of these holds."""

    def check(picture: Picture) -> Outcome:
        return together(picture.held(written.conditions))

    return check


@word(Kind.CONDITIONS)
def all_(written: WrittenCondition) -> Check:
    """All of these hold; for use under `any`."""

    def check(picture: Picture) -> Outcome:
        outcomes = []
        for condition in written.conditions:
            outcome = picture.hold(condition)
            if not outcome.held:  # what follows is not asked: most fail at the first
                return Outcome(held=False)
            outcomes.append(outcome)
        return together(outcomes)

    return check


@word(Kind.STATE)
def is_(written: WrittenCondition) -> Check:
    """A named state of definitions/states.yaml."""
    name = written.name

    def check(picture: Picture) -> Outcome:
        return picture.state(picture.terms.states[name])

    return check


@word(Kind.STATE)
def is_not(written: WrittenCondition) -> Check:
    """A named state does not hold."""
    name = written.name

    def check(picture: Picture) -> Outcome:
        return Outcome(held=not picture.state(picture.terms.states[name]).held)

    return check


@word(Kind.NUMBER)
def at_least_risk_factors(written: WrittenCondition) -> Check:
    """So many different risk factors of definitions/risk_factors.yaml are on record."""
    return _at_least(written.value, lambda scored: (scored.points.factors, scored.patient_facts))


@word(Kind.NUMBER)
def at_least_patient_points(written: WrittenCondition) -> Check:
    """So many points of the patient alone, as definitions/points.yaml counts them."""
    return _at_least(written.value, lambda scored: (scored.points.patient, scored.patient_facts))


@word(Kind.NUMBER)
def at_least_points(written: WrittenCondition) -> Check:
    """So many points of the patient and the plan together; a plan adds nothing to a patient without points."""
    return _at_least(written.value, lambda scored: (scored.points.total, scored.facts))


def _at_least(limit: Decimal, count: Callable[[Scored], tuple[int, tuple[Fact, ...]]]) -> Check:
    def check(picture: Picture) -> Outcome:
        number, facts = count(score(picture))
        return Outcome(number >= limit, facts, _seen(number, score(picture)))

    return check


def _seen(number: int, scored: Scored) -> str:
    names = ", ".join([f"{each.name} {each.points}" for each in scored.points.counted])
    return f"{number}: {names}" if names else "0"
