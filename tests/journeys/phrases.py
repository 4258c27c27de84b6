"""The table of phrases, `tests/rules/phrases.csv`, and how each is read: sent, kept, and looked at as the rules do."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

from history.choices import Site
from history.entries import decode
from history.messages import ReadMessage
from history.order_answers import OrderAnswer
from history.person import PersonHistory, judge, judge_messages
from parsers.reading import read
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
    """Send each phrase as a patient's only history, with an order of IVIg, and tell what the rules see in it."""
    for first in range(0, len(phrases), 50):
        numbered = enumerate(phrases[first : first + 50], first)
        hospital.sends(*(message for number, phrase in numbered for message in _messages(phrase, number)))
    ids = {row[0]: row[1] for row in hospital.rows("SELECT value, patient_id FROM identifier")}
    return [_seen(hospital, ids[str(700000 + number)]) for number in range(len(phrases))]


def readings_of_messages(knowledge: Knowledge, phrases: Sequence[Phrase]) -> list[str]:
    """Read the same messages without storing them, and tell what the rules see in each phrase."""
    at, site = datetime(2026, 11, 21, 9, 0, tzinfo=UTC), Site()
    found = []
    for number, phrase in enumerate(phrases):
        messages = [
            ReadMessage(index, str(index), sha256(raw).digest(), at, read(raw, site.defaults_of("default")))
            for index, raw in enumerate(_messages(phrase, number), 2 * number + 1)
        ]
        (person,) = judge_messages(messages, knowledge, site)
        found.append(_seen_in(person.answers[0], knowledge))
    return found


def _seen(hospital: Hospital, patient_id: int) -> str:
    with hospital.engine.connect() as connection:
        entries = decode(facts.of_patients(connection, [patient_id]))
    person = PersonHistory([("ZKHA", str(patient_id))], entries, history_received=True)
    return _seen_in(judge(person, hospital.knowledge, Site()).answers[0], hospital.knowledge)


def _seen_in(answered: OrderAnswer, knowledge: Knowledge) -> str:
    picture = Picture(answered.case, knowledge.terms)
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


def _messages(phrase: Phrase, number: int) -> tuple[bytes, bytes]:
    return wire(*_told(phrase, number)), wire(*an_ivig_order(number))


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
