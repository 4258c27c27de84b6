"""PID, PV1 and MRG."""

from datetime import UTC, date, datetime

import pytest

from clinical.events import PatientMerged, PatientSeen
from clinical.identities import MergeStatement, people_of, pointers
from clinical.versions import BESIDE, SPELLED
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, PID, a_message, a_patient_message


def seen(pid: str, *segments: str, kind: str = "ADT^A08") -> PatientSeen:
    patient = read(a_message(pid, *segments, kind=kind), DEFAULTS).events[0]
    assert isinstance(patient, PatientSeen)
    return patient


def merges(*segments: str, kind: str = "ADT^A40") -> list[tuple[str, str, bool]]:
    events = read(a_message("EVN||20250313090000", *segments, kind=kind), DEFAULTS).events
    return [
        (event.patient[0].value, each.value, event.undone)
        for event in events
        if isinstance(event, PatientMerged)
        for each in event.retired
    ]


def a_pid(**fields: str) -> str:
    values = {3: "7^^^A^MR", **{int(name[1:]): value for name, value in fields.items()}}
    return "PID|" + "|".join(values.get(number, "") for number in range(1, 33))


def test_the_patient_is_described() -> None:
    patient = seen(
        a_pid(f5="Berg&van den&Berg^Jan^^^^^L", f7="19481103", f8="m"),
        "PV1|1|i|C4^12^2^ZKHA" + "|" * 16 + "V1^^^A^VN" + "|" * 25 + "20250308141000",
    )

    assert patient.name is not None
    assert (patient.name.family, patient.name.given) == ("Berg", "Jan")
    assert (patient.birth_date, patient.sex) == (date(1948, 11, 3), "M")
    assert (patient.ward, patient.visit, patient.patient_class) == ("C4", "V1", "I")
    assert patient.admitted_at is not None
    assert patient.admitted_at.at == datetime(2025, 3, 8, 13, 10, tzinfo=UTC)


def test_the_legal_name_is_preferred() -> None:
    patient = seen(a_pid(f5="Alias^Ann^^^^^A~Legal^Ann^^^^^L"))

    assert patient.name is not None
    assert patient.name.family == "Legal"


@pytest.mark.parametrize(
    ("sent", "day", "flags"),
    [
        ("19481103", date(1948, 11, 3), ()),
        ("19481103000000+0100", date(1948, 11, 3), ()),
        ("1948-11-03", date(1948, 11, 3), ()),
        ("194811", date(1948, 11, 1), ("partial_birth_date",)),
        ("1948", date(1948, 1, 1), ("partial_birth_date",)),
        ("19481100", date(1948, 11, 1), ("partial_birth_date",)),
        ("00000000", None, ()),
        ("31-02-1948", None, ("unreadable_birth_date",)),
        ("", None, ()),
    ],
)
def test_a_birth_date_is_a_day_in_no_zone(sent: str, day: date | None, flags: tuple[str, ...]) -> None:
    patient = seen(a_pid(f7=sent))

    assert (patient.birth_date, patient.flags) == (day, flags)


@pytest.mark.parametrize(
    ("died_at", "said", "deceased"),
    [("", "", None), ("", "Y", True), ("20250320", "", True), ("", "N", False), ("", '""', False), ('""', "", False)],
)
def test_death_is_said_unsaid_or_not_mentioned(died_at: str, said: str, deceased: bool | None) -> None:
    assert seen(a_pid(f29=died_at, f30=said)).deceased is deceased


def test_an_invalid_bsn_is_dropped_and_told() -> None:
    patient = seen(a_pid(f3="7^^^A^MR~123456789^^^NLMINBIZA^NNNLD"))

    assert [each.value for each in patient.patient] == ["7"]
    assert "bsn_invalid" in patient.flags


def test_a_cancelled_discharge_has_no_discharge_time() -> None:
    visit = "PV1|1|I|C4" + "|" * 42 + "20250310"

    assert seen(a_pid(), visit, kind="ADT^A03").discharged_at is not None
    assert seen(a_pid(), visit, kind="ADT^A13").discharged_at is None


def test_a_cancelled_visit_is_told() -> None:
    assert seen(a_pid(), kind="ADT^A11").flags == ("visit_cancelled",)


@pytest.mark.parametrize("event", ["A18", "A30", "A34", "A36", "A39", "A40", "A43", "A46", "A47", "A48"])
def test_a_merge_retires_the_prior_number(event: str) -> None:
    assert merges(PID, "MRG|99^^^ZKHA^PI", kind=f"ADT^{event}") == [("1000001", "99", False)]


@pytest.mark.parametrize("event", ["A35", "A41", "A42", "A44", "A45", "A08"])
def test_a_merge_of_an_account_or_visit_leaves_the_person(event: str) -> None:
    assert merges(PID, "MRG|99^^^ZKHA^PI||V9", kind=f"ADT^{event}") == []


def test_one_message_may_merge_several_patients() -> None:
    pairs = ("PID|1||1^^^A^MR", "MRG|11^^^A^MR", "PID|1||2^^^A^MR", "PV1|1|I", "MRG|22^^^A^MR~23^^^A^MR")

    assert merges(*pairs) == [("1", "11", False), ("2", "22", False), ("2", "23", False)]


def test_a_bsn_or_the_own_number_is_never_merged_away() -> None:
    assert merges(PID, "MRG|99^^^ZKHA^PI~1000001^^^ZKHA^MR~999900018^^^NLMINBIZA^NNNLD") == [("1000001", "99", False)]


@pytest.mark.parametrize(
    ("numbers", "joined"),
    [
        ("1^^^A^PI~2^^^A^PI", [("1", "2", False)]),
        ("2^^^A^PI~1^^^A^PI~3^^^A^PI", [("2", "1", False), ("2", "3", False)]),
        ("1^^^A^MR~2^^^A^MR", [("1", "2", False)]),
        ("1^^^A^PI~2^^^A^MR", []),
        ("1^^^A^PI~2^^^B^PI", []),
        ("1^^^A^PI~2^^^A^VN", []),
        ("1^^^A^PT~2^^^A^PT", []),
        ("1^^^A^PI~999900018^^^NLMINBIZA^NNNLD", []),
        ("1^^^a^PI~2^^^a^PI", [("1", "1", False), ("2", "2", False), ("1", "2", False)]),
    ],
)
def test_several_record_numbers_of_one_authority_are_one_patient(
    numbers: str, joined: list[tuple[str, str, bool]]
) -> None:
    assert merges(f"PID|1||{numbers}||Testman^Ada", kind="ADT^A08") == joined


def test_two_numbers_of_one_message_yield_to_every_report_and_make_no_circle() -> None:
    names = {"1": "1", "2": "2"}
    beside, beside_again = MergeStatement("2", "1", BESIDE), MergeStatement("1", "2", BESIDE)
    spelled = MergeStatement("1", "2", SPELLED)
    merged, parted = MergeStatement("2", "1", "2026"), [MergeStatement(a, b, "2026", True) for a, b in ("12", "21")]

    def people(*statements: MergeStatement[str]) -> list[tuple[str, int, bool]]:
        found = people_of(names, pointers(statements, names), names)
        return [(each.root, len(each.members), each.in_circle) for each in found]

    assert [size for _, size, _ in people(beside)] == [2]
    assert people(beside_again, merged) == [("1", 2, False)]
    assert [circle for _, _, circle in people(beside, beside_again)] == [False]
    assert [circle for _, _, circle in people(beside, spelled)] == [False]
    assert [size for _, size, _ in people(beside, *parted, beside)] == [1, 1]


def test_the_number_of_the_mother_is_not_of_the_child() -> None:
    child = "PID|1||1^^^A^MR~2^^^A^MR~3^^^A^MR||Testman^Baby|" + "|" * 15 + "2^^^A^MR"

    assert merges(child, kind="ADT^A08") == [("1", "3", False)]


def test_an_unlink_undoes_a_merge() -> None:
    assert merges("PID|1||1^^^A^MR", "PID|1||2^^^A^MR", kind="ADT^A37") == [("1", "2", True)]


def test_an_unlink_parts_the_first_numbers_also_where_one_still_has_the_other() -> None:
    parted = merges("PID|1||1^^^A^MR~2^^^A^MR", "PID|1||2^^^A^MR~1^^^A^MR", kind="ADT^A37")

    assert sorted(parted) == [("1", "2", False), ("1", "2", True), ("2", "1", False)]
    assert merges("PID|1||1^^^A^MR", "PID|1||1^^^A^MR", kind="ADT^A37") == []


def test_a_merge_happens_when_evn_says() -> None:
    events = read(a_patient_message("EVN||20250313090000", "MRG|99", kind="ADT^A40"), DEFAULTS).events

    assert [event.at for event in events] == [datetime(2025, 3, 10, 11, tzinfo=UTC)] * 2
    assert all("future_time" in event.flags for event in events)
