"""A history that a sender tells in words, as the value of an OBX, is read from message to inbox."""

from typing import Any

import msgspec
import pytest

from tests.journeys.hospital import Hospital
from tests.journeys.phrases import an_ivig_order, header, patient, wire

ASKED = "IG-VTE-026"
PRIOR = "IG-VTE-001"
NOTHING_RECEIVED = "IG-DATA-032"


def rules_of(hospital: Hospital, *obx: str) -> set[str]:
    """The rules that fire for an order, when this is all the history of its patient."""
    told = (header("ADT^A08^ADT_A01", "H1"), patient(1), "PV1|1|I|NEU^1^1", *obx)

    hospital.sends(wire(*told), wire(*an_ivig_order(1)))

    return {finding["rule"] for finding in findings(hospital)}


def findings(hospital: Hospital) -> list[Any]:
    """What the latest answer found."""
    (row,) = hospital.rows("SELECT conclusion FROM assessment WHERE stream = 'order' ORDER BY id DESC LIMIT 1")
    content = row[0] if isinstance(row[0], dict) else msgspec.json.decode(row[0])
    found: list[Any] = content["findings"]
    return found


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("11348-0", "TX"),
        ("11348-0", "FT"),
        ("11348-0", "ST"),
        ("10164-2", "TX"),
        ("8648-8", "TX"),
        ("29762-2", "TX"),
        ("11450-4", "TX"),
        ("10160-0", "TX"),
    ],
)
def test_a_thrombosis_in_any_kind_of_narrative_is_one(hospital: Hospital, code: str, kind: str) -> None:
    assert PRIOR in rules_of(hospital, f"OBX|1|{kind}|{code}^History^LN||VG: 2011 longembolie, CVA 2016||||||F")


def test_a_denial_in_a_narrative_is_one(hospital: Hospital) -> None:
    fired = rules_of(hospital, "OBX|1|TX|11348-0^History^LN||VG blanco, geen DVT of longembolie||||||F")

    assert not fired & {PRIOR, ASKED, NOTHING_RECEIVED}


def test_a_suspicion_in_a_narrative_is_asked(hospital: Hospital) -> None:
    assert ASKED in rules_of(hospital, "OBX|1|TX|10164-2^HPI^LN||Nu verdenking longembolie||||||F")


@pytest.mark.parametrize(
    "value",
    [
        r"Voorgeschiedenis:\.br\1998 appendectomie\.br\2007 DVT re\.br\Geen allergie",
        "1998 appendectomie~2007 DVT re~geen allergie",
        "2012 DVT",
        "2x longembolie",
    ],
)
def test_every_line_of_a_narrative_is_read(hospital: Hospital, value: str) -> None:
    assert PRIOR in rules_of(hospital, f"OBX|1|FT|11348-0^History^LN||{value}||||||F")


def test_a_narrative_over_several_segments_is_read(hospital: Hospital) -> None:
    lines = ("Hypertensie", "St.n. LE", "Geen allergie")

    fired = rules_of(
        hospital, *(f"OBX|{n}|TX|11348-0^History^LN|{n}|{line}||||||F" for n, line in enumerate(lines, start=1))
    )

    assert PRIOR in fired


def test_the_alert_shows_the_sentence_and_not_the_whole_narrative(hospital: Hospital) -> None:
    long = "Hypertensie sinds 1998. Knieprothese links. Doorgemaakte longembolie in 2014. " + "Verder geen zaken. " * 30

    rules_of(hospital, f"OBX|1|TX|11348-0^History^LN||{long}||||||F|||20261120")

    prior = next(each for each in findings(hospital) if each["rule"] == PRIOR)
    assert "Doorgemaakte longembolie in 2014" in prior["because"]["nl"]
    assert "Knieprothese" not in prior["because"]["nl"]


def test_a_withdrawn_narrative_says_nothing(hospital: Hospital) -> None:
    obx = "OBX|1|TX|11348-0^History^LN||longembolie 2014||||||{}|||20261120"

    assert PRIOR in rules_of(hospital, obx.format("F"))

    later = header("ADT^A08^ADT_A01", "H2", "20261121100000")
    hospital.sends(wire(later, patient(1), "PV1|1|I|NEU^1^1", obx.format("D")))

    assert PRIOR not in {finding["rule"] for finding in findings(hospital)}
