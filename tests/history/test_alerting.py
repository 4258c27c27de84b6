"""What a new answer does to an alert, and who is told."""

from datetime import timedelta

import pytest

from clinical.events import AnyEvent
from clinical.words import ABOUT_ORDER, AFTER_INFUSION, Priority, Tier
from history import alerting
from history.alerting import AlertChange, Standing, badges_of, change_badges, may_push, priority_of
from history.conclusion import Conclusion
from history.order_answers import OrderAnswer
from history.orders import OrderState, fold_orders
from rules.knowledge import Knowledge
from tests.history.builders import (
    MONDAY,
    a_conclusion,
    a_dose,
    a_thrombosis,
    an_order,
    answered,
    entry,
    grams,
    moment,
)
from tests.knowledge_folders import our_knowledge


def order(*controls: str) -> OrderState:
    (state,) = fold_orders([entry(an_order(control=control), minute) for minute, control in enumerate(controls)])
    return state


def standing(status: str, answer: Conclusion | None = None) -> Standing:
    last = answer or a_conclusion()
    return Standing(status, last, last if status in ("acknowledged", "overridden") else None)


def decide(
    standing: Standing | None, order: OrderState, answer: Conclusion, *, covered: bool, ends_with_order: bool = True
) -> AlertChange | None:
    terms = our_knowledge().terms
    return alerting.decide(standing, order, answer, terms=terms, covered=covered, ends_with_order=ends_with_order)


def got_worse(settled: Conclusion, answer: Conclusion) -> list[str]:
    return alerting.got_worse(settled, answer, terms=our_knowledge().terms)


def test_a_risk_is_raised_once() -> None:
    first = decide(None, order("NW"), a_conclusion(), covered=False)
    again = decide(standing("open"), order("NW"), a_conclusion(), covered=False)

    assert first is not None
    assert (first.kind, first.push, again) == ("raised", True, None)


@pytest.mark.parametrize("tier", [Tier.NONE, Tier.INFORMATION])
def test_what_is_only_information_is_not_raised(tier: Tier) -> None:
    assert decide(None, order("NW"), a_conclusion(tier), covered=False) is None


def test_findings_settled_before_are_linked_and_not_pushed() -> None:
    act = decide(None, order("NW"), a_conclusion(), covered=True)

    assert act is not None
    assert (act.status, act.push) == ("covered", False)


def test_a_stopped_order_resolves_its_alert_and_says_why() -> None:
    act = decide(standing("acknowledged"), order("NW", "CA"), a_conclusion(), covered=False)

    assert act is not None
    assert (act.status, act.reason) == ("resolved", "order_cancelled")


def test_a_withdrawn_risk_resolves_the_alert() -> None:
    act = decide(standing("open"), order("NW"), a_conclusion(Tier.NONE, ()), covered=False)

    assert act is not None
    assert (act.status, act.reason) == ("resolved", "risk_withdrawn")


def test_an_order_that_goes_on_after_a_stop_speaks_again() -> None:
    act = decide(standing("resolved"), order("NW", "CA", "UC"), a_conclusion(), covered=False)

    assert act is not None
    assert (act.kind, act.push) == ("reopened", True)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (a_conclusion(Tier.CONTRAINDICATION), "tier_rose"),
        (a_conclusion(rules=("IG-VTE-006", "IG-VTE-015")), "new_rule:IG-VTE-015"),
        (a_conclusion(dose_g=[37.5, 37.5]), "dose_g_rose"),
        (a_conclusion(product="Kiovig"), "product_changed"),
    ],
)
def test_a_change_for_the_worse_reopens_a_settled_alert(now: Conclusion, why: str) -> None:
    act = decide(standing("acknowledged"), order("NW"), now, covered=False)

    assert act is not None
    assert (act.status, act.push, act.reason) == ("open", True, why)


def test_a_new_risk_factor_reopens_a_settled_alert_and_is_told_with_it() -> None:
    before, after = a_conclusion(), a_conclusion()
    one = {"name": "obesity", "title": {"en": "obesity"}, "points": 1, "of": "patient"}
    two = {"name": "oestrogen", "title": {"en": "oestrogen"}, "points": 2, "of": "patient"}
    before.content["points"] = {"patient": 1, "counted": [one]}
    after.content["points"] = {"patient": 3, "counted": [two, one]}

    act = decide(standing("acknowledged", before), order("NW"), after, covered=False)
    again = decide(standing("acknowledged", after), order("NW"), after, covered=False)

    assert act is not None
    assert (act.status, act.push, act.reason) == ("open", True, "new_fact")
    assert act.data["new_facts"] == [{"title": {"en": "oestrogen"}}]
    assert again is None


@pytest.mark.parametrize(
    "now", [a_conclusion(Tier.MODERATE), a_conclusion(dose_g=[37.4, 37.4]), a_conclusion(dose_g=[10.0, 10.0])]
)
def test_a_change_for_the_better_or_a_small_one_is_noted_and_not_pushed(now: Conclusion) -> None:
    act = decide(standing("overridden"), order("NW"), now, covered=False)

    assert act is not None
    assert (act.kind, act.status, act.push) == ("changed", "overridden", False)


def an_answer(knowledge: Knowledge, *events: AnyEvent, stream: str = ABOUT_ORDER) -> OrderAnswer:
    """The only answer of a stream to an order for IVIg that starts three weeks after a thrombosis."""
    order = an_order(dose=grams(30), starts=moment())
    (person,) = answered(knowledge, a_thrombosis(-21), order, *events)
    (answer,) = [each for each in person.answers if each.stream == stream]
    return answer


def test_an_order_on_hold_is_marked_can_wait_and_is_not_pushed(knowledge: Knowledge) -> None:
    answer = an_answer(knowledge, an_order(control="HD"))
    badges = badges_of(answer, frozenset())

    assert badges == {"on_hold"}
    assert answer.assessment.priority > priority_of(answer, badges) == Priority.ROUTINE
    assert not may_push(answer, badges, MONDAY)


def test_a_stop_that_waits_for_the_pharmacy_is_marked_and_still_pushed(knowledge: Knowledge) -> None:
    answer = an_answer(knowledge, an_order(control="CA", flags=("stop_needs_confirmation",)))
    badges = badges_of(answer, frozenset({"identity_unclear"}))

    assert badges == {"stop_requested", "identity_unclear"}
    assert may_push(answer, badges, MONDAY)


@pytest.mark.parametrize("badge", ["test", "replay", "deceased"])
def test_nobody_is_called_for_a_test_an_old_message_or_a_patient_who_died(knowledge: Knowledge, badge: str) -> None:
    answer = an_answer(knowledge)

    assert may_push(answer, frozenset(), MONDAY)
    assert not may_push(answer, frozenset({badge}), MONDAY)


def test_nobody_is_called_for_an_order_without_a_risk(knowledge: Knowledge) -> None:
    (person,) = answered(knowledge, an_order(dose=grams(30), starts=moment()))

    assert not may_push(person.answers[0], frozenset(), MONDAY)


@pytest.mark.parametrize(("days", "pushed"), [(30, True), (31, False)])
def test_nobody_is_called_once_the_risk_window_has_closed(knowledge: Knowledge, days: int, pushed: bool) -> None:
    answer = an_answer(knowledge)
    assert answer.ends_at is not None

    assert may_push(answer, frozenset(), answer.ends_at + timedelta(days=days)) is pushed


def test_a_death_after_an_infusion_is_told_whenever_it_is_found(knowledge: Knowledge) -> None:
    answer = an_answer(knowledge, a_dose(grams=grams(30)), a_thrombosis(5), stream=AFTER_INFUSION)

    assert may_push(answer, frozenset({"deceased"}), MONDAY + timedelta(days=400))
    assert not may_push(answer, frozenset({"replay"}), MONDAY)


def test_an_answer_about_what_came_after_is_not_marked_with_the_state_of_its_order(knowledge: Knowledge) -> None:
    events: list[AnyEvent] = [a_dose(grams=grams(30)), a_thrombosis(5), an_order(control="HD")]

    answer = an_answer(knowledge, *events, stream=AFTER_INFUSION)

    assert badges_of(answer, frozenset()) == frozenset()


def test_a_death_marks_an_alert_that_stands_and_nobody_is_called_for_that() -> None:
    change = change_badges("acknowledged", ["replay"], frozenset({"replay", "deceased"}))

    assert change is not None
    assert (change.kind, change.status, change.push, change.reason) == ("changed", "acknowledged", False, "marked")


@pytest.mark.parametrize(("status", "before"), [("resolved", []), ("open", ["deceased"])])
def test_an_alert_that_is_closed_or_marked_already_stays_as_it_is(status: str, before: list[str]) -> None:
    assert change_badges(status, before, frozenset({"deceased"})) is None


def test_another_thrombosis_after_a_dose_reopens_what_was_settled() -> None:
    first, second = an_event("I80.2", "2026-03-07"), an_event("I26.9", "2026-03-09")
    before, after = a_conclusion(), a_conclusion()
    before.content["case"], after.content["case"] = {"events": [first]}, {"events": [first, second]}

    assert got_worse(before, after) == ["new_event"]
    assert got_worse(after, before) == []


@pytest.mark.parametrize(
    ("was", "is_", "why"),
    [
        ("2026-11-30T02:36:00+01:00", "2026-11-28T22:36:00+01:00", "starts_sooner"),
        ("2026-11-30T02:36:00+01:00", "2026-11-30T01:36:00+01:00", "starts_sooner"),
        ("2026-11-30T02:36:00+01:00", "2026-11-30T01:37:00+01:00", ""),
        ("2026-11-30T02:36:00+01:00", "2026-12-01T02:36:00+01:00", ""),
        (None, "2026-11-30T02:36:00+01:00", ""),
    ],
)
def test_a_start_that_moves_nearer_reopens_a_settled_alert(was: str | None, is_: str, why: str) -> None:
    act = decide(standing("acknowledged", a_conclusion(start=was)), order("NW"), a_conclusion(start=is_), covered=False)

    assert act is not None
    assert (act.kind, act.push, act.reason) == (("reopened", True, why) if why else ("changed", False, ""))
    assert act.data["start"] == [was, is_]


def test_a_settled_alert_covers_an_order_that_starts_before_it() -> None:
    later, sooner = a_conclusion(start="2026-11-30T02:36:00+01:00"), a_conclusion(start="2026-11-28T22:36:00+01:00")

    assert got_worse(later, sooner) == []


def an_event(code: str, at: str) -> dict[str, str]:
    return {"code": code, "display": code, "at": at}


def test_an_alert_about_what_came_after_does_not_end_with_its_order() -> None:
    stopped = order("NW", "DC")

    change = decide(standing("open"), stopped, a_conclusion(), covered=False, ends_with_order=False)

    assert change is None
