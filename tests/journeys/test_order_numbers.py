"""Orders that get another number, patient number or product keep their alert, or lose it with a word."""

from inbox.alerts.act import OnAlert
from inbox.alerts.settling import Acknowledgement
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Controlled, Diagnosed, Given, Merged, Ordered, Unmerged


def acknowledged(hospital: Hospital) -> None:
    for row in hospital.alerts():
        hospital.does(OnAlert(row["id"], Acknowledgement()))


def test_an_order_that_turns_out_to_have_a_placer_keeps_its_alert_and_what_was_said_of_it(hospital: Hospital) -> None:
    by_pharmacy = Ordered(number="", filler="7", encoded=True, at=1)
    hospital.lives_through(Diagnosed(), by_pharmacy)
    acknowledged(hospital)

    hospital.lives_through(Diagnosed(), by_pharmacy, Controlled(filler="7", control="SN", at=2))

    assert [(row["key"], row["status"]) for row in hospital.alerts()] == [("EPD|100", "acknowledged")]


def test_an_order_told_under_two_numbers_keeps_one_alert(hospital: Hospital) -> None:
    told = (Diagnosed(), Ordered(at=1), Ordered(number="", filler="7", encoded=True, at=2))
    hospital.lives_through(*told)
    before = len(hospital.alerts())
    hospital.lives_through(*told, Controlled(filler="7", control="SN", at=3))

    assert before == 2
    assert [(row["key"], row["status"]) for row in hospital.alerts()] == [
        ("APO|7", "resolved"),
        ("EPD|100", "open"),
    ]
    assert hospital.reasons("APO|7") == ["order_absorbed"]


def test_an_order_that_becomes_another_product_loses_its_alert_with_a_word(hospital: Hospital) -> None:
    hospital.lives_through(Diagnosed(), Ordered(at=1), Ordered(control="XO", product="hizentra", route="SC", at=2))

    assert hospital.inbox() == []
    assert hospital.reasons("EPD|100") == ["order_not_ivig"]


def test_an_order_that_becomes_a_parent_loses_its_alert_to_its_children(hospital: Hospital) -> None:
    hospital.lives_through(Diagnosed(), Ordered(at=1), Controlled(control="PA", at=2))

    assert hospital.reasons("EPD|100") == ["order_container"]


def test_a_dose_that_was_never_given_takes_its_alert_along(hospital: Hospital) -> None:
    dose = Given(number="", started=3, at=4)
    hospital.lives_through(Diagnosed(), dose, Given(number="", started=3, action="D", at=5))

    assert hospital.inbox() == []
    assert set(hospital.reasons()) == {"order_withdrawn"}


def test_an_acknowledged_order_keeps_that_when_its_patient_is_merged_and_split(hospital: Hospital) -> None:
    told = (Diagnosed(who="2"), Ordered(who="2", at=1))
    hospital.lives_through(*told)
    acknowledged(hospital)

    hospital.lives_through(*told, Merged(at=2), Unmerged(at=3))

    assert [(row["key"], row["status"]) for row in hospital.alerts()] == [("EPD|100", "acknowledged")]
