"""New knowledge reaches the orders it can still help, and no others."""

from dataclasses import replace

import pytest

from tests.journeys.hospital import Hospital
from tests.journeys.stories import Controlled, Diagnosed, Happening, Ordered, messages
from worker.rejudge import rejudge
from worker.worker import Worker

LONG_AGO = -24 * 60


def newer(hospital: Hospital) -> Worker:
    """The worker after an update that changed nothing but the version of the knowledge."""
    return replace(hospital.worker, knowledge=replace(hospital.knowledge, version="newer"))


def knowledge_of(hospital: Hospital) -> dict[str, str]:
    """Which knowledge gave the last answer, by placer number."""
    rows = hospital.rows(
        "SELECT o.placer, a.knowledge FROM medication_order o JOIN assessment a ON a.order_id = o.id "
        "WHERE a.stream = 'order' ORDER BY a.id"
    )
    return {row[0].rpartition("|")[2]: row[1] for row in rows}


@pytest.mark.parametrize(
    ("story", "touched"),
    [
        ((Ordered(starts=24 * 10),), True),
        ((Ordered(),), True),
        ((Ordered(), Controlled(at=1)), True),
        ((Ordered(at=LONG_AGO, starts=LONG_AGO),), False),
        ((Ordered(at=LONG_AGO, starts=LONG_AGO), Controlled(at=LONG_AGO + 1)), False),
    ],
    ids=["to come", "given within the window", "just cancelled", "over", "cancelled long ago"],
)
def test_orders_that_go_on_or_ended_within_the_window_are_answered_again(
    story: tuple[Happening, ...], touched: bool, hospital: Hospital
) -> None:
    hospital.sends(*messages(story))

    rejudge(newer(hospital))

    assert knowledge_of(hospital)["100"] == ("newer" if touched else hospital.knowledge.version)


def test_an_answer_that_comes_out_the_same_says_nothing_new(hospital: Hospital) -> None:
    hospital.sends(*messages([Diagnosed(), Ordered(at=1)]))

    once, again = rejudge(newer(hospital)), rejudge(newer(hospital))

    assert (once.answers > 0, once.deliveries, again.answers) == (True, [], 0)
    assert [row["status"] for row in hospital.alerts()] == ["open"]


def test_what_a_hospital_maps_is_no_other_knowledge(hospital: Hospital) -> None:
    hospital.sends(*messages([Ordered()]))
    mapped = replace(hospital.knowledge, version=f"{hospital.knowledge.version}+3f2a")
    hospital.worker.mapped.clear()

    with_mapping = rejudge(replace(hospital.worker, knowledge=mapped))
    hospital.sends(*messages([Ordered(), Ordered(at=3, grams="60")]))
    back = rejudge(hospital.worker)

    assert (with_mapping.answers, back.answers) == (1, 0)
