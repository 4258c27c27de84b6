"""AL1 and IAM: allergies, flags, and none."""

import pytest

from clinical.events import Allergy, Condition
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message


def events(*segments: str) -> list[Allergy | Condition]:
    found = read(a_patient_message(*segments, kind="ADT^A60"), DEFAULTS).events
    return [event for event in found if isinstance(event, Allergy | Condition)]


def test_an_allergy_is_known_by_its_code() -> None:
    (allergy,) = events("AL1|1|DA|J01CA04^Amoxicilline^ATC|MO|Urticaria")

    assert isinstance(allergy, Allergy)
    assert (allergy.key, allergy.text, allergy.path) == ("allergy:ATC:J01CA04:", "Amoxicilline", "AL1[1]-3")


def test_an_allergy_in_words_alone_is_kept() -> None:
    (allergy,) = events("AL1|1|DA|^Penicilline")

    assert (allergy.key, allergy.codings, allergy.text) == ("allergy::penicilline:", (), "Penicilline")


@pytest.mark.parametrize(
    ("action", "status", "meant"), [("A", "", "assert"), ("D", "", "delete"), ("U", "ERR^Entered in error", "delete")]
)
def test_an_allergy_is_taken_back_by_action_or_status(action: str, status: str, meant: str) -> None:
    (allergy,) = events(f"IAM|1|DA|99990011^IVIG^GS-HPK|||{action}|A1^EPD||||||||||{status}")

    assert (allergy.action, allergy.key) == (meant, "allergy:EPD|A1")


@pytest.mark.parametrize(
    "text",
    ["^Geen bekend^L", "^geen allergieën bekend", "^No known allergies", "^NKDA", "716186003^x^SCT", "^Onbekend"],
)
def test_none_known_is_no_allergy(text: str) -> None:
    assert events(f"AL1|1|DA|{text}") == []


@pytest.mark.parametrize(
    "segment",
    [
        "AL1|1|CI|1234^Trombose^L",
        "IAM|1|^Contra-indicatie|1234^Trombose^L",
        "AL1|1|DA|1234^Trombose^GS-CI",
        "AL1|1||I26.9^x^I10",
    ],
)
def test_a_contra_indication_is_a_flag(segment: str) -> None:
    (flag,) = events(segment)

    assert isinstance(flag, Condition)
    assert flag.category == "flag"
    assert flag.key.startswith("flag:")
