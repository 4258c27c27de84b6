"""Points of the risk factors of the patient and of the plan (definitions/points.yaml)."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from clinical.words import Text
from rules.assessment import Point, Points
from rules.facts import Fact, once
from rules.picture import Picture, once_for_a_picture
from rules.terms import Outcome, PlanLine, State, Weights


class Scored(Struct, frozen=True, gc=False):
    """The points of one case, and the facts that show them."""

    points: Points
    patient_facts: tuple[Fact, ...]
    facts: tuple[Fact, ...]


@once_for_a_picture
def score(picture: Picture) -> Scored:
    """Count every factor of the patient once, then what the plan adds to a patient who has points."""
    weights = picture.terms.points
    found = _apart(weights, picture.risk_factors)
    counted, seen = _patient(weights, found)
    patient = sum(each.points for each in counted)
    facts = once(fact for outcome in found.values() for fact in outcome[1].facts)
    plan = _plan(weights, picture) if patient else ()
    total = patient + sum(line.points for line, _ in plan)
    counted += [Point(line.name, line.title, line.points, "plan") for line, _ in plan]
    return Scored(
        Points(patient, total, seen, tuple(counted)), facts, once([*facts, *(fact for _, own in plan for fact in own)])
    )


def _apart(weights: Weights, factors: Collection[tuple[State, Outcome]]) -> dict[str, tuple[State, Outcome]]:
    """Leave out a factor whose conditions all count as another factor already."""
    found = {state.name: (state, outcome) for state, outcome in factors}
    for names in weights.once:
        used: set[int] = set()
        for name in names:
            if name not in found:
                continue
            own = {id(fact) for fact in found[name][1].facts}
            if own and own <= used:
                del found[name]
            used |= own
    return found


def _patient(weights: Weights, found: Mapping[str, tuple[State, Outcome]]) -> tuple[list[Point], int]:
    """Return the points of the patient, the heaviest first, and how many different factors they come from."""
    weighs = [name for name in found if weights.patient[name].points]
    alone = [(name, state) for name, (state, _) in found.items() if not weights.patient[name].together]
    counted = [Point(name, state.title, weights.patient[name].points, "patient") for name, state in alone]
    counted.sort(key=lambda each: -each.points)
    groups: dict[str, list[State]] = {}
    for name, (state, _) in found.items():
        if weights.patient[name].together:
            groups.setdefault(weights.patient[name].together, []).append(state)
    for group, states in groups.items():
        title = Text({language: ", ".join(each.title[language] for each in states) for language in states[0].title})
        points = weights.patient[states[0].name].points if any(weights.patient[name].points for name, _ in alone) else 0
        counted.append(Point(states[0].name if len(states) == 1 else group, title, points, "patient"))
    return counted, len(weighs)


def _plan(weights: Weights, picture: Picture) -> tuple[tuple[PlanLine, tuple[Fact, ...]], ...]:
    """Return what the plan adds: of each group the first line that holds, with the facts that show it."""
    found: dict[str, tuple[PlanLine, tuple[Fact, ...]]] = {}
    for line in weights.plan:
        if line.group in found:
            continue
        outcomes = [picture.hold(each) for each in line.when]
        if all(outcome.held for outcome in outcomes):
            found[line.group] = (line, once(fact for outcome in outcomes for fact in outcome.facts))
    return tuple(found.values())
