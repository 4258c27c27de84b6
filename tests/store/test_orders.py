"""Orders, and the answers they were given."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinical.conclusions import StoredConclusion
from store import assessments, orders, tables
from store.orders import OrderRow
from tests.store.builders import NOW, a_patient, an_assessment, an_order


def a_row(patient_id: int, **values: object) -> OrderRow:
    row = {"key": "EPD|900001", "placer": "EPD|900001", "product_class": "ivig", "state": "active", "version": "1"}
    return OrderRow(**({"patient_id": patient_id, "data": {"dose": [30, 35]}} | row | values))  # type: ignore[arg-type]  # a builder takes any column


def test_an_order_keeps_its_id_while_its_state_changes(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        patient = a_patient(connection)
        first = orders.upsert(connection, [a_row(patient, starts_at=NOW)])

        second = orders.upsert(
            connection, [a_row(patient, state="cancelled", version="2"), a_row(patient, key="other")]
        )

        (order, _) = orders.of_patients(connection, [patient])
    assert first.items() <= second.items()
    assert (order.state, order.version, order.starts_at) == ("cancelled", "2", None)
    assert order.data == {"dose": [30, 35]}


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("EPD|900001", {"a"}),
        ("APO|77", {"a"}),
        ("900001", {"a", "b", "c"}),
        ("77", {"a"}),
        ("XYZ|900001", set()),
        ("1", set()),
        ("%", set()),
    ],
)
def test_an_order_is_found_by_any_of_its_numbers(engine: sa.Engine, number: str, found: set[str]) -> None:
    with engine.begin() as connection:
        patient = a_patient(connection)
        rows = [
            a_row(patient, key="a", placer="EPD|900001", filler="APO|77"),
            a_row(patient, key="b", placer="EPI|900001"),
            a_row(patient, key="c", placer="", filler="900001"),
        ]
        orders.upsert(connection, rows)

        order = tables.medication_order
        assert set(connection.execute(sa.select(order.c.key).where(orders.numbered(number))).scalars()) == found


def test_nothing_derived_changes_nothing(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        assert orders.upsert(connection, []) == {}
        assert assessments.append(connection, []) == []


def test_the_latest_answer_of_each_order_is_given(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        one = an_order(connection)
        other = an_order(connection, key="EHR|2", patient_id=a_patient(connection, "2"))
        an_assessment(connection, one)
        second = an_assessment(connection, one, signature="s2")
        third = an_assessment(connection, other)

        latest = assessments.latest(connection, [one, other, other + 1])

    assert {key: row.id for key, row in latest.items()} == {(one, "order"): second, (other, "order"): third}


def test_answers_get_their_ids_in_the_order_they_were_given(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        order = an_order(connection)
        patient = orders.of_patients(connection, [1])[0].patient_id
        row = {"order_id": order, "patient_id": patient, "order_version": "1", "knowledge": "k", "tier": "none"}
        row |= {"priority": "none", "conclusion": {"findings": []}, "as_of": NOW, "concluded_at": NOW + timedelta(1)}

        ids = assessments.append(connection, [row | {"signature": f"s{number}"} for number in range(5)])

        rows = assessments.of_ids(connection, ids)
    assert [rows[id_].signature for id_ in ids] == ["s0", "s1", "s2", "s3", "s4"]
    assert rows[ids[0]].conclusion == StoredConclusion()
