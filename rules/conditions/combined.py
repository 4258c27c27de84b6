"""Words that put other conditions together."""

from rules.conditions.vocabulary import Kind, Said, word
from rules.picture import Picture, together
from rules.terms import Check, Outcome


@word(Kind.CONDITIONS)
def any_(said: Said) -> Check:
    """At least one of these holds."""

    def check(picture: Picture) -> Outcome:
        return together(picture.held(said.conditions))

    return check


@word(Kind.CONDITIONS)
def all_(said: Said) -> Check:
    """All of these hold; for use under `any`."""

    def check(picture: Picture) -> Outcome:
        outcomes = [picture.hold(condition) for condition in said.conditions]
        if not all(outcome.held for outcome in outcomes):
            return Outcome(held=False)
        return together(outcomes)

    return check


@word(Kind.STATE)
def is_(said: Said) -> Check:
    """A named state of definitions/states.yaml."""
    name = said.name

    def check(picture: Picture) -> Outcome:
        return picture.state(picture.terms.states[name])

    return check


@word(Kind.STATE)
def is_not(said: Said) -> Check:
    """A named state does not hold."""
    name = said.name

    def check(picture: Picture) -> Outcome:
        return Outcome(held=not picture.state(picture.terms.states[name]).held)

    return check


@word(Kind.NUMBER)
def at_least_risk_factors(said: Said) -> Check:
    """So many different risk factors of definitions/risk_factors.yaml are on record."""
    limit = said.value

    def check(picture: Picture) -> Outcome:
        found = picture.risk_factors
        words = ", ".join([state.name for state, _ in found])
        return Outcome(
            held=len(found) >= limit, facts=picture.risk_facts, saw=f"{len(found)}: {words}" if found else "0"
        )

    return check
