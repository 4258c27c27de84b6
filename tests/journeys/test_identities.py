"""Who is one person: merges in any direction, citizen numbers, and what happens to the orders and alerts."""

import pytest

from tests.journeys.hospital import Hospital
from tests.journeys.stories import Diagnosed, Happening, Merged, Ordered, Problem, Seen, Unmerged, messages

CLOT = Problem(who="2", onset=-24 * 400)


def test_the_history_of_the_retired_number_counts_from_the_merge_on(hospital: Hospital) -> None:
    hospital.lives_through(CLOT, Ordered(at=1))
    before = hospital.answers()
    hospital.lives_through(CLOT, Ordered(at=1), Merged(at=2))

    assert (before["100"], hospital.answers()["100"]) == ("moderate", "contraindication")


@pytest.mark.parametrize("undoing", [Unmerged(at=3), Unmerged(who="2", other="1", at=3)])
def test_an_unmerge_takes_the_history_back_in_whatever_order_it_names_them(
    undoing: Unmerged, hospital: Hospital
) -> None:
    hospital.lives_through(CLOT, Ordered(at=1), Merged(at=2), undoing)

    assert hospital.answers()["100"] == "moderate"
    assert hospital.badges() == {"100": []}


def test_an_unmerge_leaves_other_merges_of_the_same_number_alone(hospital: Hospital) -> None:
    hospital.lives_through(CLOT, Ordered(at=1), Merged(at=2), Merged(who="4", retired=("3",), at=2))
    hospital.lives_through(
        CLOT, Ordered(at=1), Merged(at=2), Merged(who="4", retired=("3",), at=2), Unmerged(other="3", at=3)
    )

    assert hospital.answers()["100"] == "contraindication"


def test_every_number_of_a_merge_is_retired(hospital: Hospital) -> None:
    hospital.lives_through(CLOT, Diagnosed(who="3", code="E66.9"), Ordered(at=1), Merged(retired=("3", "2"), at=2))

    assert hospital.answers()["100"] == "contraindication"


@pytest.mark.parametrize("event", ["A18", "A34", "A36", "A39", "A40", "A47"])
def test_every_kind_of_merge_joins_histories(event: str, hospital: Hospital) -> None:
    hospital.lives_through(CLOT, Ordered(at=1), Merged(event=event, at=2))

    assert hospital.answers()["100"] == "contraindication"


@pytest.mark.parametrize(
    "merges",
    [
        (Merged(at=2), Merged(who="2", retired=("1",), at=3)),
        (Merged(at=2), Merged(who="2", retired=("3",), at=2), Merged(who="3", retired=("1",), at=2)),
        (Merged(at=2), Merged(who="3", at=3), Merged(who="3", retired=("1",), at=3), Unmerged(at=4)),
    ],
    ids=["inverse", "circle", "undone but held together by another"],
)
def test_merges_that_contradict_each_other_are_shown_to_a_person(
    merges: tuple[Happening, ...], hospital: Hospital
) -> None:
    hospital.lives_through(CLOT, Ordered(at=1), *merges)

    assert hospital.answers()["100"] == "contraindication"
    assert hospital.badges() == {"100": ["identity_unclear"]}


@pytest.mark.parametrize("at", [0, 5])
def test_what_was_told_under_the_citizen_number_alone_counts_for_who_carries_it(at: int, hospital: Hospital) -> None:
    told = (Problem(who="+1", at=at, onset=-24 * 400), Ordered(at=2), Seen(who="1+", at=3))
    hospital.lives_through(*sorted(told, key=lambda one: one.at))

    assert hospital.answers()["100"] == "contraindication"


def test_a_citizen_number_of_two_people_counts_for_neither_and_is_shown(hospital: Hospital) -> None:
    hospital.lives_through(Problem(who="+1"), Ordered(who="1+", at=1))
    hospital.sends(*messages([Seen(who="2", at=4)]))
    hospital.sends(another_with_the_number_of("1"))

    assert hospital.answers()["100"] == "moderate"
    assert hospital.badges() == {"100": ["identity_unclear"]}


def another_with_the_number_of(patient: str) -> bytes:
    (message,) = messages([Seen(who=f"{patient}+", at=5)])
    return message.replace(b"||1^^^ZKHA^PI~", b"||2^^^ZKHA^PI~")
