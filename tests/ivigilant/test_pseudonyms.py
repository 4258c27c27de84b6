"""Messages for a test system: whoever is in them is found nowhere, and what the rules read is as it was."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from clinical.identities import passes_eleven_test
from ivigilant.pseudonyms.export import Exported, Wanted, chosen, export
from ivigilant.pseudonyms.fields import FIELDS, OF_PEOPLE
from ivigilant.pseudonyms.forms import is_code
from ivigilant.pseudonyms.keyed import Pseudonyms
from ivigilant.pseudonyms.messages import Asked, FieldCounts, Identifying, rewrite
from ivigilant.pseudonyms.resources import rewrite_resource
from ivigilant.pseudonyms.vocabulary import vocabulary
from parsers.defaults import Defaults
from rules.knowledge import Knowledge
from store.engine import connect, snapshot
from synthetic.stream import hospital_messages
from tests.field.interface_page import observed_fields
from tests.journeys.first_load import a_patient, a_thrombosis, a_weight, an_ivig_order, loads, written
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import Merged, Ordered, Problem, Seen, Unmerged, messages

TODAY = date(2026, 11, 21)
FAMILY, GIVEN, BSN, NUMBER = "Zonnebloem", "Trijntje", "999990019", "7654321"
CANARIES = (
    *(FAMILY, GIVEN, BSN, NUMBER, "19510203", "1951-02-03", "03-02-1951", "0612345678", "Kerkstraat", "1234AB"),
    *("Boerhof", "Klaproos", "0201234567", "123456782", "klaproos@example.org"),  # of staff and of a relative
)
EVERYTHING = (
    f"{FAMILY}, {GIVEN} mevrouw {FAMILY} bsn {BSN} mrn {NUMBER} geb. 03-02-1951 of 1951-02-03 of 19510203 "
    "tel 0612345678 Kerkstraat 1 1234AB dr. Boerhof, zoon Klaproos 0201234567 bsn 123456782 klaproos@example.org"
)
PID = (
    f"PID|1|{NUMBER}^^^ZKHA^PI|{NUMBER}^^^ZKHA^PI~{BSN}^^^NLMINBIZA^NNNLD||{FAMILY}^{GIVEN}^^^^^L|Klaproos^Anna|19510203|F||"
    "|Kerkstraat 1^^Utrecht^^1234AB||0612345678||||||||||"
)
STORED = frozenset({"zonnebloem", "trijntje", BSN, NUMBER, "19510203", "1951-02-03", "03-02-1951"})  # of the patient
ASKED = Asked(Pseudonyms(b"k" * 32), vocabulary(), TODAY, "|".join, lambda _: STORED, frozenset({"ZKHA", "EPD"}))


def header(charset: str = "UNICODE UTF-8", marks: str = "^~\\&") -> str:
    return f"MSH|{marks}|EPD|ZKHA|IVIGILANT|ZKHA|20261101120000+0100||ADT^A08|M001|P|2.5|||||NLD|{charset}"


def rewritten(*segments: str, codec: str = "utf-8", asked: Asked = ASKED, head: str = "") -> str:
    """What leaves of a message; nothing where it is withheld."""
    raw = "\r".join([head or header(), *segments]).encode(codec, "replace") + b"\r"
    try:
        return rewrite(raw, 1, asked, Defaults(), FieldCounts()).decode()
    except Identifying:
        return ""


def leaks(text: str) -> list[str]:
    return [word for word in CANARIES if word.casefold() in text.casefold()]


def forms_of(word: str) -> Iterator[str]:
    """Ways in which a word stands in a field."""
    hexadecimal = word.encode().hex().upper()
    yield from (word, word.upper(), f"{word}^{word}^{word}", f"x&{word}^y^{word}&z~{word}", f"\\X{hexadecimal}\\")
    yield from (f"{word[:3]}\\H\\{word[3:]}", f"{word}\\.br\\{word}", f'"{word}"', f"{word}^99zks^{word}^{word}^L")


@pytest.mark.parametrize("segment", sorted({*FIELDS, *OF_PEOPLE, "ZPD", "NK1", "SPM", "Zon"} - {"MSH", "PID"}))
def test_no_canary_leaves_from_any_field_of_any_segment_in_any_form(segment: str) -> None:
    for texts in (False, True):
        asked = replace(ASKED, texts=texts)
        for canary in (*CANARIES, EVERYTHING):
            for form in forms_of(canary):
                lines = [f"{segment}|{'|'.join([form] * 46)}"]
                lines += [f"OBX|1|{kind}|{form}|1|{form}" for kind in ("TX", "ST", "NM", "CE", "ED", "XX")] * (
                    segment == "OBX"
                )

                assert leaks(rewritten(PID, *lines, asked=asked)) == [], (form, texts)


@pytest.mark.parametrize("place", range(3, 25))
def test_no_canary_leaves_from_the_header(place: int) -> None:
    fields = header().split("|")
    fields += [""] * (25 - len(fields))
    for canary in CANARIES:
        fields[place - 1] = canary

        assert leaks(rewritten(PID, head="|".join(fields))) == []


@pytest.mark.parametrize(
    ("codec", "charset"), [("utf-8", "UNICODE UTF-8"), ("latin-1", "8859/1"), ("latin-1", ""), ("cp1252", "ASCII")]
)
def test_no_canary_leaves_in_other_sets_of_characters_delimiters_and_documents(codec: str, charset: str) -> None:
    packed = base64.b64encode(EVERYTHING.encode()).decode()
    accented = PID.replace(FAMILY, "Zönneblöm")
    lines = [f"OBX|1|ED|PDF^Rapport^L|1|^AP^PDF^Base64^{packed}", f"NTE|1||{EVERYTHING}", "NTE|2||Zönneblöm zonneblom"]
    lines += [f"ZPD|{EVERYTHING}", f"Zonnebloem|{EVERYTHING}", EVERYTHING]

    written = rewritten(accented, *lines, codec=codec, head=header(charset))

    assert written
    assert leaks(written) == []
    assert packed[:40] not in written and "nebl" not in written.casefold()
    other = rewritten(
        *(line.replace("^", "$") for line in (PID, *lines)), head=header(marks="$~\\&").replace("ADT^", "ADT$")
    )
    assert other and leaks(other) == []


def test_what_would_identify_somebody_where_a_code_stands_is_withheld_or_emptied() -> None:
    written = rewritten(PID.replace(NUMBER, "J06BA02"), "RXO|J06BA02^x^ATC|30||g")

    assert "J06BA02" not in written


def test_names_and_numbers_are_those_of_nobody_and_the_same_throughout() -> None:
    written = rewritten(PID, f"MRG|{NUMBER}^^^ZKHA^PI", "ORC|NW|100^EPD", "OBR|1|100^EPD").splitlines()

    pid, mrg, orc, obr = (line.split("|") for line in written[1:])
    number, citizen = (each.split("^")[0] for each in pid[3].split("~"))
    assert number.isdecimal() and number not in (NUMBER, "") and mrg[1].split("^")[0] == number == pid[2].split("^")[0]
    assert citizen.startswith("9999") and passes_eleven_test(citizen) and citizen != BSN
    assert pid[5].startswith("Proef")
    assert orc[2] == obr[2] and orc[2] != "100^EPD"


def test_without_the_key_two_exports_cannot_be_laid_side_by_side() -> None:
    same, other = replace(ASKED, pseudonyms=Pseudonyms(b"k" * 32)), replace(ASKED, pseudonyms=Pseudonyms())

    assert rewritten(PID, asked=same) == rewritten(PID)
    assert rewritten(PID, asked=other) != rewritten(PID)


def test_citizen_numbers_and_numbers_never_meet_and_noughts_stay() -> None:
    pseudonyms = Pseudonyms()

    numbers = {pseudonyms.citizen_number(f"{number:09d}") for number in range(1, 5_000)}

    assert len(numbers) == 4_999
    assert all(passes_eleven_test(number) and number.startswith("9999") for number in numbers)
    assert pseudonyms.number("person", "0012345") == "00" + pseudonyms.number("person", "12345")
    assert pseudonyms.number("person", "12345") != pseudonyms.number("order", "12345")


@pytest.mark.parametrize(
    ("one", "other"),
    [("20261101", "20261115"), ("202611011200", "20261103143000+0100"), ("2026-11-01", "2026-11-30T10:00:00Z")],
)
def test_intervals_weekdays_and_precision_stay(one: str, other: str) -> None:
    pseudonyms = Pseudonyms()

    moved = [pseudonyms.time(text, "anna") for text in (one, other)]

    def day(text: str) -> date:
        return date.fromisoformat(re.sub(r"(\d{4})-?(\d{2})-?(\d{2}).*", r"\1-\2-\3", text))

    assert day(moved[1]) - day(moved[0]) == day(other) - day(one)
    assert [day(each).weekday() for each in moved] == [day(each).weekday() for each in (one, other)]
    assert [each[len("2026-11-01" if "-" in one else "20261101") :] for each in moved] == [
        one[len(one[:10]) if "-" in one else 8 :],
        other[10 if "-" in other[:5] else 8 :],
    ]
    assert timedelta(weeks=1) <= day(one) - day(moved[0]) <= timedelta(weeks=104)
    assert pseudonyms.time(one, "anna") != pseudonyms.time(one, "bert") or pseudonyms.moved("anna") == pseudonyms.moved(
        "bert"
    )


@pytest.mark.parametrize(
    "text", ["morgen", "01-12-2026", "20261301", "2026110112000099", "Zonnebloem", "1951-02-03 Zonnebloem"]
)
def test_what_is_not_a_time_does_not_leave(text: str) -> None:
    assert Pseudonyms().time(text, "anna") == ""


def test_ages_stay_and_whoever_is_older_than_89_is_ninety() -> None:
    pseudonyms = Pseudonyms()
    by = pseudonyms.moved("anna")

    assert pseudonyms.birth_date("19510203", "anna", TODAY) == f"{date(1951, 2, 3) - by:%Y%m%d}"
    assert {
        pseudonyms.birth_date(born, "anna", TODAY) for born in ("19361120", "19010101", "1930-01-01".replace("-", ""))
    } == {f"{(TODAY - by).year - 90}0101"}
    assert pseudonyms.birth_date("gisteren", "anna", TODAY) == ""


@pytest.mark.parametrize(
    ("code", "is_one"),
    [
        *(
            (word, False)
            for word in ("0612345678", "123456782", "Jansen", "JANSEN1951", "1951-02-03", "19510203", "1234AB")
        ),
        ("IV", True),
        ("I80.2", True),
        ("J06BA02", True),
        ("29463-7", True),
        ("99990022", True),
        ("128053003", True),
        ("128053004", False),
    ],
)
def test_a_code_has_the_form_of_one(code: str, is_one: bool) -> None:
    assert is_code(code) is is_one


def test_only_fields_that_are_read_leave() -> None:
    """Beside them what a test system needs to file a message, and running numbers."""
    read, unread = observed_fields(), dict[str, set[int]]()
    for segment, fields in FIELDS.items():
        left = {place for place, kind in fields.items() if kind != "set"} - set(read.get(segment, ()))
        unread |= {segment: left} if left else {}

    assert unread == UNREAD


UNREAD: Mapping[str, set[int]] = {"PID": {4}, "MRG": {4}}  # read where the field before them has no number


def answers(hospital: Hospital) -> list[tuple[str, tuple[str, ...]]]:
    """The tier of and the rules in the last answer for each order, in the order in which the orders came."""
    query = "SELECT a.order_id, a.tier, a.conclusion FROM assessment a WHERE a.stream = 'order' ORDER BY a.id"
    last: dict[int, tuple[str, tuple[str, ...]]] = {}
    for row in hospital.rows(query):
        said = msgspec.json.decode(row.conclusion) if isinstance(row.conclusion, str) else row.conclusion
        last[row.order_id] = (row.tier, tuple(sorted({each["rule"] for each in said["findings"]})))
    return [last[order] for order in sorted(last)]


def exported(hospital: Hospital, folder: Path, *, texts: bool = False, wanted: Wanted | None = None) -> Exported:
    with snapshot(hospital.engine) as connection:
        ids = chosen(connection, wanted or Wanted())
        return export(connection, ids, folder, hospital.site, Pseudonyms(), hospital.clock(), texts=texts)


def replayed(hospital: Hospital, folder: Path, engine: sa.Engine) -> Hospital:
    """An empty hospital that is sent what was exported."""
    empty = Hospital(engine, hospital.knowledge, clock=hospital.clock)
    in_parts(empty, [file.read_bytes() for file in sorted(folder.glob("*.hl7"))])
    return empty


def in_parts(hospital: Hospital, sent: Sequence[bytes]) -> None:
    ids = hospital.receives(*sent)
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])


@pytest.fixture
def empty(migrated_sqlite: Path, tmp_path: Path) -> Iterator[sa.Engine]:
    (tmp_path / "empty.db").write_bytes(migrated_sqlite.read_bytes())
    engine = connect(f"sqlite:///{tmp_path / 'empty.db'}", durable=False)
    yield engine
    engine.dispose()


def test_the_synthetic_hospital_is_judged_in_the_test_system_as_it_was(
    engine: sa.Engine, empty: sa.Engine, knowledge: Knowledge, tmp_path: Path
) -> None:
    lived = Hospital(engine, knowledge, clock=Clock(datetime(2026, 11, 21, 12, tzinfo=UTC)))
    in_parts(lived, list(hospital_messages(now=lived.clock())))
    folder = tmp_path / "out"
    folder.mkdir()

    done = exported(lived, folder)
    there = replayed(lived, folder, empty)

    before, after = answers(lived), answers(there)
    assert (len(before), done.withheld, done.unreadable) == (46, 0, 0)
    assert sorted(after) == sorted(before)
    text = "".join(file.read_text() for file in folder.iterdir())
    names = {row.family for row in lived.rows("SELECT term AS family FROM patient_term WHERE length(term) > 4")}
    assert len(names) > 50
    assert [name for name in names if re.search(rf"\b{re.escape(name)}\b", text.casefold())] == []
    numbers = {row.value for row in lived.rows("SELECT value FROM identifier WHERE authority <> 'NLMINBIZA'")}
    assert len(numbers) > 50
    assert [number for number in numbers if re.search(rf"\b{number}\b", text)] == []


REPORT = (
    b"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261101120000+0100||ORU^R01|R1|P|2.5|||||NLD|UNICODE UTF-8\r"
    b"PID|1||1^^^ZKHA^PI||Aalders^Aaltje||19500101|F\rOBR|1|||18748-4^Radiologie^LN|||20261101\r"
    b"OBX|1|TX|18748-4^Verslag^LN|1|Diepe veneuze trombose van het been, mevrouw Aalders.||||||F\r"
)


def test_what_only_a_text_said_is_lost_unless_texts_are_asked_for(
    sqlite_engine: sa.Engine, migrated_sqlite: Path, knowledge: Knowledge, tmp_path: Path
) -> None:
    lived = Hospital(sqlite_engine, knowledge)
    lived.sends(*messages([Seen()]), REPORT, messages([Seen(), Ordered(at=400, starts=400)])[-1])
    found = {}
    for texts in (False, True):
        folder = tmp_path / str(texts)
        folder.mkdir()
        exported(lived, folder, texts=texts)
        (tmp_path / f"{texts}.db").write_bytes(migrated_sqlite.read_bytes())
        engine = connect(f"sqlite:///{tmp_path / f'{texts}.db'}", durable=False)
        found[texts] = answers(replayed(lived, folder, engine))
        engine.dispose()

    (before,) = answers(lived)
    assert before[0] == "contraindication"
    assert found[True] == [before]
    assert found[False][0][0] == "moderate"


def test_merged_identities_move_together_and_unmerged_ones_apart(
    sqlite_engine: sa.Engine, empty: sa.Engine, knowledge: Knowledge, tmp_path: Path
) -> None:
    lived = Hospital(sqlite_engine, knowledge)
    story = [Problem(), Seen(who="2"), Ordered(who="2", at=1), Merged(who="2", retired=("1",), at=2)]
    lived.sends(
        *messages([*story, Problem(who="3"), Merged(who="3", retired=("4",), at=1), Unmerged(who="3", other="4", at=2)])
    )
    folder = tmp_path / "out"
    folder.mkdir()

    exported(lived, folder)

    assert answers(replayed(lived, folder, empty)) == answers(lived) != []
    days = {re.search(r"PRB\|AD\|(\d{8})", file.read_text()) for file in sorted(folder.glob("*.hl7"))[:1]}
    assert None not in days


def test_a_selection_is_of_a_feed_days_patients_or_a_count(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    lived = Hospital(sqlite_engine, knowledge)
    lived.sends(*messages([Seen(), Seen(who="2"), Problem(at=1)]))
    (anna,) = lived.rows("SELECT id FROM patient WHERE value = '1'")[0]
    with snapshot(sqlite_engine) as connection:
        found = [
            len(chosen(connection, wanted))
            for wanted in (
                Wanted(),
                Wanted(feed="default"),
                Wanted(feed="other"),
                Wanted(patients=[anna]),
                Wanted(count=1),
                Wanted(since=lived.clock() + timedelta(days=1)),
            )
        ]

    assert found == [3, 3, 0, 2, 1, 0]


def test_resources_of_fhir_leave_by_the_same_list_and_pseudonyms(
    sqlite_engine: sa.Engine, empty: sa.Engine, knowledge: Knowledge, tmp_path: Path
) -> None:
    lived = Hospital(sqlite_engine, knowledge)
    about: dict[str, Any] = {
        "name": [{"family": FAMILY, "given": [GIVEN]}],
        "telecom": [{"value": "0612345678"}],
        "address": [{"line": ["Kerkstraat 1"], "postalCode": "1234AB"}],
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{EVERYTHING}</div>'},
        "contact": [{"name": {"family": "Klaproos"}}],
        "identifier": [
            {"system": "urn:oid:2.999.1", "value": NUMBER},
            {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": BSN},
        ],
    }
    noted = a_thrombosis(note=[{"text": EVERYTHING}], recorder={"display": "Boerhof"})
    noted["subject"] = {"reference": "Patient/anna", "display": f"{GIVEN} {FAMILY}"}
    loads(lived, written(tmp_path / "a.ndjson", [a_patient() | about, noted, a_weight(), an_ivig_order()]))
    folder = tmp_path / "out"
    folder.mkdir()

    done = exported(lived, folder)
    there = Hospital(empty, knowledge, clock=lived.clock)
    loads(there, folder / "resources.ndjson")

    text = (folder / "resources.ndjson").read_text()
    assert (done.resources, done.withheld) == (4, 0)
    assert leaks(text) == [] and "anna" not in text
    assert answers(there) == answers(lived) != []


@pytest.mark.parametrize("canary", CANARIES)
def test_no_canary_leaves_from_any_element_of_a_resource(canary: str) -> None:
    elements = "code status id display text valueString note description system unit value language title kind use url"
    for element in (canary, "div", *elements.split()):
        for held in (
            canary,
            [canary],
            {"text": canary},
            {"coding": [{"code": canary, "system": canary, "display": canary}]},
        ):
            body: dict[str, Any] = (
                a_thrombosis() | {element: held} | {"category": [{element: held}], "extension": [{element: held}]}
            )
            person = a_patient() | {"name": [{"family": FAMILY, "given": [GIVEN]}]}
            bundle = {"resourceType": "Bundle", "entry": [{"resource": person}, {"resource": body}]}
            for one in (body, bundle):
                try:
                    text = rewrite_resource(msgspec.json.encode(one), ASKED, Defaults(), FieldCounts()).decode()
                except Identifying:
                    continue

                assert leaks(text) == [], (element, held)
