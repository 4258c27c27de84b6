"""An order that overtakes history: its own patient's is waited for, nobody else's is."""

from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.hospital import Hospital

VTE = "DG1|1||I80.2^Diepe veneuze trombose^I10||20190614|F"
ANNA = "PID|1||1000001^^^ZKHA^PI||Jansen^Anna||19481103|F"
BERT = "PID|1||1000002^^^ZKHA^PI||Bakker^Bert||19501103|M"


def test_an_order_takes_along_what_waits_of_its_own_patient_and_nothing_else(hospital: Hospital) -> None:
    of_anna, of_bert = (
        hospital.receives(a_message(VTE, pid=pid, control=control))[0] for pid, control in ((ANNA, "D1"), (BERT, "D2"))
    )
    (order,) = hospital.receives(an_order(pid=ANNA))

    hospital.processes([order])

    assert hospital.answers() == {"900001": "contraindication"}
    assert hospital.waiting() == [of_bert]
    assert of_anna not in hospital.waiting()


def test_an_order_does_not_wait_for_what_came_after_it(hospital: Hospital) -> None:
    (order,) = hospital.receives(an_order(pid=ANNA))
    (later,) = hospital.receives(a_message(VTE, pid=ANNA, control="D1"))

    hospital.processes([order])

    assert hospital.waiting() == [later]


def test_a_message_that_ended_its_worker_before_is_not_taken_along(hospital: Hospital) -> None:
    (broken,) = hospital.receives(a_message(VTE, pid=ANNA, control="D1"))
    with hospital.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET attempts = 1")
    (order,) = hospital.receives(an_order(pid=ANNA))

    hospital.processes([order])

    assert hospital.waiting() == [broken]


def test_an_order_without_a_patient_number_waits_for_nobody(hospital: Hospital) -> None:
    (history,) = hospital.receives(a_message(VTE, pid=BERT, control="D2"))
    (order,) = hospital.receives(an_order(pid="PID|1||^^^ZKHA^PI||Onbekend^Iemand"))

    hospital.processes([order])

    assert hospital.waiting() == [history]
