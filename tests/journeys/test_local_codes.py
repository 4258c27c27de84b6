"""Local codes: seen, mapped by a pharmacist, and from then on as good as any other."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from clinical.codes import Coding
from inbox.codes.acts import DismissCode, MapCode
from rules.knowledge import Knowledge
from store import local_codes, tables
from store.local_codes import CodeFilter, SeenCode
from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.hospital import Hospital
from worker.local_codes import settle

VTE = "venous-thromboembolism"
IN_WORDS = "^immunoglobuline huisbereiding  5g"
TROMB = "DG1|1||T7^Trombosebeen li^ZKH||20190614|F"
ANY = CodeFilter()


def codes(hospital: Hospital) -> list[SeenCode]:
    with hospital.engine.connect() as connection:
        return local_codes.most_seen(connection, ANY, 100)


def decides(hospital: Hospital, code: str, value_set: str) -> int:
    """Map a code as a pharmacist does; return how many messages wait again."""
    row = next(each for each in codes(hospital) if each.code == code)
    return hospital.does(MapCode(row.id, value_set))


def rules(hospital: Hospital) -> list[str]:
    """What fired in the newest answer."""
    query = sa.select(tables.assessment.c.conclusion).order_by(tables.assessment.c.id.desc()).limit(1)
    with hospital.engine.connect() as connection:
        return [finding["rule"] for finding in connection.execute(query).scalar_one()["findings"]]


@pytest.mark.parametrize(
    ("segment", "seen"),
    [
        ("DG1|1||T7^Trombosebeen li^ZKH", [("diagnosis", "ZKH", "T7", "Trombosebeen li", VTE, "DG1[1]-3")]),
        ("DG1|1||1320^Zwangerschap^GS40", []),  # the value sets hold it
        ("DG1|1||77^Iets^CI", [("diagnosis", "GS40", "77", "Iets", "", "DG1[1]-3")]),
        ("DG1|1||J18.9^Pneumonie^I10", []),  # a system that we speak
        ("DG1|1||L8^Longontsteking^ZKH^J18.9^Pneumonie^I10", []),
        ("DG1|1||4711^Longontsteking^DHD", [("diagnosis", "DHD", "4711", "Longontsteking", "", "DG1[1]-3")]),
        ("DG1|1||K35.8^Appendicitis", [("diagnosis", "", "K35.8", "Appendicitis", "", "DG1[1]-3")]),
        ("DG1|1||mw heeft spit", [("diagnosis", "TEXT", "MW HEEFT SPIT", "mw heeft spit", "", "DG1[1]-3")]),
        ("DG1|1||^M. Virchow", [("diagnosis", "TEXT", "M. VIRCHOW", "M. Virchow", "", "DG1[1]-3")]),
        ("DG1|1||^Trombosebeen", []),  # words that are understood
        ("DG1|1||^Geen trombosebeen", []),
        ("DG1|1||^tromboseprofylaxe", []),
        ("DG1|1||vrijetekst", []),
        ("DG1|1||^12-3", []),  # no words
        (f"DG1|1||^{'aandoening van het been ' * 6}", []),  # a narrative, not a name
        ("AL1|1|DA|P1^Penicilline^ZKH", []),
    ],
)
def test_a_diagnosis_we_can_make_nothing_of_is_noted(
    hospital: Hospital, segment: str, seen: list[tuple[str, ...]]
) -> None:
    hospital.sends(a_message(segment))

    found = [(row.kind, row.system, row.code, row.display, row.likely, row.path) for row in codes(hospital)]
    assert found == seen


@pytest.mark.parametrize(
    ("product", "seen"),
    [
        ("J06BA02^IVIg^ATC", []),
        ("N02BE01^Paracetamol^ATC", []),
        ("P9^Paracetamol 500 mg^ZKH", [("P9", "")]),
        ("P9^Paracetamol^ZKH^N02BE01^paracetamol^ATC", []),
        ("99990001^huisbereiding^GS-PRK", [("99990001", "")]),
        ("IG1^immunoglobuline huisbereiding^ZKH", [("IG1", "immunoglobulin-any-route")]),
        ("N0X^immunoglobuline huisbereiding^ATC", [("N0X", "immunoglobulin-any-route")]),  # its words contradict it
        ("IG2^anti-D immunoglobuline^ZKH^J06BB01^anti-D^ATC", []),
        ("^immunoglobuline onbekend merk", []),  # given intravenously: it is IVIg
        ("^Privigen 100 mg/ml", []),
        ("^anti-D immunoglobuline", []),
        ("DEFAULTMED^Paracetamol 500 mg", []),  # mapped, it would make every product that
        ("0000^Paracetamol 500 mg^ZKH", []),
        ("^paracetamol", []),
        ("V9^nanogam, eigen bereiding^ATC^IG3^^ZKH", [("IG3", "")]),
    ],
)
def test_a_product_we_can_make_nothing_of_is_noted(
    hospital: Hospital, product: str, seen: list[tuple[str, str]]
) -> None:
    hospital.sends(an_order(product=product))

    assert [(row.code, row.likely) for row in codes(hospital) if row.kind == "product"] == seen


def test_what_looks_like_immunoglobulin_is_judged_as_possible_ivig(hospital: Hospital) -> None:
    hospital.sends(an_order(product="IG1^immunoglobuline huisbereiding^ZKH", route=""))

    assert "IG-DATA-033" in rules(hospital)
    assert [number for number, _, _ in hospital.inbox()] == ["900001"]


def test_each_code_is_counted_once_per_message_in_whatever_order_and_however_often(hospital: Hospital) -> None:
    messages = [a_message(TROMB, TROMB, control=f"C{number}") for number in range(6)]
    ids = hospital.receives(*messages)
    random.Random(7).shuffle(ids)

    for number in [*ids, *ids]:
        hospital.processes([number])

    (row,) = codes(hospital)
    assert (row.messages, row.message_id, row.control_id, row.feed) == (6, max(ids), "C5", "default")


def test_mapping_a_diagnosis_answers_again_who_has_it(hospital: Hospital) -> None:
    hospital.sends(a_message("DG1|1||T7^aandoening^ZKH||20190614|F"), an_order())
    hospital.sends(a_message("DG1|1||J18.9^Pneumonie^I10", control="C9", pid="PID|1||2000002^^^ZKHA^PI"))
    before = rules(hospital)

    waiting = decides(hospital, "T7", VTE)
    hospital.processes(hospital.waiting())

    assert ("IG-VTE-001" in before, waiting, "IG-VTE-001" in rules(hospital)) == (False, 1, True)
    assert hospital.inbox()[0][1] == "contraindication"


def test_mapping_a_product_finds_the_orders_for_it(hospital: Hospital) -> None:
    hospital.sends(an_order(product="HB10^huisbereiding^ZKH"))
    before = hospital.answers()

    decides(hospital, "HB10", "intravenous-immunoglobulin")
    hospital.processes(hospital.waiting())

    assert (before, list(hospital.answers())) == ({}, ["900001"])


def test_mapping_what_was_taken_for_ivig_answers_it_again(hospital: Hospital) -> None:
    hospital.sends(an_order(product="IG1^immunoglobuline huisbereiding^ZKH", route=""))

    decides(hospital, "IG1", "intravenous-immunoglobulin")
    hospital.processes(hospital.waiting())

    assert "IG-DATA-033" not in rules(hospital)


def test_mapping_what_was_taken_for_ivig_to_a_look_alike_takes_the_alert_away(hospital: Hospital) -> None:
    hospital.sends(an_order(product="IG1^immunoglobuline huisbereiding^ZKH", route=""))
    before = len(hospital.inbox())

    decides(hospital, "IG1", "immunoglobulin-lookalikes")
    hospital.processes(hospital.waiting())

    assert (before, hospital.inbox()) == (1, [])


def test_a_product_that_has_only_words_is_mapped_to_ivig_by_its_words(hospital: Hospital) -> None:
    hospital.sends(an_order(product=IN_WORDS, route=""))
    doubted = "IG-DATA-033" in rules(hospital)

    waiting = decides(hospital, "IMMUNOGLOBULINE HUISBEREIDING 5G", "intravenous-immunoglobulin")
    hospital.processes(hospital.waiting())

    assert (doubted, waiting, "IG-DATA-033" in rules(hospital)) == (True, 1, False)


def test_a_product_that_has_only_words_is_mapped_to_a_look_alike_by_its_words(hospital: Hospital) -> None:
    hospital.sends(an_order(product=IN_WORDS, route=""))
    (row,) = codes(hospital)

    decides(hospital, row.code, "immunoglobulin-lookalikes")
    hospital.processes(hospital.waiting())

    assert (row.kind, row.system, row.display) == ("product", "TEXT", "immunoglobuline huisbereiding  5g")
    assert hospital.inbox() == []


def test_a_diagnosis_that_has_only_words_counts_once_its_words_are_mapped(hospital: Hospital) -> None:
    hospital.sends(a_message("DG1|1||^Morbus Virchow li||20190614|F"), an_order())
    (row,) = codes(hospital)
    before = rules(hospital)

    waiting = decides(hospital, row.code, VTE)
    hospital.processes(hospital.waiting())

    assert (row.kind, row.system, row.display) == ("diagnosis", "TEXT", "Morbus Virchow li")
    assert ("IG-VTE-001" in before, waiting, "IG-VTE-001" in rules(hospital)) == (False, 1, True)


def test_mapped_words_of_a_diagnosis_count_in_whatever_case_they_come_later(hospital: Hospital) -> None:
    hospital.sends(a_message("DG1|1||^Morbus Virchow li||20190614|F"))
    decides(hospital, "MORBUS VIRCHOW LI", VTE)

    other = "PID|1||2000002^^^ZKHA^PI"
    hospital.sends(
        a_message("PRB|AD|20261101|^morbus  VIRCHOW li|P1|||||||||||20190614", control="C2", pid=other, kind="PPR^PC1")
    )
    hospital.sends(an_order(pid=other))

    assert "IG-VTE-001" in rules(hospital)


def test_a_mapping_counts_for_messages_that_come_later_without_a_restart(hospital: Hospital) -> None:
    hospital.sends(a_message(TROMB.replace("T7^Trombosebeen li", "T7^aandoening")))
    decides(hospital, "T7", VTE)

    other = "PID|1||2000002^^^ZKHA^PI"
    hospital.sends(a_message("DG1|1||T7^aandoening^ZKH||20190614|F", control="C2", pid=other))
    hospital.sends(an_order(pid=other))

    assert "IG-VTE-001" in rules(hospital)
    assert [row.messages for row in codes(hospital)] == [2]


def test_a_mapping_that_is_taken_back_no_longer_counts(hospital: Hospital) -> None:
    hospital.sends(a_message("DG1|1||T7^aandoening^ZKH||20190614|F"), an_order())
    decides(hospital, "T7", VTE)
    hospital.processes(hospital.waiting())
    (row,) = codes(hospital)

    hospital.does(DismissCode(row.id, "een vergissing"))
    hospital.processes(hospital.waiting())

    assert "IG-VTE-001" not in rules(hospital)


def test_mapped_before_or_after_is_the_same_in_the_end(
    fresh_engine: Callable[[], sa.Engine], knowledge: Knowledge
) -> None:
    known = a_message("DG1|1||T7^aandoening^ZKH", control="C0", pid="PID|1||9^^^ZKHA^PI")
    story = [a_message("DG1|1||T7^aandoening^ZKH||20190614|F"), an_order()]
    early, late = Hospital(fresh_engine(), knowledge), Hospital(fresh_engine(), knowledge)

    early.sends(known)
    decides(early, "T7", VTE)
    early.sends(*story)
    early.processes(early.waiting())
    late.sends(known, *story)
    decides(late, "T7", VTE)
    late.processes(late.waiting())

    assert early.dump() == late.dump()


def test_a_code_that_the_site_file_maps_at_the_next_start_is_settled(hospital: Hospital) -> None:
    hospital.sends(a_message("DG1|1||T7^aandoening^ZKH||20190614|F"), an_order())
    own = hospital.knowledge.with_local_codes({VTE: [Coding("ZKH", "T7")]})

    restarted = replace(hospital.worker, knowledge=own, mapped={})
    changed = settle(restarted)
    again = settle(restarted)
    hospital.worker = restarted
    hospital.processes(hospital.waiting())

    (row,) = codes(hospital)
    assert (len(changed), len(again), row.state, row.value_set) == (1, 0, "known", VTE)
    assert "IG-VTE-001" in rules(hospital)


def test_a_code_that_the_site_file_no_longer_maps_is_open_again(hospital: Hospital) -> None:
    hospital.sends(a_message(TROMB))
    own = hospital.knowledge.with_local_codes({VTE: [Coding("ZKH", "T7")]})
    settle(replace(hospital.worker, knowledge=own, mapped={}))

    settle(hospital.worker)

    assert [row.state for row in codes(hospital)] == ["open"]


def test_a_mapping_waits_for_messages_that_are_being_noted(postgres_engine: sa.Engine, knowledge: Knowledge) -> None:
    """Else a message of that moment would be judged without the mapping, and never again with it."""
    hospital = Hospital(postgres_engine, knowledge)
    hospital.sends(a_message("DG1|1||T7^aandoening^ZKH||20190614|F"))
    ids = hospital.receives(a_message(TROMB, control="C2", pid="PID|1||2^^^ZKHA^PI"))
    noted, mapped = threading.Event(), threading.Event()

    def map_it() -> None:
        noted.wait(90)
        decides(hospital, "T7", VTE)
        mapped.set()

    def linger(_connection: sa.Connection) -> None:
        if threading.current_thread() is not person and not noted.is_set():
            noted.set()
            assert not mapped.wait(0.3)

    person = threading.Thread(target=map_it)
    person.start()
    sa.event.listen(postgres_engine, "commit", linger)
    hospital.processes(ids)
    person.join(90)

    assert len(hospital.waiting()) == 2


@pytest.fixture(autouse=True)
def _nothing_is_left_waiting(hospital: Hospital) -> Iterator[None]:
    yield
    hospital.processes(hospital.waiting())
    assert hospital.waiting() == []
