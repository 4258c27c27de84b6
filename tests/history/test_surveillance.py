"""What came after the doses of an order."""

from clinical.events import AnyEvent
from history.order_answers import OrderAnswer
from rules.knowledge import Knowledge
from tests.history.builders import MONDAY, a_dose, a_thrombosis, an_order, answered, grams, moment

ORDER = an_order(dose=grams(30), starts=moment())


def watched(knowledge: Knowledge, *events: AnyEvent) -> list[OrderAnswer]:
    """The answers about what came after a dose."""
    return [answer for each in answered(knowledge, *events) for answer in each.answers if answer.is_surveillance]


def test_a_thrombosis_five_days_after_a_dose_is_an_answer_of_its_own(knowledge: Knowledge) -> None:
    (answer,) = watched(knowledge, ORDER, a_dose(grams=grams(30)), a_thrombosis(5))

    assert [finding.rule for finding in answer.assessment.findings] == ["IG-PV-040"]
    assert (answer.order.key, answer.is_surveillance) == ("EPD|1", True)


def test_a_thrombosis_before_the_first_dose_is_history(knowledge: Knowledge) -> None:
    assert watched(knowledge, ORDER, a_dose(grams=grams(30)), a_thrombosis(-5)) == []


def test_a_thrombosis_long_after_the_last_dose_is_not_of_it(knowledge: Knowledge) -> None:
    assert watched(knowledge, ORDER, a_dose(grams=grams(30)), a_thrombosis(40)) == []


def test_an_event_belongs_to_the_order_that_gave_the_last_dose_before_it(knowledge: Knowledge) -> None:
    second = an_order("EPD|2", dose=grams(30), starts=moment(10))
    doses = [a_dose("EPD|1", 0, grams=grams(30)), a_dose("EPD|2", 10, grams=grams(30))]

    found = watched(knowledge, ORDER, second, *doses, a_thrombosis(12))

    assert [answer.order.key for answer in found] == ["EPD|2"]


def test_it_is_judged_for_the_moment_of_the_event_and_later_events_change_nothing(knowledge: Knowledge) -> None:
    first: list[AnyEvent] = [ORDER, a_dose(grams=grams(30)), a_thrombosis(5)]

    (before,) = watched(knowledge, *first)
    (after,) = watched(knowledge, *first, a_thrombosis(300))

    assert before.case.at == after.case.at
    assert (before.case.at - MONDAY).days == 5
    assert before.conclusion.signature == after.conclusion.signature
    assert before.case.facts == after.case.facts


def test_a_stopped_order_is_still_watched(knowledge: Knowledge) -> None:
    stop = an_order(control="DC", at=moment(1).at)

    assert len(watched(knowledge, ORDER, a_dose(grams=grams(30)), stop, a_thrombosis(5))) == 1


def test_an_event_that_was_withdrawn_is_not_reported(knowledge: Knowledge) -> None:
    told: list[AnyEvent] = [ORDER, a_dose(grams=grams(30)), a_thrombosis(5), a_thrombosis(5, action="delete")]

    assert watched(knowledge, *told) == []


def test_an_old_event_beside_a_new_one_is_news(knowledge: Knowledge) -> None:
    old, new = a_thrombosis(5, flags=("replay",)), a_thrombosis(6)

    (only_old,) = watched(knowledge, ORDER, a_dose(grams=grams(30)), old)
    (both,) = watched(knowledge, ORDER, a_dose(grams=grams(30)), old, new)

    assert (only_old.badges, both.badges) == (frozenset({"replay"}), frozenset())


def test_the_report_tells_the_event_the_dose_before_it_and_the_lot(knowledge: Knowledge) -> None:
    dose = a_dose(grams=grams(30), lots=("LOT7",))

    (answer,) = watched(knowledge, ORDER, dose, a_thrombosis(5))

    report = answer.conclusion.content["case"]
    assert [(event["code"], event["hours_after"]) for event in report["events"]] == [("I80.2", 120)]
    assert [(each["grams"], each["given"]) for each in report["doses"]] == [([30.0, 30.0], True)]
    assert report["lots"] == ["LOT7"]
