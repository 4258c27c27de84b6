"""Alerts, their record, and the decisions that cover them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import alerts, tables
from store.alerts import AlertWrite, Happening
from tests.store.builders import NOW, a_patient, an_alert, an_assessment, an_order, insert


def test_an_alert_and_its_first_line_are_written_together(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        order = an_order(connection)
        assessment = an_assessment(connection, order)
        patient = connection.execute(sa.select(tables.patient.c.id)).scalar_one()

        happening = Happening("raised", NOW, assessment_id=assessment, data={"rules": ["ivig-after-vte"]})
        columns: alerts.Columns = {"assessment_id": assessment, "tier": "high", "priority": "prompt", "status": "open"}
        new = AlertWrite(happening, columns | {"badges": ["test"]}, order, patient, "order")

        (raised,) = alerts.write(connection, [new])

        found = alerts.of_orders(connection, [order])
        record = alerts.events_of(connection, raised.alert_id)
    assert found[order, "order"].badges == ["test"]
    assert found[order, "order"].opened_at == NOW
    assert [(line.id, line.kind, line.actor) for line in record] == [(raised.event_id, "raised", "system")]
    assert record[0].data == {"rules": ["ivig-after-vte"]}


def test_alerts_written_together_each_get_their_own_columns_and_line(engine: sa.Engine) -> None:
    later = NOW + timedelta(hours=1)
    with engine.begin() as connection:
        order = an_order(connection)
        assessment, before = an_assessment(connection, order), an_alert(connection, order)
        other = an_alert(connection, order, stream="pharmacovigilance")
        patient = connection.execute(sa.select(tables.patient.c.id)).scalar_one()
        new_order = an_order(connection, patient, key="EHR|2")
        columns: alerts.Columns = {"assessment_id": assessment, "tier": "high", "priority": "prompt", "status": "open"}

        written = alerts.write(
            connection,
            [
                AlertWrite(
                    Happening("resolved", later, reason="a"), {"status": "resolved"}, order, patient, "", before
                ),
                AlertWrite(
                    Happening("raised", later, reason="b"), columns | {"badges": []}, new_order, patient, "order"
                ),
                AlertWrite(Happening("changed", later, reason="c"), {"tier": "moderate"}, order, patient, "", other),
            ],
        )

        found = {each.alert_id: alerts.get(connection, each.alert_id) for each in written}
        lines = [line for each in written for line in alerts.events_of(connection, each.alert_id)]
    assert [(each.status, each.tier) for each in found.values() if each] == [
        ("resolved", "high"),
        ("open", "high"),
        ("open", "moderate"),
    ]
    assert [(line.id, line.reason) for line in lines] == [
        (each.event_id, reason) for each, reason in zip(written, "abc", strict=True)
    ]


def test_an_order_has_one_alert_per_stream(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        order = an_order(connection)
        an_alert(connection, order)
        an_alert(connection, order, stream="pharmacovigilance")

        with pytest.raises(sa.exc.IntegrityError), connection.begin_nested():
            an_alert(connection, order)

        assert set(alerts.of_orders(connection, [order])) == {(order, "order"), (order, "pharmacovigilance")}


def test_a_change_touches_only_what_changed_and_leaves_a_line(engine: sa.Engine) -> None:
    later = NOW + timedelta(hours=1)
    with engine.begin() as connection:
        alert = an_alert(connection)

        raised = alerts.update(
            connection, alert, Happening("resolved", later, reason="order_stopped"), status="resolved"
        )

        row = alerts.get(connection, alert)
        (line,) = alerts.events_of(connection, alert)
    assert row is not None
    assert (row.status, row.tier, row.opened_at, row.changed_at) == ("resolved", "high", NOW, later)
    assert (line.id, line.kind, line.reason, line.at) == (
        raised.event_id,
        "resolved",
        "order_stopped",
        later,
    )


def test_a_remark_leaves_the_alert_as_it_is(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        alert = an_alert(connection)
        before = alerts.get(connection, alert)

        alerts.record(connection, alert, Happening("comment", NOW, actor="els", note="called the ward"))

        assert alerts.get(connection, alert) == before
        assert [line.note for line in alerts.events_of(connection, alert)] == ["called the ward"]


def test_alerts_of_a_patient_are_given_by_status(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        patient = a_patient(connection)
        one = an_alert(connection, an_order(connection, patient, key="1"))
        other = an_alert(connection, an_order(connection, patient, key="2"), status="resolved")

        every = [row.id for row in alerts.of_patients(connection, [patient])]
        still_open = [row.id for row in alerts.of_patients(connection, [patient], statuses=["open"])]

    assert (every, still_open) == ([one, other], [one])


def test_a_decision_stands_until_its_time_is_over(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        alert = an_alert(connection)
        patient = connection.execute(sa.select(tables.patient.c.id)).scalar_one()
        row = {"patient_id": patient, "alert_id": alert, "reason": "benefit", "made_by": "els", "made_at": NOW}
        for signature, until in [("always", None), ("past", NOW), ("still", NOW + timedelta(seconds=1))]:
            insert(connection, tables.decision, signature=signature, valid_until=until, **row)

        valid = alerts.valid_decisions(connection, [patient], NOW)

    assert [row.signature for row in valid] == ["still", "always"]
