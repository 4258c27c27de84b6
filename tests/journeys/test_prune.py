"""Texts of old messages are removed, and nothing that was known or said is lost by it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from store import local_codes, retention, tables
from store.local_codes import Sighting
from store.retention import Ages
from synthetic.stream import hospital_messages
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Controlled, Diagnosed, Merged, Ordered, Problem, Seen, Unmerged, messages
from worker.prune import PruneTally, Run, prune, survey
from worker.rebuild import Rebuilt, rebuild

YEAR = timedelta(days=365)
AGES = Ages(YEAR, YEAR)


def nobody(_: int | Rebuilt) -> None:
    """Nobody watches."""


def run_of(hospital: Hospital, ages: Ages = AGES) -> Run:
    """A run after two years."""
    return Run("run1", "els at the command line", hospital.clock.now + 2 * YEAR, ages)


def pruned(hospital: Hospital, ages: Ages = AGES, together: int = 3) -> PruneTally:
    return prune(hospital.engine, run_of(hospital, ages), nobody, together)


def without_text(hospital: Hospital) -> set[str]:
    """The control ids of messages whose text is gone."""
    rows = hospital.rows("SELECT control_id, length(raw) AS size FROM message WHERE pruned_at IS NOT NULL")
    assert all(row.size == 0 for row in rows)
    return {row.control_id for row in rows}


def with_text(hospital: Hospital) -> set[str]:
    return set(hospital.states()) - without_text(hospital)


def test_what_nothing_rests_on_goes_and_the_row_stays(hospital: Hospital) -> None:
    story = messages([Seen(who="3"), Seen(who="3", ward="C5", at=1)])
    first = hospital.receives(*story)
    hospital.processes(first)

    pruned(hospital)

    assert without_text(hospital) == {"M001", "M002"}
    assert hospital.receives(*story) == first  # still known as duplicates
    assert set(hospital.states().values()) == {"processed"}


def test_what_a_fact_a_merge_or_an_order_was_read_from_stays(hospital: Hospital) -> None:
    story = [Problem(who="2"), Seen(who="4"), Ordered(who="4", at=1), Merged(who="3", retired=("2",), at=2)]
    hospital.sends(*messages([*story, Controlled(who="4", at=3)]))

    tally = pruned(hospital)

    assert with_text(hospital) == {"M001", "M003", "M004", "M005"}
    assert {kind[2]: number for kind, number in tally.messages.items()} == {"cited": 1, "": 1}


def test_nothing_of_somebody_with_an_open_alert_goes(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen(), Seen(who="2"), Problem(at=1), Ordered(at=2), Merged(at=3), Seen(who="3")]))

    pruned(hospital)

    assert hospital.inbox() == [("100", "contraindication", "urgent")]
    assert without_text(hospital) == {"M006"}


def test_what_an_answer_shows_stays_although_a_later_message_told_it_again(hospital: Hospital) -> None:
    """The answer did not change, so it still shows the message that told of it first."""
    story = [Problem(), Ordered(at=1), Controlled(at=2), Problem(event="PC2", action="UP", at=3)]
    hospital.sends_one_by_one(messages(story))

    pruned(hospital)

    assert without_text(hospital) == set()


def test_what_waits_or_is_parked_stays_however_old(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen(), Seen(at=1), Seen(at=2)]))
    with hospital.engine.begin() as connection:
        for name, state in (("M001", "received"), ("M002", "parked")):
            which = tables.message.c.control_id == name
            connection.execute(sa.update(tables.message).where(which).values(state=state))

    pruned(hospital)

    assert without_text(hospital) == {"M003"}


def test_a_type_has_an_age_of_its_own_and_no_age_means_for_good(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen(), Merged(who="3", retired=("4",), event="A41", at=1)]))

    pruned(hospital, Ages(None, None, {"ADT^A41": YEAR}))

    assert without_text(hospital) == {"M002"}
    pruned(hospital, Ages(YEAR, YEAR, {"ADT": 3 * YEAR}))
    assert without_text(hospital) == {"M002"}


def test_what_is_younger_stays(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen()]))

    pruned(hospital, Ages(2 * YEAR + timedelta(seconds=1), YEAR))

    assert without_text(hospital) == set()


def test_a_message_with_a_code_that_waits_for_somebody_stays_until_it_is_dismissed(hospital: Hospital) -> None:
    (message,) = hospital.receives(*messages([Seen()]))
    hospital.processes([message])
    seen = Sighting("diagnosis", "ZKH", "T7", "Aandoening", "", message, "DG1[1]-3")
    with hospital.engine.begin() as connection:
        local_codes.record(connection, [seen], hospital.clock.now)

    pruned(hospital)
    kept = without_text(hospital)
    with hospital.engine.begin() as connection:
        connection.execute(sa.text("UPDATE local_code SET state = 'dismissed'"))
    pruned(hospital)

    assert (kept, without_text(hospital)) == (set(), {"M001"})


def test_looking_changes_nothing_and_counts_what_would_go(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen(), Seen(at=1), Problem(who="2")]))

    seen = survey(hospital.engine, run_of(hospital), nobody, 2)

    assert without_text(hospital) == set()
    assert seen.gone() == pruned(hospital).gone()
    assert seen.gone()[0] == 2


def test_every_step_is_on_record_and_the_record_cannot_be_changed(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen(at=hour) for hour in range(5)]))

    messages_gone, size = pruned(hospital, together=2).gone()

    with hospital.engine.begin() as connection:
        last = retention.last_pruning(connection)
        assert last is not None
        assert (last.actor, last.messages, last.size) == ("els at the command line", messages_gone, size)
        assert retention.pruned_messages(connection) == 5
    for change in ("DELETE FROM pruning", "UPDATE pruning SET actor = 'nobody'"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), hospital.engine.begin() as connection:
            connection.execute(sa.text(change))


def test_stopped_in_the_middle_it_has_done_whole_steps_and_goes_on(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen(at=hour) for hour in range(5)]))

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(hospital.engine, run_of(hospital), stop, 2)
    half = without_text(hospital)
    with hospital.engine.connect() as connection:
        on_record = retention.pruned_messages(connection)
    pruned(hospital)

    assert (half, on_record) == ({"M001", "M002"}, 2)
    assert len(without_text(hospital)) == 5


def test_a_rebuild_after_it_changes_nothing(hospital: Hospital) -> None:
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    before = hospital.dump()

    pruned(hospital, together=200)
    rebuild(hospital.worker, nobody)

    assert len(without_text(hospital)) > 50
    assert hospital.dump() == before


def test_a_rebuild_keeps_the_deletion_of_a_message_that_went(hospital: Hospital) -> None:
    """The diagnosis may still be read again, its deletion not: it must not come back."""
    hospital.sends(*messages([Diagnosed(who="2", number="D1"), Diagnosed(who="2", number="D1", action="D", at=1)]))
    before = hospital.dump()
    pruned(hospital, Ages(YEAR, None, {}))
    with hospital.engine.begin() as connection:  # the text of the diagnosis was kept, as of a type with its own age
        first = tables.message.c.control_id == "M001"
        raw = messages([Diagnosed(who="2", number="D1")])[0]
        connection.execute(sa.update(tables.message).where(first).values(raw=raw, pruned_at=None))

    rebuild(hospital.worker, nobody)

    assert "M002" in without_text(hospital)
    assert hospital.dump() == before


def test_what_went_cannot_be_let_wait_again(hospital: Hospital) -> None:
    hospital.sends(*messages([Seen()]))
    pruned(hospital)

    rebuild(replace(hospital.worker), nobody)
    with hospital.engine.begin() as connection:
        local_codes.process_again(connection, [1])

    assert hospital.states() == {"M001": "processed"}


def test_an_unmerge_keeps_its_message_and_the_merge_it_took_back_may_go(hospital: Hospital) -> None:
    hospital.sends(*messages([Merged(), Unmerged(at=1)]))

    pruned(hospital)

    assert with_text(hospital) == {"M002"}
