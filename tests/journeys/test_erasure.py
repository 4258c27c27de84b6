"""A patient asks to be erased: nothing stays but what must, nobody else loses anything, no backup undoes it."""

import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from inbox.alerts.act import OnAlert
from inbox.alerts.remarks import Comment
from inbox.alerts.settling import Acknowledgement
from ivigilant.backup import back_up, new_key, read_key, restore
from ivigilant.erasure_register import (
    ErasureKey,
    complete_file,
    erase_again,
    missing_inside,
    missing_outside,
    read_register,
)
from ivigilant.errors import UnreadablePath
from ivigilant.ledger import Signer, verify
from rules.knowledge import Knowledge
from store import erasure, holds, tables
from store.access_log import remove_before
from store.engine import connect
from store.erasure import Erasure
from store.tables import metadata
from tests.ivigilant.waiting import soon
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Happening, Merged, Ordered, Problem, Seen, Unmerged, messages
from tests.services import Databases
from worker.erase import ErasureObstructed, ErasurePlan, ErasureRequest, PlanChanged, erase, look
from worker.memory import HistoryMemory
from worker.prune import Run, survey
from worker.rebuild import rebuild

KEY = ErasureKey(b"k" * 32)
FAMILY, BORN, BSN = "Zonnebloem", "19510203", "999990019"
ZKHA = "ZKHA|1"


@dataclass(frozen=True, kw_only=True)
class Sick(Seen):
    """Whoever asks to be erased, by a name that nobody else has."""

    family: str = FAMILY
    born: str = BORN


STORY: tuple[Happening, ...] = (
    Sick(who="1+"),
    Problem(at=1),
    Ordered(at=2),
    Merged(retired=("3",), at=3),
    Seen(who="2"),
    Problem(who="2", at=1),
    Ordered(who="2", number="200", at=2),
)
APPOINTMENT = (
    f"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261110||SIU^S12|S1|P|2.5\rSCH|1\rPID|1||1^^^ZKHA^PI||{FAMILY}^Aaltje\r"
).encode()
OF_ANOTHER = b"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261110||SIU^S12|S2|P|2.5\rSCH|1\rPID|1||2^^^ZKHA^PI\r"
BROKEN = f"PID|1||999990019^^^NLMINBIZA^NNNLD||{FAMILY}".encode()


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """Two patients with an order and an alert each; that of the first is dealt with."""
    lived = Hospital(engine, knowledge)
    lived.sends(*messages(STORY))
    lived.sends(APPOINTMENT, OF_ANOTHER, BROKEN)
    (alert,) = lived.rows(
        "SELECT a.id FROM alert a JOIN medication_order o ON o.id = a.order_id WHERE o.key LIKE '%100'"
    )
    lived.does(OnAlert(alert.id, Comment(f"mevrouw {FAMILY} belt terug")))
    lived.does(OnAlert(alert.id, Acknowledgement()))
    return lived


def planned(hospital: Hospital, number: str = ZKHA) -> ErasurePlan:
    return look(hospital.engine, hospital.site, number, hospital.clock())


def nothing_more(_connection: sa.Connection, _line: Erasure) -> None:
    """Write no line of the access log."""


def request(plan: ErasurePlan, *, over: bool = False) -> ErasureRequest:
    return ErasureRequest("one", "els", "patient", "de Wit", "letter", plan.code, over, KEY.name, KEY.hash_of)


def erased(
    hospital: Hospital,
    plan: ErasurePlan | None = None,
    record: Callable[[sa.Connection, Erasure], None] = nothing_more,
    over: bool = False,
) -> Erasure:
    plan = plan or planned(hospital)
    return erase(hospital.engine, hospital.site, plan.members, request(plan, over=over), hospital.clock(), record)


def obstacles(hospital: Hospital, number: str = ZKHA) -> list[str]:
    return [each.kind for each in planned(hospital, number).obstacles]


def everything(engine: sa.Engine) -> str:
    """Every value of every table, and what is packed in it."""
    said: list[str] = []
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                said += [f"{table.name}: {_readable(value)}" for value in row]
    return "\n".join(said)


def _readable(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return zlib.decompress(value).decode("latin-1")
        except zlib.error:
            return value.decode("latin-1")
    return str(value)


def of_the_other(hospital: Hospital) -> list[bytes]:
    """What is stored of patient 2."""
    return [line for line in hospital.dump() if b'"ZKHA|2"' in line]


def test_name_birth_date_and_numbers_are_nowhere_but_the_number_that_the_access_log_refers_to(
    hospital: Hospital,
) -> None:
    assert FAMILY in everything(hospital.engine)
    other = of_the_other(hospital)

    done = erased(hospital)

    left = everything(hospital.engine)
    assert [word for word in (FAMILY, BORN, "1951-02-03", FAMILY.lower()) if word in left] == []
    assert [line for line in left.splitlines() if BSN in line] == []
    assert hospital.rows("SELECT count(*) FROM patient WHERE value IN ('1', '3')")[0][0] == 2
    assert of_the_other(hospital) == other != []
    assert done.messages == 6  # four that were read, an appointment, and one that nobody could read


def test_the_file_of_the_database_holds_no_remains(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    lived = Hospital(sqlite_engine, knowledge)
    lived.sends(*messages([Sick(), Seen(who="2")]))
    file = Path(str(sqlite_engine.url.database))

    erased(lived)

    held = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert FAMILY.encode() not in held
    assert b"Aalders" in held


def test_the_ledger_stays_whole_and_says_how_many_messages_were_erased(hospital: Hospital) -> None:
    hospital.clock.passes(hours=1)
    before = verify(hospital.engine, hospital.clock(), Signer())

    erased(hospital)
    after = verify(hospital.engine, hospital.clock() + timedelta(hours=1), Signer())

    assert (before.faults, after.faults) == ([], [])
    assert (before.erased, after.erased) == (0, 6)


def test_a_message_that_is_marked_as_erased_and_stands_in_no_register_is_a_fault(hospital: Hospital) -> None:
    with hospital.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET reason = 'erased' WHERE control_id = 'M005'")

    found = verify(hospital.engine, hospital.clock(), Signer())

    assert [(fault.what, fault.count) for fault in found.faults] == [("messages_erased_without_record", 1)]


def test_the_same_message_sent_again_stays_erased_and_another_one_is_of_a_new_patient(hospital: Hospital) -> None:
    first = hospital.receives(messages(STORY)[1])
    erased(hospital)

    again = hospital.receives(messages(STORY)[1])
    hospital.processes(again)
    stayed = hospital.rows("SELECT count(*) FROM fact f JOIN patient p ON p.id = f.patient_id WHERE p.value = '1'")
    hospital.sends(messages([*STORY, Problem(at=99, number="P9")])[-1])
    new = hospital.rows("SELECT count(*) FROM fact f JOIN patient p ON p.id = f.patient_id WHERE p.value = '1'")

    assert again == first
    assert (stayed[0][0], new[0][0]) == (0, 1)


def test_a_patient_who_comes_back_is_judged_without_the_history_of_before(hospital: Hospital) -> None:
    erased(hospital)

    hospital.sends(messages([*STORY, Ordered(number="300", at=99, starts=500)])[-1])

    assert hospital.answers()["300"] not in ("contraindication", "high")


def test_a_worker_that_remembers_the_history_of_before_does_not_judge_by_it(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    lived, memory = Hospital(engine, knowledge), HistoryMemory(least=1)
    for message in messages([Sick(), Problem(), Ordered(at=2)]):
        lived.processes(lived.receives(message), memory)
    for row in lived.alerts():
        lived.does(OnAlert(row["id"], Acknowledgement()))
    known = memory.of(planned(lived).members)
    erased(lived)

    new = messages([*STORY, Ordered(number="300", at=99, starts=500)])[-1]
    lived.processes(lived.receives(new), memory)

    assert known
    assert lived.answers()["300"] not in ("contraindication", "high")


def test_what_a_shared_message_said_of_another_stays_and_so_after_a_rebuild(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    lived = Hospital(engine, knowledge)
    lived.sends(*messages([Sick(), Problem(who="2"), Merged(retired=("2",), at=1), Unmerged(at=2)]))
    plan = planned(lived)
    assert (plan.goes["message"], plan.goes["shared_message"]) == (1, 2)

    erased(lived, plan)
    before = lived.dump()
    rebuild(lived.worker, lambda _: None)

    assert lived.dump() == before
    assert FAMILY not in everything(engine)
    assert [line for line in before if b'"kind":"condition"' in line and b'"ZKHA|2"' in line] != []
    assert verify(engine, lived.clock(), Signer()).faults == []


def test_an_alert_that_waits_for_a_pharmacist_and_a_message_that_waits_for_a_worker_stand_in_the_way(
    hospital: Hospital,
) -> None:
    hospital.receives(*messages([*STORY, Seen(at=98, ward="C9")])[-1:])

    assert obstacles(hospital) == ["waiting"]
    assert obstacles(hospital, "ZKHA|2") == ["unanswered"]
    with pytest.raises(ErasureObstructed, match="unanswered"):
        erased(hospital, planned(hospital, "ZKHA|2"), over=True)


def test_an_order_that_is_open_takes_somebody_who_says_that_the_treatment_is_over(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    lived = Hospital(engine, knowledge)
    lived.sends(*messages([Sick(), Ordered(days=90, at=1)]))
    for row in lived.alerts():
        lived.does(OnAlert(row["id"], Acknowledgement()))
    plan = planned(lived)

    assert [each.kind for each in plan.obstacles] == ["open_orders"]
    with pytest.raises(ErasureObstructed, match="open_orders"):
        erased(lived, plan)
    assert erased(lived, plan, over=True).messages == 2


@pytest.mark.parametrize(
    ("story", "number", "expected"),
    [
        ([Sick()], "77", ["unknown"]),
        ([Sick(who="1+"), Seen(who="4+"), Seen(who="+1")], ZKHA, ["unclear"]),  # one citizen number, two patients
        (
            [Sick(), Merged(retired=("2",)), Unmerged(at=1), Merged(who="3", retired=("1", "2"), at=2)],
            ZKHA,
            ["unclear"],
        ),
    ],
)
def test_whoever_is_not_certain_is_not_erased(
    story: list[Happening], number: str, expected: list[str], engine: sa.Engine, knowledge: Knowledge
) -> None:
    lived = Hospital(engine, knowledge)
    lived.sends(*messages(story))

    assert obstacles(lived, number) == expected


def test_a_number_that_two_patients_have_takes_its_authority(engine: sa.Engine, knowledge: Knowledge) -> None:
    lived = Hospital(engine, knowledge)
    lived.sends(*messages([Sick()]), messages([Seen()])[0].replace(b"ZKHA^PI", b"ZKHB^PI").replace(b"M001", b"M9"))

    assert obstacles(lived, "1") == ["several"]
    assert obstacles(lived, "ZKHB|1") == []


def held_by(hospital: Hospital, number: str) -> int:
    plan = planned(hospital, number)
    with hospital.engine.begin() as connection:
        return holds.add(connection, max(plan.members), "claim", "els", hospital.clock(), None)


SWAPPED = (
    b"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261110||ADT^A17|W1|P|2.5\rEVN|A17|20261110\r"
    b"PID|1||1^^^ZKHA^PI\rPV1|1|I|C4\rPID|2||2^^^ZKHA^PI\rPV1|2|I|C5\r"
)  # of beds


def test_a_legal_hold_keeps_a_patient_whole_and_those_who_share_a_message(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    lived = Hospital(engine, knowledge)
    lived.sends(*messages([Sick(), Seen(who="2")]), SWAPPED)
    number = held_by(lived, "ZKHA|2")

    assert obstacles(lived) == ["held_other"]
    assert obstacles(lived, "ZKHA|2") == ["held"]
    with pytest.raises(ErasureObstructed):
        erased(lived)
    with engine.begin() as connection:
        holds.lift(connection, number, "els", "over", lived.clock())
    assert lived.states()["W1"] == "ignored"
    assert erased(lived).messages == 2  # nothing was read of the swap, so nobody loses anything by it


def test_a_message_of_several_that_is_parked_stays_until_it_is_read_for_the_others(
    sqlite_engine: sa.Engine, knowledge: Knowledge
) -> None:
    lived = Hospital(sqlite_engine, knowledge)
    lived.sends(*messages([Sick()]), SWAPPED)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET state = 'parked' WHERE control_id = 'W1'")

    plan = planned(lived)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET state = 'received' WHERE control_id = 'W1'")
    while_it_waits = obstacles(lived)
    with sqlite_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE message SET state = 'parked' WHERE control_id = 'W1'")

    assert (plan.goes["message"], plan.stays["mixed_unread"], while_it_waits) == (1, 1, ["waiting"])
    assert erased(lived).messages == 1


def test_a_legal_hold_stands_on_both_when_one_turns_out_to_be_two(engine: sa.Engine, knowledge: Knowledge) -> None:
    lived = Hospital(engine, knowledge)
    lived.sends(*messages([Sick(), Seen(who="2"), Merged(retired=("2",), at=1)]))
    held_by(lived, ZKHA)

    lived.sends(*messages([*STORY, Unmerged(at=2)])[-1:])

    assert [obstacles(lived, number)[0] for number in (ZKHA, "ZKHA|2")] == ["held", "held"]


def test_nothing_of_whoever_is_held_ages_out(hospital: Hospital) -> None:
    two_years = timedelta(days=730)
    ages = Run("r", "els", hospital.clock() + two_years, _ages())
    free = survey(hospital.engine, ages, lambda _: None).messages
    number = held_by(hospital, ZKHA)

    kept = survey(hospital.engine, ages, lambda _: None).messages

    assert sum(count for (_, _, why), count in kept.items() if why == "held") == 4
    assert sum(free.values()) == sum(kept.values())
    with hospital.engine.begin() as connection:
        connection.execute(sa.delete(tables.legal_hold).where(tables.legal_hold.c.id == number))


def _ages() -> Any:
    from store.retention import Ages

    return Ages(timedelta(days=365), timedelta(days=365))


def test_the_lines_of_the_access_log_about_whoever_is_held_stay_and_the_younger_ones_with_them(
    hospital: Hospital,
) -> None:
    long_ago = hospital.clock() - timedelta(days=8 * 365)
    plan = planned(hospital)
    with hospital.engine.begin() as connection:
        from store.access_log import AccessLine, write

        for patient in (None, min(plan.members), None):
            write(connection, [AccessLine(at=long_ago, actor="a", role="r", action="view_alert", patient_id=patient)])
    held_by(hospital, ZKHA)

    with hospital.engine.begin() as connection:
        removed = remove_before(connection, hospital.clock() - timedelta(days=7 * 365), "els", hospital.clock())

    assert removed == 1


def test_what_changed_since_the_plan_is_looked_at_again(hospital: Hospital) -> None:
    plan = planned(hospital)
    hospital.sends(messages([*STORY, Seen(at=97, ward="C8")])[-1])

    with pytest.raises(PlanChanged):
        erased(hospital, plan)
    assert FAMILY in everything(hospital.engine)


def test_the_record_of_an_alert_goes_with_an_erased_patient_alone(hospital: Hospital) -> None:
    erased(hospital)

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), hospital.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alert_event")
    for table in ("erasure", "erased_identity"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), hospital.engine.begin() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table}")


def test_a_worker_in_the_middle_of_it_waits_and_writes_nothing_of_before_back(hospital: Hospital) -> None:
    """A message comes while everything is locked; the worker that takes it goes on when the patient is erased."""
    waiting = hospital.receives(messages([*STORY, Seen(family="Nieuw", at=96, ward="C8")])[-1])
    with hospital.engine.begin() as connection:  # it arrives after the plan
        connection.execute(sa.delete(tables.message).where(tables.message.c.id.in_(waiting)))
    at_work = threading.Event()

    def work() -> None:
        late = messages([*STORY, Seen(family="Nieuw", at=96, ward="C8")])[-1]
        at_work.set()
        hospital.sends(late)

    worker = threading.Thread(target=work)

    def meanwhile(connection: sa.Connection, _line: Erasure) -> None:
        worker.start()
        at_work.wait()
        if connection.dialect.name == "postgresql":
            soon(lambda: connection.execute(WAITED_FOR).scalar())

    erased(hospital, record=meanwhile)
    worker.join()

    (row,) = hospital.rows("SELECT demographics FROM patient WHERE authority = 'ZKHA' AND value = '1'")
    assert "Nieuw" in str(row.demographics) and FAMILY not in everything(hospital.engine)
    assert (
        hospital.rows("SELECT count(*) FROM fact f JOIN patient p ON p.id = f.patient_id WHERE p.value = '1'")[0][0]
        == 0
    )
    assert hospital.waiting() == []


WAITED_FOR = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


def _killed(url: str, hospital_now: Any, place: str) -> None:
    from history.choices import Site

    engine = connect(url)
    plan = look(engine, Site(), ZKHA, hospital_now)

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if place == "before the commit":
        erase(engine, Site(), plan.members, request(plan), hospital_now, die)
    sa.event.listen(engine, "before_cursor_execute", lambda _c, _cur, words, *_: die() if place in words else None)
    erase(engine, Site(), plan.members, request(plan), hospital_now, nothing_more)


@pytest.mark.parametrize("place", ["INSERT INTO erasure", "DELETE FROM alert ", "UPDATE message", "before the commit"])
def test_killed_at_any_moment_all_is_there_and_it_is_done_anew(hospital: Hospital, place: str) -> None:
    before = hospital.dump()
    url = hospital.engine.url.render_as_string(hide_password=False)
    process = multiprocessing.get_context("fork").Process(target=_killed, args=(url, hospital.clock(), place))
    process.start()
    process.join(timeout=120)

    assert process.exitcode == -signal.SIGKILL
    assert hospital.dump() == before
    assert erased(hospital).messages == 6


@pytest.fixture
def backup(
    hospital: Hospital, tmp_path: Path, postgres_databases: Databases
) -> Iterator[tuple[Path, Callable[[], str]]]:
    """A backup of before the erasure, and an empty database to restore it to."""
    (tmp_path / "backup.key").write_text(new_key())
    key = read_key(tmp_path / "backup.key")
    file = tmp_path / "backup.age"
    back_up(hospital.engine.url.render_as_string(hide_password=False), file, key, hospital.clock())
    url = (
        f"sqlite:///{tmp_path / 'another' / 'ivigilant.sqlite3'}"
        if hospital.engine.dialect.name == "sqlite"
        else postgres_databases.make().render_as_string(hide_password=False)
    )

    def restored() -> str:
        assert restore(url, file, key)[1] == []
        return url

    yield file, restored


def test_a_backup_of_before_brings_the_patient_back_and_the_register_erases_again(
    hospital: Hospital, backup: tuple[Path, Callable[[], str]], tmp_path: Path
) -> None:
    register = tmp_path / "erasures.jsonl"
    hospital.clock.passes(days=1)
    erased(hospital)
    complete_file(hospital.engine, register)
    engine = connect(backup[1]())
    came_back = FAMILY in everything(engine)

    missing = missing_inside(engine, register)
    (done,) = erase_again(engine, hospital.site, KEY, missing, hospital.clock(), lambda *_: None)

    text = register.read_text()
    assert came_back and FAMILY not in everything(engine)
    assert (done.patients, done.failed, missing_inside(engine, register)) == (2, "", [])
    assert [word for word in (FAMILY, BORN, BSN, "ZKHA") if word in text] == []
    assert verify(engine, hospital.clock(), Signer()).faults == []
    with engine.connect() as connection:
        assert [each.name for each in erasure.registered(connection)] == ["one"]
    engine.dispose()


def test_whoever_is_killed_while_the_register_is_written_leaves_it_to_the_next(
    sqlite_engine: sa.Engine, knowledge: Knowledge, tmp_path: Path
) -> None:
    lived, register = Hospital(sqlite_engine, knowledge), tmp_path / "erasures.jsonl"
    lived.sends(*messages([Sick()]))
    erased(lived)
    nothing_yet = missing_outside(sqlite_engine, register)
    complete_file(sqlite_engine, register)
    whole = register.read_bytes()
    register.write_bytes(whole[:40])

    with pytest.raises(UnreadablePath, match="line 1"):
        read_register(register)
    added = complete_file(sqlite_engine, register)

    assert (nothing_yet, added) == ((1, 1), 1)
    assert register.read_bytes() == whole[:40] + b"\n" + whole
    assert [each.name for each in read_register(register)] == ["one"]
    assert complete_file(sqlite_engine, register) == 0


def test_another_key_and_messages_of_after_the_erasure_are_for_somebody_to_look_at(
    hospital: Hospital, backup: tuple[Path, Callable[[], str]], tmp_path: Path
) -> None:
    register = tmp_path / "erasures.jsonl"
    hospital.clock.passes(days=1)
    erased(hospital)
    complete_file(hospital.engine, register)
    engine = connect(backup[1]())
    again = Hospital(engine, hospital.knowledge, clock=hospital.clock)
    missing = missing_inside(engine, register)

    (other,) = erase_again(engine, hospital.site, ErasureKey(b"x" * 32), missing, hospital.clock(), lambda *_: None)
    hospital.clock.passes(days=1)
    again.sends(messages([*STORY, Seen(at=95, ward="C7")])[-1])
    (later,) = erase_again(engine, hospital.site, KEY, missing, hospital.clock(), lambda *_: None)

    assert "needs the key" in other.failed
    assert "messages came after it" in later.failed
    assert FAMILY in everything(engine)
    engine.dispose()
