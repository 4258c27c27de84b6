"""What comes in between: another worker, a merge or a changed site file, at the worst moment."""

from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from clinical.codes import Coding
from history.choices import Site
from inbox.codes.acts import MapCode
from rules.knowledge import Knowledge
from store import message_queries, tables
from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Controlled, Diagnosed, Merged, Ordered, Problem, messages
from worker.rebuild import Rebuilt, rebuild
from worker.tasks import MOST_CRASHES


def nobody(_: Rebuilt) -> None:
    """Nobody watches."""


def after_the_next_look(engine: sa.Engine, act: Callable[[], object]) -> None:
    """Do this once, as soon as somebody has read what waits, and before anything is locked."""
    done: list[bool] = []

    def once(_: sa.Connection) -> None:
        if not done:
            done.append(True)
            act()

    sa.event.listen(engine, "rollback", once)  # reading ends with one


def test_a_message_that_another_worker_just_ended_is_not_parked_for_crashing(hospital: Hospital) -> None:
    ids = hospital.receives(*messages([Ordered()]))
    with hospital.engine.begin() as connection:
        message_queries.mark_queued(connection, ids, hospital.clock())
        for _ in range(MOST_CRASHES):
            message_queries.count_attempt(connection, ids)

    after_the_next_look(hospital.engine, lambda: end(hospital))
    hospital.processes(ids)

    assert hospital.states() == {"M001": "processed"}


def end(hospital: Hospital) -> None:
    """What another worker commits."""
    with hospital.engine.begin() as connection:
        connection.execute(sa.update(tables.message).values(state="processed"))


def test_a_merge_that_comes_during_a_rebuild_hides_nobody_from_it(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    """The survivor had been derived again already; the other had not."""
    told = messages([Diagnosed(), Problem(who="2", number="P2"), Ordered(who="2", at=1), Merged(at=2)])
    plain = Hospital(fresh_engine(), knowledge)
    plain.sends(*told)
    hospital.sends_one_by_one(told[:3])
    with hospital.engine.begin() as connection:
        connection.execute(sa.delete(tables.fact))  # as if the knowledge of then had no use for any

    rebuild(hospital.worker, lambda _: _nothing(hospital.sends(told[3])), together=1)

    assert hospital.dump() == plain.dump()


def _nothing(_: object) -> None:
    """What was done is not asked for."""


def test_a_code_that_is_mapped_after_a_message_with_it_was_read_counts_for_that_message(hospital: Hospital) -> None:
    told = [a_message("DG1|1||T7^aandoening^ZKH||20190614|F"), an_order()]
    hospital.sends(a_message("DG1|1||T7^aandoening^ZKH", control="C0", pid="PID|1||9^^^ZKHA^PI"))
    ids = hospital.receives(*told)

    after_the_next_look(hospital.engine, lambda: hospital.does(MapCode(1, "venous-thromboembolism")))
    hospital.processes(ids)

    assert [tier for _, tier, _ in hospital.inbox()] == ["contraindication"]


def test_what_a_message_adds_is_worked_out_before_anything_is_locked(hospital: Hospital, knowledge: Knowledge) -> None:
    code = f"LOCK-{hospital.engine.dialect.name}"  # nobody has looked it up before
    ids = hospital.receives(a_message(f"OBX|1|NM|{code}^test^L||1||||||F"))
    worked_out: list[bool] = []

    def look(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get("ivigilant_reads"):
            asked = (Coding(system="L", code=code, display="test"),), ""
            worked_out.append(knowledge.terms.memory.kept.get(asked) is not None)

    sa.event.listen(hospital.engine, "begin", look)
    hospital.processes(ids)

    assert worked_out == [True]
    assert hospital.waiting() == []


def test_a_message_that_waits_to_be_read_again_is_read_by_the_site_file_of_now(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    """Its facts have the version they had: what they say is what differs."""
    site = Site(stops_need_confirmation=frozenset({"default"}))
    told = messages([Problem(), Ordered(at=1), Controlled(at=2)])
    plain = Hospital(fresh_engine(), knowledge, site)
    plain.sends(*told)
    ids = hospital.receives(*told)
    hospital.processes(ids)
    with hospital.engine.begin() as connection:
        message_queries.reprocess(connection, ids[2:], hospital.clock())

    hospital.worker = replace(hospital.worker, site=site)
    rebuild(hospital.worker, nobody)
    hospital.processes(hospital.waiting())

    assert hospital.dump() == plain.dump()


def test_a_message_read_again_says_what_the_site_file_of_now_makes_of_it(
    hospital: Hospital, fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    """Without a rebuild: somebody presses the button beside the message."""
    site = Site(stops_need_confirmation=frozenset({"default"}))
    told = messages([Problem(), Ordered(at=1), Controlled(at=2)])
    plain = Hospital(fresh_engine(), knowledge, site)
    plain.sends(*told)
    ids = hospital.receives(*told)
    hospital.processes(ids)

    hospital.worker = replace(hospital.worker, site=site)
    with hospital.engine.begin() as connection:
        message_queries.reprocess(connection, ids, hospital.clock())
    hospital.processes(ids)

    assert hospital.dump() == plain.dump()
