"""IVIg in forty envelopes of our own is recognised with its dose and its schedule; forty look-alikes are silent."""

from typing import Any

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from store import tables
from tests.envelopes.filling import filled, products, shapes
from tests.envelopes.recognised import Recognised, recognised
from tests.journeys.hospital import Hospital

SHAPES = [pytest.param(number, shape, id=shape["name"]) for number, shape in enumerate(shapes())]


@pytest.mark.parametrize(("number", "shape"), SHAPES)
def test_ivig_is_recognised_with_its_dose_and_schedule(
    number: int, shape: dict[str, Any], knowledge: Knowledge
) -> None:
    ivig = products("ivig")

    found = recognised(filled(shape, ivig[number % len(ivig)]), knowledge)

    assert found == [Recognised(tuple(shape["dose"]), tuple(shape["every"]) if "every" in shape else None)]


@pytest.mark.parametrize(("number", "shape"), SHAPES)
def test_a_look_alike_in_the_same_envelope_is_none(number: int, shape: dict[str, Any], knowledge: Knowledge) -> None:
    assert recognised(filled(shape, products("lookalike")[number]), knowledge) == []


def test_forty_orders_are_answered_and_forty_look_alikes_are_silent(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    hospital = Hospital(sqlite_engine, knowledge)
    for number, (shape, like) in enumerate(zip(shapes(), products("lookalike"), strict=True)):
        ivig = products("ivig")[number % len(products("ivig"))]
        for raw, patient in ((filled(shape, ivig), 2000), (filled(shape, like), 3000)):
            hospital.sends(
                raw.replace(b"1000001", b"%d" % (patient + number)).replace(b"C1", b"C%d" % (patient + number))
            )

    with sqlite_engine.connect() as connection:
        query = sa.select(tables.patient.c.value).join(
            tables.assessment, tables.assessment.c.patient_id == tables.patient.c.id
        )
        answered = sorted(set(connection.execute(query).scalars()))
    assert answered == [str(2000 + number) for number in range(40)]
