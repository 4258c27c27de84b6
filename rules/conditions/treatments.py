"""Words about medicines in use at the judged moment."""

from rules.conditions.history import is_new, saw
from rules.conditions.vocabulary import COMPARISONS, Kind, WrittenCondition, compare, word
from rules.dates import days
from rules.picture import Picture
from rules.terms import Check, Outcome
from rules.treatment import STATUSES, prednisone_mg, protection_of

_ROUTES = ("IV", "PO", "SC")


@word(
    Kind.SETS,
    may={"route": Kind.CHOICE, "dose": Kind.CHOICE, "last_days": Kind.NUMBER},
    part_choices={"route": _ROUTES, "dose": ("unknown",)},
)
def taking(written: WrittenCondition) -> Check:
    """In use: started, not stopped and not ended; `route`, `dose: unknown` and `last_days` narrow it."""
    route, unknown_dose = written.parts.get("route"), "dose" in written.parts
    window = days(written.number("last_days")) if "last_days" in written.parts else None

    def check(picture: Picture) -> Outcome:
        facts = [fact for fact in picture.taking(written.names) if route is None or picture.route_of(fact) == route]
        if unknown_dose:
            facts = [fact for fact in facts if fact.value is None]
        if window is not None:
            facts = [fact for fact in facts if is_new(fact, picture, window)]
        return Outcome(held=bool(facts), facts=tuple(facts), saw=saw(facts))

    return check


@word(Kind.SETS, holds_without=True)
def not_taking(written: WrittenCondition) -> Check:
    """None of these in use."""

    def check(picture: Picture) -> Outcome:
        facts = picture.taking(written.names)
        return Outcome(held=not facts, saw=saw(facts))

    return check


@word(Kind.CHOICE, needs={"if_missing": Kind.ANSWER}, compares=COMPARISONS, choices=("prednisone-equivalent-mg",))
def daily(written: WrittenCondition) -> Check:
    """All systemic steroids in use together, as mg of prednisone a day."""
    comparison, limit = written.limit
    if_missing = written.holds("if_missing")

    def check(picture: Picture) -> Outcome:
        total, facts = prednisone_mg(picture)
        if total is None:
            return Outcome(held=if_missing, saw="missing")
        held = compare(comparison, total, total, limit)
        return Outcome(held=held, facts=facts if held else (), saw=f"{total:.4g} mg")

    return check


@word(Kind.CHOICES, choices=(*STATUSES, "interrupted"))
def anticoagulation(written: WrittenCondition) -> Check:
    """How well the patient is anticoagulated, as definitions/anticoagulation.yaml says; interrupted: none, as it is on
    hold or not taken."""

    def check(picture: Picture) -> Outcome:
        protection = protection_of(picture)
        interrupted = protection.status == "none" and protection.idle
        held = protection.status in written.names or (bool(interrupted) and "interrupted" in written.names)
        facts = (*protection.facts, *protection.idle, *protection.antiplatelet) if held else ()
        return Outcome(held=held, facts=facts, saw=protection.status)

    return check
