"""What hospitals send otherwise than we expected: cases of messages, and what is right, held against the answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
import yaml

from store import tables
from tests.journeys.first_load import loads
from tests.journeys.hospital import Hospital

HERE = Path(__file__).parent
Json = dict[str, Any]

_HEADER = r"MSH|^~\&|EPD|FIELD|IVIG|FIELD|202611282000{number:02}||{kind}|{control}|P|2.5"
_PATIENT = "PID|1||{patient}^^^ZKHA^PI||Testman^Ada||19500101|F"
_VISIT = "PV1|1|I|NEU^1^1"
_SHORT = {  # messages that many cases begin or end with
    "a thrombosis of 2019": "ADT^A01\nDG1|1||I80.2^Phlebitis and thrombophlebitis of deep vessels^I10||20190401|F",
    "an order for IVIg": "OMP^O09\nORC|NW|A1^EPD|||||||20261128200000\nTQ1|1||QD||||20261129090000|||||||5\n"
    "RXO|J06BA02^Privigen 10%^ATC|30||g\nRXR|IV",
    "80 kg": "ORU^R01\nOBR|1|||WT^Weight^L|||20261128\nOBX|1|NM|29463-7^Body weight^LN||80|kg|||||F|||20261128",
}


_FHIR_PATIENT: Json = {
    "resourceType": "Patient",
    "id": "h1",
    "identifier": [
        {"type": {"coding": [{"code": "MR"}]}, "system": "urn:oid:2.16.528.1.1007.3.3.15", "value": "841001"}
    ],
    "name": [{"family": "Testman", "given": ["Ada"]}],
    "birthDate": "1950-01-01",
}
_FHIR_ORDER: Json = {
    "resourceType": "MedicationRequest",
    "id": "A1",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "J06BA02"}]},
    "authoredOn": "2026-11-28T10:00:00+01:00",
    "dosageInstruction": [
        {
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "count": 5}},
            "route": {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}]},
            "doseAndRate": [{"doseQuantity": {"value": 30, "unit": "g", "code": "g"}}],
        }
    ],
}


@dataclass(frozen=True, slots=True)
class Case:
    """Messages in the order in which they are sent, the files that are imported, and what is right."""

    name: str
    messages: tuple[bytes, ...]
    imports: tuple[tuple[str, bytes], ...]
    states: tuple[tuple[str, str], ...]  # control id and the states that are right
    orders: Mapping[str, Json]
    patients: Mapping[str, Json]
    together: bool = False  # processed in one batch
    codes: tuple[str, ...] = ()  # what must stand under Codes, in the sender's words


def given() -> Iterator[Case]:
    """The cases that were told to us, each a folder."""
    for folder in sorted((HERE / "given").iterdir()):
        told = yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
        sent = [(each, (folder / each["file"]).read_bytes()) for each in told.get("send", [])]
        if sent or "import" in told:
            yield Case(
                name=folder.name,
                messages=tuple(raw for _, raw in sent),
                imports=tuple((name, (folder / name).read_bytes()) for name in told.get("import", [])),
                states=tuple((_control_id(raw), each["state"]) for each, raw in sent if "state" in each),
                orders=told.get("orders") or {},
                patients={str(name): want for name, want in (told.get("patients") or {}).items()},
            )


def of_our_own() -> Iterator[Case]:
    """More of the same kinds: a file a kind, where a message is written without its header and its patient."""
    for file in sorted((HERE / "kinds").glob("*.yaml")):
        for number, told in enumerate(yaml.safe_load(file.read_text(encoding="utf-8")), 1):
            name = f"{file.stem}: {told['name']}"
            messages = [
                _written(text, f"{file.stem[:3]}{number:02}", place) for place, text in enumerate(told.get("send", []))
            ]
            yield Case(
                name=name,
                messages=tuple(messages),
                imports=(("01.ndjson", _resources(told["import"])),) if "import" in told else (),
                states=tuple(
                    (_control_id(raw), state) for raw, state in zip(messages, told.get("states", []), strict=False)
                ),
                orders=told.get("orders", {}),
                patients={str(name): want for name, want in told.get("patients", {}).items()},
                together=told.get("together", False),
                codes=tuple(told.get("codes", ())),
            )


def whole() -> Iterator[Case]:
    """Messages as they were sent, header and patient included: a file a kind."""
    for file in sorted((HERE / "whole").glob("*.yaml")):
        for told in yaml.safe_load(file.read_text(encoding="utf-8")):
            messages = tuple(_as_sent(each) for each in told.get("send", []))
            states = zip(messages, told.get("states", []), strict=False)
            yield Case(
                name=f"{file.stem}: {told['name']}",
                messages=messages,
                imports=tuple(
                    (f"{number}.ndjson", each.encode()) for number, each in enumerate(told.get("import", []))
                ),
                states=tuple((_control_id(raw), state) for raw, state in states if state),
                orders=told.get("orders", {}),
                patients=told.get("patients", {}),
            )


def _as_sent(told: str | bytes) -> bytes:
    """Bytes stand as they are, of a character set of their own; a text has a segment a line."""
    return told if isinstance(told, bytes) else told.replace("\n", "\r").encode()


def _resources(told: list[Json]) -> bytes:
    """One resource a line, after that of the patient and before an order for IVIg."""
    subject = {"reference": "Patient/h1"}
    whose = {"AllergyIntolerance": "patient"}
    lines = [{**each, whose.get(each["resourceType"], "subject"): subject} for each in told]
    return b"\n".join(
        msgspec.json.encode(each) for each in (_FHIR_PATIENT, *lines, {**_FHIR_ORDER, "subject": subject})
    )


def _written(text: str, case: str, place: int) -> bytes:
    kind, *lines = _SHORT.get(text.strip(), text).strip().split("\n")
    if kind.startswith("MSH"):
        return "\r".join([kind, *lines, ""]).encode()
    header = _HEADER.format(number=place, kind=kind, control=f"{case}{place}")
    if any(line.startswith("PID") for line in lines):
        return "\r".join([header, *lines, ""]).encode()
    return "\r".join([header, _PATIENT.format(patient="8101001"), _VISIT, *lines, ""]).encode()


def _control_id(raw: bytes) -> str:
    return raw.split(b"\r")[0].split(b"|")[9].decode()


def faults(case: Case, hospital: Hospital, folder: Path) -> list[str]:
    """Send a case and tell what is not right."""
    if case.together:
        hospital.sends(*case.messages)
    else:
        hospital.sends_one_by_one(case.messages)
    if case.imports:
        for name, content in case.imports:
            (folder / name).write_bytes(content)
        loads(hospital, *(folder / name for name, _ in case.imports))
    found = [*_wrong_states(case, hospital.states())]
    for name, want in case.orders.items():
        if want:
            found += _judge(name, want, _answers_for(hospital, str(name)), _alerts_for(hospital, str(name)))
    for name, want in case.patients.items():
        found += _judge(name, want, _answers_for(hospital), _alerts_for(hospital))
    return [*found, *(f"{words} is not under Codes" for words in case.codes if words not in _under_codes(hospital))]


def _under_codes(hospital: Hospital) -> list[str]:
    with hospital.engine.connect() as connection:
        return list(connection.execute(sa.select(tables.local_code.c.display)).scalars())


def _wrong_states(case: Case, states: Mapping[str, str]) -> Iterator[str]:
    for control_id, wanted in case.states:
        if states.get(control_id) not in wanted.split("|"):
            yield f"{control_id} is {states.get(control_id)}, right {wanted}"


_ANSWERS = sa.text(
    "SELECT o.placer_number, o.filler_number, p.value, a.tier, a.conclusion, o.state, a.id FROM assessment a "
    "JOIN medication_order o ON o.id = a.order_id JOIN patient p ON p.id = a.patient_id "
    "WHERE a.stream = 'order' ORDER BY a.id DESC"
)
_ALERTS = sa.text(
    "SELECT o.placer_number, o.filler_number, p.value, a.tier, a.status, a.stream, a.badges FROM alert a "
    "JOIN medication_order o ON o.id = a.order_id JOIN patient p ON p.id = a.patient_id"
)


def _rows(hospital: Hospital, query: sa.TextClause, order: str) -> list[sa.Row[*tuple[Any, ...]]]:
    with hospital.engine.connect() as connection:
        rows = connection.execute(query).all()
    return [row for row in rows if not order or order in (row[0], row[1])]  # there is no other patient in a case


def _answers_for(hospital: Hospital, order: str = "") -> list[Json]:
    return [{"tier": row[3], **msgspec.json.decode(row[4])} for row in _rows(hospital, _ANSWERS, order)]


def _alerts_for(hospital: Hospital, order: str = "") -> list[Json]:
    names = ("placer", "filler", "patient", "tier", "status", "stream", "badges")
    return [dict(zip(names, row, strict=True)) for row in _rows(hospital, _ALERTS, order)]


def _near(found: float | None, right: float) -> bool:
    return found is not None and abs(float(found) - right) < 0.01


def _interval(order: Json, name: str) -> tuple[float | None, float | None]:
    low, high = order.get(name) or (None, None)
    return low, high


def _judge(name: str, want: Json, answers: list[Json], alerts: list[Json]) -> Iterator[str]:
    if want.get("assessed") is False:
        if answers:
            yield f"{name} was assessed"
        return
    if not answers:
        yield f"{name} was not assessed"
        return
    newest = answers[0]
    yield from _wrong_rules(name, want, {finding["rule"] for finding in newest["findings"]})
    yield from _wrong_amounts(name, want, newest["order"])
    yield from _wrong_alerts(name, want, alerts)
    order = newest["order"]
    if "tier" in want and newest["tier"] != want["tier"]:
        yield f"{name}: tier {newest['tier']}, right {want['tier']}"
    if "starts" in want and not str(order.get("start") or "").startswith(want["starts"]):
        yield f"{name}: starts {order.get('start')}, right {want['starts']}"
    if "state_in" in want and order.get("state") not in want["state_in"]:
        yield f"{name}: state {order.get('state')}"
    if missing := [flag for flag in want.get("flags", []) if flag not in str(newest)]:
        yield f"{name}: {missing} not told: {order.get('flags')}"


def _wrong_rules(name: str, want: Json, fired: set[str]) -> Iterator[str]:
    for rule in want.get("rules_fire", []):
        if rule not in fired:
            yield f"{name}: {rule} did not fire: {sorted(fired)}"
    for rule in want.get("rules_silent", []):
        if rule in fired:
            yield f"{name}: {rule} fired"
    if "rules_fire_one_of" in want and not fired & set(want["rules_fire_one_of"]):
        yield f"{name}: none of {want['rules_fire_one_of']} fired: {sorted(fired)}"


def _wrong_amounts(name: str, want: Json, order: Json) -> Iterator[str]:
    for word, field in (("grams_each", "dose_g"), ("g_per_kg", "dose_g_per_kg")):
        low, high = _interval(order, field)
        if word in want and not (_near(low, want[word][0]) and _near(high, want[word][1])):
            yield f"{name}: {field} {low}-{high}, right {want[word]}"
    low, high = _interval(order, "dose_g")
    includes = want.get("grams_each_includes")
    if includes is not None and (low is None or high is None or not low <= includes <= high):
        yield f"{name}: grams {low}-{high}, right includes {includes}"
    fastest = _interval(order, "rate_g_per_h")[1]
    if "peak_g_per_h" in want and (fastest is None or abs(fastest - want["peak_g_per_h"][1]) >= 0.06):
        yield f"{name}: {fastest} g/h, right {want['peak_g_per_h']}"


def _wrong_alerts(name: str, want: Json, alerts: list[Json]) -> Iterator[str]:
    standing = [alert for alert in alerts if alert["status"] == "open" and alert["stream"] == "order"]
    if want.get("an_alert_is_open") and not standing:
        yield f"{name}: no open alert: {[(alert['tier'], alert['status']) for alert in alerts]}"
    if want.get("no_alert_is_open") and standing:
        yield f"{name}: an alert is open"
    if "badge" in want and not any(want["badge"] in str(alert["badges"]) for alert in alerts):
        yield f"{name}: no badge {want['badge']}"
