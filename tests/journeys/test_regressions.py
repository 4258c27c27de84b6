"""Stories that once ended differently, or wrongly: each the smallest that shows it."""

import pytest

from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Controlled, Diagnosed, Merged, Ordered, Problem, Seen, Unmerged


def test_a_cancel_that_does_not_say_when_comes_after_the_order_it_was_sent_after(hospital: Hospital) -> None:
    hospital.lives_through(Diagnosed(), Ordered(at=1), Controlled(at=5, dated=False))

    assert hospital.inbox() == []


def test_a_correction_under_the_new_number_corrects_what_was_said_under_the_old(hospital: Hospital) -> None:
    hospital.lives_through(Problem(who="2"), Ordered(at=1), Merged(at=2), Problem(event="PC3", action="DE", at=3))

    assert hospital.answers() == {"100": "information"}


def test_a_deletion_under_the_new_number_lapses_when_the_merge_is_undone(hospital: Hospital) -> None:
    story = (Problem(who="2"), Ordered(who="2", at=1), Merged(at=2), Problem(event="PC3", action="DE", at=3))
    hospital.lives_through(*story, Unmerged(at=4))

    assert hospital.answers() == {"100": "contraindication"}


def test_a_medicine_stopped_after_the_infusions_was_taken_during_them(hospital: Hospital) -> None:
    before = (Problem(), Ordered(number="300", product="warfarin"), Ordered(at=1))
    hospital.lives_through(*before)
    told = hospital.rows("SELECT max(id) FROM assessment WHERE stream = 'order'")

    hospital.lives_through(Controlled(number="300", control="DC", at=24 * 40))

    assert hospital.rows("SELECT max(id) FROM assessment WHERE stream = 'order'") == told


@pytest.mark.parametrize(
    ("sent", "shown"), [("2019", "(2019)"), ("201906", "(jun 2019)"), ("20190614", "(14 jun 2019)")]
)
def test_a_day_that_was_sent_is_the_day_that_is_shown(hospital: Hospital, sent: str, shown: str) -> None:
    hospital.sends(a_message(f"DG1|1||I80.2^Diepe veneuze trombose^I10||{sent}|F"), an_order())

    (row,) = hospital.rows("SELECT conclusion FROM assessment ORDER BY id DESC LIMIT 1")

    assert f"Diepe veneuze trombose {shown}" in str(row[0])


def test_what_one_number_says_again_counts_over_what_the_other_said_since(hospital: Hospital) -> None:
    old, young = Seen(born="19500101"), Seen(who="2", born="19900101", at=1)
    hospital.lives_through(old, young, Ordered(at=2), Merged(at=3), Seen(born="19500101", at=4))

    (row,) = hospital.rows("SELECT conclusion FROM assessment ORDER BY id DESC LIMIT 1")

    assert '"1950-01-01"' in str(row[0]).replace("'", '"')
