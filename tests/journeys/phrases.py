"""The table of phrases, `tests/rules/phrases.csv`, and how each is read: sent, kept, and looked at as the rules do."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec

from history.choices import Site
from history.entries import decode
from history.messages import ReadMessage
from history.person import PersonHistory, judge_messages, laid_out, people_in
from parsers.reading import read
from rules.facts import Case
from rules.knowledge import Knowledge
from rules.picture import Picture
from store import facts
from tests.journeys.hospital import Hospital

TABLE = Path(__file__).parents[1] / "rules" / "phrases.csv"
Place = Literal["diagnosis", "problem", "narrative", "coded"]
THROMBOSES = ("venous-thromboembolism", "venous-thromboembolism-history", "venous-thromboembolism-possible")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, where they stand, and how they are to be read."""

    kind: str
    language: str
    place: str
    code: str
    text: str
    reading: str  # thrombosis, suspected, superficial, family, cleared, none
    written: str


def read_phrases() -> list[Phrase]:
    """Every phrase of the table, in its order."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [Phrase(**row) for row in csv.DictReader(file)]


def readings(hospital: Hospital, phrases: Sequence[Phrase]) -> list[str]:
    """Send each phrase as a patient's only history, and tell what the rules see in what was stored of it."""
    for first in range(0, len(phrases), 200):
        numbered = enumerate(phrases[first : first + 200], first)
        hospital.sends(*(_history(phrase, number) for number, phrase in numbered))
    ids = {row[0]: row[1] for row in hospital.rows("SELECT value, patient_id FROM identifier")}
    patients = [ids[str(700000 + number)] for number in range(len(phrases))]
    with hospital.engine.connect() as connection:
        rows = [facts.of_patients(connection, [patient_id]) for patient_id in patients]
    people = [
        PersonHistory([("ZKHA", str(patient_id))], decode(stored), history_received=True)
        for patient_id, stored in zip(patients, rows, strict=True)
    ]
    order = _an_order(hospital.knowledge)
    return [_seen(person, order, hospital.knowledge) for person in people]


def readings_of_messages(knowledge: Knowledge, phrases: Sequence[Phrase]) -> list[str]:
    """Read the same messages without storing them, and tell what the rules see in each phrase."""
    order, found = _an_order(knowledge), []
    for number, phrase in enumerate(phrases):
        (person,) = people_in([_read(_history(phrase, number), 1)], knowledge)
        found.append(_seen(person, order, knowledge))
    return found


def readings_in_the_inbox(hospital: Hospital, phrases: Sequence[Phrase]) -> list[str]:
    """Send each phrase with an order of IVIg, and tell what the stored answer finds: a thrombosis, a doubt, ""."""
    numbered = list(enumerate(phrases))
    hospital.sends(
        *(raw for number, phrase in numbered for raw in (_history(phrase, number), wire(*an_ivig_order(number))))
    )
    rows = hospital.rows(
        "SELECT o.placer, a.tier, a.conclusion FROM medication_order o JOIN assessment a ON a.order_id = o.id "
        "WHERE a.stream = 'order' ORDER BY a.id"
    )
    answers = {row[0].rpartition("|")[2]: _concluded(row[1], row[2]) for row in rows}
    return [answers[str(number)] for number, _ in numbered]


def _concluded(tier: str, conclusion: Any) -> str:
    content = conclusion if isinstance(conclusion, dict) else msgspec.json.decode(conclusion)
    if tier == "contraindication":
        return "thrombosis"
    return "suspected" if any(finding["rule"] == "IG-VTE-026" for finding in content["findings"]) else ""


def _read(raw: bytes, number: int) -> ReadMessage:
    at, site = datetime(2026, 11, 21, 9, 0, tzinfo=UTC), Site()
    return ReadMessage(number, str(number), sha256(raw).digest(), at, read(raw, site.defaults_of("default")))


def _an_order(knowledge: Knowledge) -> Case:
    """The case of an order of IVIg for a patient of whom nothing else is on record."""
    (person,) = judge_messages([_read(wire(*an_ivig_order(0)), 1)], knowledge, Site())
    return person.answers[0].case


def _seen(person: PersonHistory, order: Case, knowledge: Knowledge) -> str:
    """Tell what the rules see in the history of a person for whom this is ordered."""
    recorded = laid_out(person, knowledge, Site()).facts
    picture = Picture(replace(order, facts=recorded.until(order.at)), knowledge.terms)
    terms = picture.terms
    states = (
        ("thrombosis", terms.states["any-vte"]),
        ("suspected", terms.states["possible-vte"]),
        ("superficial", terms.risk_factors["superficial-thrombophlebitis"]),
        ("family", terms.risk_factors["family-history"]),
    )
    for reading, state in states:
        if picture.state(state).held:
            return reading
    return "cleared" if picture.with_certainty(THROMBOSES, frozenset({"refuted"})) else "none"


def _history(phrase: Phrase, number: int) -> bytes:
    return wire(*_told(phrase, number))


def _told(phrase: Phrase, number: int) -> tuple[str, ...]:
    text = phrase.text.replace("\\", "\\E\\").replace("&", "\\T\\").replace("^", "\\S\\").replace("~", "\\R\\")
    text = text.replace("|", "\\F\\")
    segments = {
        "diagnosis": f"DG1|1||^{text}|||F",
        "coded": f"DG1|1||{phrase.code}^{text}^I10|||F",
        "problem": f"PRB|AD|20190314|^{text}|P{number}",
        "narrative": f"OBX|1|TX|11348-0^History of past illness^LN||{text}||||||F|||20261120",
    }
    kind = "PPR^PC1^PPR_PC1" if phrase.place == "problem" else "ADT^A08^ADT_A01"
    return (header(kind, f"H{number}"), patient(number), "PV1|1|I|NEU^1^1", segments[phrase.place])


def an_ivig_order(number: int) -> tuple[str, ...]:
    """Say that this patient is ordered IVIg."""
    return (
        header("OMP^O09^OMP_O09", f"O{number}"),
        patient(number),
        "PV1|1|I|NEU^1^1",
        f"ORC|NW|{number}^EPD|||||||20261121090000",
        "TQ1|1||QD||||20261121100000||R|||||5",
        "RXO|J06BA02^immunoglobulin IV^ATC|32||g",
        "RXR|IV",
    )


def header(kind: str, control_id: str, at: str = "20261121090000") -> str:
    """Begin a message."""
    return f"MSH|^~\\&|EPD|ZKHA|IVIG|ZKHA|{at}||{kind}|{control_id}|P|2.5|||||NLD|UNICODE UTF-8"


def patient(number: int) -> str:
    """Name a patient."""
    return f"PID|1||{700000 + number}^^^ZKHA^PI||Testman^Ada||19500101|F"


def wire(*segments: str) -> bytes:
    """Write segments as a message."""
    return ("\r".join(segments) + "\r").encode()
