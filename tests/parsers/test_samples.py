"""The sample messages, and what must be read from each beside its medication."""

from pathlib import Path

import pytest

from clinical.events import (
    Allergy,
    AnyEvent,
    Condition,
    MedicationGiven,
    MedicationOrdered,
    Observation,
    PatientMerged,
    PatientSeen,
    Procedure,
)
from parsers.hl7.batches import split_batch
from parsers.reading import read
from tests.parsers.builders import DEFAULTS

SAMPLES = Path(__file__).parent.parent / "samples"

EXPECTED: dict[str, list[str]] = {
    "01": ["1000001 Jansen C4NEU", "29463-7 80 kg final", "order NW EPD|900001"],
    "02": ["1000002 de Vries-Bakker D2HEM", "3141-9 62.5 kg final", "8302-2 168 cm final", "order NW EPD|900002"],
    "03": ["1000003 Bakker DAGB", "allergy Penicilline", "29463-7 75 kg final", "order NW EPD|900003"],
    "04": ["1000003 Bakker ", "diagnosis assert L VTE suspected active", "order CA EPD|900003"],
    "05": ["1000002 de Vries-Bakker D2HEM", "order XO EPD|900002"],
    "06": ["1000002 de Vries-Bakker D2HEM", "order RP EPD|900002", "order RO EPD|900012"],
    "07": ["1000003 Bakker ", "order HD EPD|900003", "order RL EPD|900001"],
    "08": ["1000001 Jansen C4NEU", "29463-7 80 kg final", "order NW EPD|900001"],
    "09": ["1000004 Smit DAGB", "order NW EPD|900009"],
    "10": ["1000003 Bakker POLI", "order NW EPD|900010"],
    "11": ["1000001 Jansen C4NEU", "order RE EPD|900001"],
    "12": ["1000001 Jansen C4NEU", "given CP EPD|900001", "given CP EPD|900001"],
    "13": ["1000001 Jansen C4NEU", "GIVENOTE Infuuspomp gebruiken  final", "order RE EPD|900001"],
    "14": [
        "1000001 Jansen C4NEU",
        "6301-6 2.6 {INR} final",
        "48065-7 >5000 ug/L final",
        "777-3 465 10*9/L final",
        "14682-9 162 umol/L final",
        "2465-3 7.1 g/L preliminary",
    ],
    "15": [
        "1000001 Jansen ",
        "6301-6 1.1  corrected",
        "48065-7  ug/L withdrawn",
        "3255-7   no_value",
        "14979-9  s withdrawn",
    ],
    "16": ["1000002 de Vries-Bakker D2HEM", "34714-6 1.0 {INR} final"],
    "17": [
        "1000001 Jansen C4NEU",
        "diagnosis assert ICD10 G61.0 confirmed active",
        "diagnosis assert ICD10 I80.2 confirmed active",
        "procedure 5-820",
        "29463-7 80 kg final",
    ],
    "18": [
        "1000001 Jansen C4NEU",
        "diagnosis delete ICD10 I80.2 confirmed active",
        "diagnosis delete ICD10 I80.2 confirmed active",
        "diagnosis assert ICD10 I26.9 suspected active",
    ],
    "19": ["1000001 Jansen ", "1000099 is 1000001"],
    "20": ["1000004 Smit ", "1000098 is 1000004"],
    "21": ["1000005 Visser IC deceased", "diagnosis assert ICD10 I26.0 confirmed active"],
    "22": ["1000001 Jansen C4NEU", "problem assert SNOMED 128053003 confirmed inactive"],
    "23": ["1000004 Smit ", *2 * ["problem delete ICD10 I26.9 confirmed active"]],
    "24": ["1000005 Visser IC", "diagnosis assert ICD10 Z86.7 suspected active"],
    "25": [
        "1000003 Bakker ",
        "allergy IMMUNOGLOBULINE IV",
        "1000001 Jansen ",
        "problem assert SNOMED 128053003 confirmed resolved",
        "1000005 Visser ",
        "62238-1 38 mL/min/{1.73_m2} final",
        "1000004 Smit ",
        "given RE EPD|900009",
        "1000001 Jansen ",
        "diagnosis assert L ADE suspected active",
        "order DC EPD|900001",
    ],
    "26": ["1000001 Jansen C4NEU", "order NW EPD|900026"],
    "27": ["1000001 Jansen ", "given TX EPD|900026", "given TX EPD|900026", "given WA EPD|900026"],
}


def in_short(event: AnyEvent) -> str:
    match event:
        case PatientSeen(name=name):
            deceased = " deceased" if event.deceased else ""
            return f"{event.patient[0].value} {name.family if name else ''} {event.ward}{deceased}"
        case PatientMerged():
            return f"{event.retired[0].value} is {event.patient[0].value}"
        case Condition():
            coding = event.codings[0]
            return f"{event.category} {event.action} {coding.system} {coding.code} {event.certainty} {event.status}"
        case Procedure():
            return f"procedure {event.codings[0].code}"
        case Allergy():
            return f"allergy {event.text}"
        case Observation():
            return f"{event.codings[0].code} {event.value} {event.unit} {event.status}"
        case MedicationOrdered():
            return f"order {event.control} {event.keys.placer}"
        case MedicationGiven():
            return f"given {event.completion} {event.keys.placer}"


def messages(path: Path) -> tuple[bytes, ...]:
    raw = path.read_bytes()
    batch = split_batch(raw)
    return batch.messages if batch else (raw,)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.hl7")), ids=lambda path: path.stem)
def test_a_sample_says_what_the_interface_says_it_says(path: Path) -> None:
    readings = [read(message, DEFAULTS) for message in messages(path)]

    assert [in_short(event) for reading in readings for event in reading.events] == EXPECTED[path.name[:2]]
    assert all(reading.flags == () and reading.not_understood == () for reading in readings)


def test_escapes_accents_and_null_of_the_odd_sample_are_read() -> None:
    (patient, diagnosis) = read((SAMPLES / "24_bar_p12_v25_custom_delims_latin1.hl7").read_bytes(), DEFAULTS).events

    assert isinstance(patient, PatientSeen)
    assert patient.name is not None
    assert patient.name.given == "Renée"
    assert isinstance(diagnosis, Condition)
    assert diagnosis.text == "Personal history of diseases of the circulatory system * DVT 2012 (links)"
