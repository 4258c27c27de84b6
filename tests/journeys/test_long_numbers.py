"""A number that no index can hold parks its own message, at once and with its reason; the rest of the task goes on."""

from dataclasses import replace
from hashlib import sha256

import pytest
import sqlalchemy as sa

from history import messages
from rules.knowledge import Knowledge
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_message
from tests.parsers.medication.order_builders import ORC, rxe

LONG = "".join(sha256(bytes([n])).hexdigest() for n in range(100))  # 6,400 characters that no database compresses
JANSEN = "PID|1||1000001^^^ZKHA^PI||Jansen^Willem||19481103|M"
BAKKER = "PID|1||1000002^^^ZKHA^PI||Bakker^Anna||19500101|F"
GOOD = a_message(JANSEN, ORC, rxe("32", "g"), kind="RDE^O11")


def of_bakker(*segments: str, pid: str = BAKKER, kind: str = "ADT^A08") -> bytes:
    return a_message(pid, *segments, kind=kind).replace(b"|C1|", b"|C2|")


def endings(hospital: Hospital) -> dict[str, tuple[str, str | None, str | None, int]]:
    rows = hospital.rows("SELECT control_id, state, reason, detail, attempts FROM message")
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


BAD = {
    "number": (of_bakker(pid=BAKKER.replace("1000002", LONG)), "long_patient_number", "PID[1]"),
    "authority": (of_bakker(pid=BAKKER.replace("ZKHA", LONG)), "long_patient_number", "PID[1]"),
    "second": (of_bakker(pid=BAKKER.replace("^PI", f"^PI~{LONG}^^^ZKHB^PI")), "long_patient_number", "PID[1]"),
    "retired": (of_bakker(f"MRG|{LONG}^^^ZKHA^PI", kind="ADT^A40"), "long_patient_number", "MRG[1]-1"),
    "placer": (
        of_bakker(ORC.replace("|1^EPD|", f"|{LONG}^EPD|"), rxe("32", "g"), kind="RDE^O11"),
        "long_order_number",
        "RXE[1]-2",
    ),
    "filler": (
        of_bakker(ORC.replace("|1^EPD|", f"|2^EPD|{LONG}^APO"), rxe("32", "g"), kind="RDE^O11"),
        "long_order_number",
        "RXE[1]-2",
    ),
    "parent": (
        of_bakker(ORC.replace("|1^EPD|", "|2^EPD|").replace("||2025", f"|{LONG}|2025"), rxe("32", "g"), kind="RDE^O11"),
        "long_order_number",
        "RXE[1]-2",
    ),
    "order of a dose": (
        of_bakker(
            ORC.replace("|1^EPD|", f"|{LONG}^EPD|"),
            "RXA|0|1|20250310120000|20250310160000|J06BA02^IVIG^ATC|30|g||||||||||||CP|A",
            kind="RAS^O17",
        ),
        "long_order_number",
        "RXA[1]-5",
    ),
    "diagnosis": (of_bakker(f"DG1|1||I80.2^DVT^I10||20250301|F{'|' * 14}{LONG}"), "long_entry_number", "DG1[1]-3"),
}


@pytest.mark.parametrize(("bad", "reason", "place"), BAD.values(), ids=BAD)
def test_a_message_with_a_number_too_long_is_parked_alone_and_names_the_place(
    hospital: Hospital, bad: bytes, reason: str, place: str
) -> None:
    hospital.sends(bad, GOOD)

    assert endings(hospital) == {"C1": ("processed", None, None, 0), "C2": ("parked", reason, place, 0)}
    assert list(hospital.answers()) == ["1"]
    assert hospital.rows("SELECT value FROM patient") == [("1000001",)]


def test_a_number_of_250_characters_is_kept_whole(hospital: Hospital) -> None:
    longest = LONG[:250]

    hospital.sends(
        of_bakker(
            ORC.replace("|1^EPD|", f"|{longest}^EPD|"),
            rxe("32", "g"),
            kind="RDE^O11",
            pid=BAKKER.replace("1000002", longest),
        )
    )

    assert hospital.rows("SELECT value FROM patient") == [(longest,)]
    assert list(hospital.answers()) == [longest]


def test_a_long_order_number_of_what_no_rule_uses_parks_nothing(hospital: Hospital) -> None:
    paracetamol = rxe("500", "mg", "N02BE01^Paracetamol^ATC")

    hospital.sends(of_bakker(ORC.replace("|1^EPD|", f"|{LONG}^EPD|"), paracetamol, kind="RDE^O11"))

    assert endings(hospital) == {"C2": ("processed", None, None, 0)}


def test_a_code_of_a_system_with_a_name_too_long_is_no_work_and_stops_nothing(hospital: Hospital) -> None:
    hospital.sends(of_bakker(f"DG1|1||Q1^Onbekend^{LONG}||20250301|F"), GOOD)

    assert {end[0] for end in endings(hospital).values()} == {"processed"}
    assert all(len(system) <= 250 for (system,) in hospital.rows("SELECT system FROM local_code"))


@pytest.mark.parametrize(("most_entries", "tries"), [(1, 1), (1_000, 3)], ids=["in parts", "together, apart and alone"])
def test_what_the_database_can_never_hold_is_tried_no_more_and_parks_one_message(
    postgres_engine: sa.Engine, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch, most_entries: int, tries: int
) -> None:
    """Reading lets it through here, as it would a key that it does not know of."""
    monkeypatch.setattr(messages, "LONGEST_NUMBER", 10_000)
    hospital = Hospital(postgres_engine, knowledge)
    hospital.worker = replace(hospital.worker, most_entries=most_entries)
    two = [f"DG1|{n}||{code}^x^I10||20250301|F" for n, code in enumerate(("I80.2", "I26.9"), 1)]
    refused: list[str] = []
    sa.event.listen(postgres_engine, "handle_error", lambda told: refused.append(told.original_exception.sqlstate))

    ids = hospital.receives(of_bakker(*two, pid=BAKKER.replace("1000002", LONG)), GOOD)
    hospital.processes(ids)

    ends = endings(hospital)
    assert refused == ["54000"] * tries
    assert ends["C1"] == ("processed", None, None, 0)
    assert ends["C2"][:2] == ("parked", "failed")
    assert (ends["C2"][2] or "").startswith("ProgramLimitExceeded at _run:")
    assert list(hospital.answers()) == ["1"]
