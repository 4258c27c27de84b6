"""A pharmacist parts two patients that were merged by mistake, or joins them again, and everything follows."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from inbox.errors import ActRefused, MergeChanged, MergeMissing
from inbox.merges.acts import Merge, Unmerge
from rules.knowledge import Knowledge
from store import merges
from store.merges import Pair
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Happening, Merged, Ordered, Problem, Seen, Unmerged, messages
from worker.rebuild import Rebuilt, rebuild

CLOT = Problem(who="2", onset=-24 * 400)
MIXED: tuple[Happening, ...] = (Seen(), CLOT, Ordered(at=1), Merged(at=2))


def nobody(_: Rebuilt) -> None:
    """Nobody watches."""


def ids(hospital: Hospital) -> dict[str, int]:
    return {row.value: row.id for row in hospital.rows("SELECT id, value FROM patient")}


def pair(hospital: Hospital, one: str = "1", other: str = "2") -> Pair:
    found = ids(hospital)
    return min(found[one], found[other]), max(found[one], found[other])


def act(hospital: Hospital, two: Pair | None = None, reason: str = "two brothers", seen: int | None = None) -> Unmerge:
    return Unmerge(two or pair(hospital), reason, seen)


def parts(hospital: Hospital, two: Pair | None = None) -> None:
    """Els says that they are two, and a worker hears of it."""
    hospital.clock.passes(seconds=10)
    hospital.processes([hospital.does(act(hospital, two))])


def joins(hospital: Hospital, survivor: str = "1", two: Pair | None = None) -> None:
    """Els says that they are one, and a worker hears of it."""
    hospital.clock.passes(seconds=10)
    said = Merge(two or pair(hospital), "one after all", ids(hospital)[survivor])
    hospital.processes([hospital.does(said)])


def the_record(hospital: Hospital) -> list[tuple[str, str, str | None, str | None]]:
    """Kind, who, reason and note of everything that happened to any alert."""
    rows = hospital.rows("SELECT kind, actor, reason, note FROM alert_event ORDER BY id")
    return [(row.kind, row.actor, row.reason, row.note) for row in rows]


def test_both_get_their_history_back_and_the_alert_follows(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED)
    before = hospital.answers()["100"]

    parts(hospital)

    assert (before, hospital.answers()["100"]) == ("contraindication", "moderate")
    assert hospital.badges() == {"100": []}
    kinds = [(kind, who, note) for kind, who, _, note in the_record(hospital)]
    assert kinds[-2:] == [("unmerged", "els", "two brothers"), ("changed", "system", None)]


def test_it_can_be_taken_back(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED)

    parts(hospital)
    joins(hospital)

    assert hospital.answers()["100"] == "contraindication"
    assert hospital.badges() == {"100": []}
    parts(hospital)
    assert hospital.answers()["100"] == "moderate"


def test_the_other_number_may_be_the_one_that_stays(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED)

    parts(hospital)
    joins(hospital, "2")

    assert hospital.answers()["100"] == "contraindication"
    (spoken,) = [each for each in said(hospital) if not each.undone]
    assert (spoken.retired[1], spoken.survivor[1]) == ("1", "2")


def said(hospital: Hospital, two: Pair | None = None) -> list[merges.SourcedStatement]:
    with hospital.engine.connect() as connection:
        return merges.of_pair(connection, two or pair(hospital))


def test_it_is_a_message_as_any_other(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED)

    parts(hospital)

    (row,) = hospital.rows("SELECT m.* FROM message m JOIN feed f ON f.id = m.feed_id WHERE f.name = 'by hand'")
    assert (row.type, row.event, row.state, row.ack_code) == ("ADT", "A37", "processed", "")
    assert b"ZBH|els|two brothers\r" in bytes(row.raw)
    assert {each.message_id for each in said(hospital)} == {row.id}


def test_a_rebuild_and_any_other_order_give_the_same(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    hospital.lives_through(*MIXED)
    parts(hospital)
    joins(hospital, "2")
    parts(hospital)
    before = hospital.dump()
    by_hand = [bytes(row.raw) for row in hospital.rows("SELECT raw FROM message ORDER BY id DESC")]

    rebuild(hospital.worker, nobody)

    assert hospital.dump() == before
    other = Hospital(fresh_engine(), knowledge, clock=hospital.clock)
    other.sends_one_by_one(by_hand)
    assert other.answers() == hospital.answers()
    assert merged_by_name(other) == merged_by_name(hospital)


def merged_by_name(hospital: Hospital) -> list[tuple[str, str | None]]:
    query = "SELECT p.value, q.value AS target FROM patient p LEFT JOIN patient q ON q.id = p.merged_into ORDER BY 1"
    return [(row.value, row.target) for row in hospital.rows(query)]


def test_a_merge_that_is_dated_ahead_of_the_clock_is_taken_back_too(hospital: Hospital) -> None:
    ahead = int((hospital.clock() + timedelta(days=3) - hospital.clock()).total_seconds() // 3600) + 24 * 30
    hospital.lives_through(CLOT, Ordered(at=1), Merged(at=ahead))

    parts(hospital)
    apart = hospital.answers()["100"]
    joins(hospital)

    assert (apart, hospital.answers()["100"]) == ("moderate", "contraindication")


def test_numbers_with_signs_that_hl7_uses_itself_are_written_as_they_are(hospital: Hospital) -> None:
    odd = [message.replace(b"2^^^ZKHA", rb"2\T\2\F\\E\\S\3^^^ZKHA") for message in messages(MIXED)]
    hospital.sends_one_by_one(odd)

    parts(hospital, pair(hospital, "1", "2&2|\\^3"))

    assert hospital.answers()["100"] == "moderate"


@pytest.mark.parametrize(
    "merges",
    [
        (Merged(at=2), Merged(who="2", retired=("1",), at=3)),
        (Merged(at=2), Merged(who="2", retired=("3",), at=2), Merged(who="3", retired=("1",), at=2)),
        (Merged(at=2), Merged(who="3", at=3), Merged(who="3", retired=("1",), at=3), Unmerged(at=4)),
    ],
    ids=["inverse", "circle", "undone but held together by another"],
)
def test_merges_that_contradict_each_other_are_work_until_somebody_parts_them(
    merges: tuple[Happening, ...], hospital: Hospital
) -> None:
    hospital.lives_through(CLOT, Ordered(at=1), Merged(who="8", retired=("9",), at=1), *merges)
    work = unclear(hospital)

    for spoken in to_part(hospital):
        parts(hospital, spoken.pair)

    assert len(work) == 1
    assert unclear(hospital) == []
    assert hospital.badges() == {"100": []}
    assert hospital.answers()["100"] == "moderate"


def unclear(hospital: Hospital) -> list[merges.Unclear]:
    with hospital.engine.connect() as connection:
        return merges.unclear(connection)


def test_what_only_a_citizen_number_holds_together_is_said_to_be_so(hospital: Hospital) -> None:
    hospital.lives_through(Seen(who="2+"), Merged(who="+2", retired=("2",), at=1))
    two = pair(hospital, "2", "999990020")

    parts(hospital, two)

    assert [one.why for one in unclear(hospital)] == ["citizen_number"]
    joins(hospital, "999990020", two)
    assert unclear(hospital) == []


def to_part(hospital: Hospital) -> list[merges.SourcedStatement]:
    with hospital.engine.connect() as connection:
        members = {member for one in merges.unclear(connection) for member in one.person.members}
        lines = merges.by_pair(merges.among_members(connection, members)).values()
        return [each for each in lines if not each.undone]


def refused(hospital: Hospital, said: Unmerge, survivor: int | None = None) -> str:
    """Why it was not done."""
    with pytest.raises((ActRefused, MergeChanged, MergeMissing)) as error:
        hospital.does(said if survivor is None else Merge(said.pair, said.reason, survivor, said.seen))
    return str(error.value)


def test_what_changed_meanwhile_is_not_overruled(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED)
    seen = said(hospital)[0].message_id
    parts(hospital)

    stale = refused(hospital, act(hospital, seen=seen))
    twice = refused(hospital, act(hospital))
    joins(hospital)
    joined = refused(hospital, act(hospital), ids(hospital)["1"])

    assert stale == "something else was said of these two meanwhile"
    assert twice == "the two are not merged any more"
    assert joined == "the two are merged already"


def test_it_needs_a_reason_two_who_were_merged_and_a_number_of_theirs(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED, Seen(who="3"))

    assert refused(hospital, act(hospital, reason=" \n")) == "reason: missing"
    assert refused(hospital, act(hospital, reason="x" * 401)) == "reason: too_long"
    assert refused(hospital, act(hospital, pair(hospital, "1", "3"))) == "nothing was ever said of these two"
    parts(hospital)
    assert refused(hospital, act(hospital), ids(hospital)["3"]) == "survivor: required"


def test_a_citizen_number_is_never_the_one_that_goes(hospital: Hospital) -> None:
    hospital.lives_through(CLOT, Ordered(at=1), Merged(who="+1", retired=("1",), at=2))
    two = pair(hospital, "1", "999990019")
    parts(hospital, two)

    assert refused(hospital, act(hospital, two), ids(hospital)["1"]) == "survivor: unknown"
    joins(hospital, "999990019", two)
    assert [each.undone for each in said(hospital, two) if each.retired[1] == "1"] == [False]


def test_said_twice_before_a_worker_hears_of_it_it_means_the_same(hospital: Hospital) -> None:
    hospital.lives_through(*MIXED)
    both = []
    for _ in range(2):
        both.append(hospital.does(act(hospital)))
        hospital.clock.passes(seconds=1)

    hospital.processes(both[1:])
    hospital.processes(both[:1])

    assert hospital.answers()["100"] == "moderate"
    assert [each.undone for each in said(hospital)] == [True, True]
