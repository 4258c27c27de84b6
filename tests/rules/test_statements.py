"""What the sentences of one text say of each other: corrections, addenda, enquiries, one that was there before."""

import pytest

from rules.knowledge import Knowledge

VTE = "venous-thromboembolism"


def certainty_of(knowledge: Knowledge, text: str) -> str:
    """The highest certainty a text has of a venous thrombosis, of now or before."""
    found = [certainty for name, certainty in knowledge.terms.words.surest(text).items() if name.startswith(VTE)]
    return next((each for each in ("confirmed", "suspected", "refuted") if each in found), "")


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("Waar staat 'geen trombus v. femoralis' moet gelezen worden 'trombus v. femoralis'.", "confirmed"),
        ("Waar staat 'trombus v. femoralis' moet gelezen worden 'geen trombus v. femoralis'.", "refuted"),
        ("Erratum : lire « absence d'EP » au lieu de « présence d'EP ».", "refuted"),
        ("Korrektur: statt „keine TVT“ muss es heißen „TVT links“.", "confirmed"),
        ("Der Befund 'keine LAE' wird hiermit korrigiert: Segmentembolie rechts.", "confirmed"),
        ("Zij zegt 'geen trombose' te hebben gehad.", "refuted"),
    ],
)
def test_a_quotation_that_is_corrected_says_nothing(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("Conclusie: longembolie. Addendum: bij herbeoordeling geen longembolie.", "refuted"),
        ("Conclusie: geen longembolie. Addendum: toch een segmentele longembolie.", "confirmed"),
        ("VG: DVT 2010. Conclusie: DVT. Addendum: bij herbeoordeling geen DVT.", "confirmed"),
        ("Conclusie: longembolie. Addendum: geen DVT.", "confirmed"),
        ("Longembolie op CT. Duplex: geen longembolie.", "confirmed"),
    ],
)
def test_an_addendum_takes_back_what_it_is_about_and_no_earlier_event(
    knowledge: Knowledge, text: str, certainty: str
) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("In de brief staat 'DVT 2014'. Nagevraagd bij de huisarts: nooit DVT gehad.", "refuted"),
        ("DVT in 2014. Nagevraagd: geen DVT in de familie.", "confirmed"),
        ("GP summary says 'PE 2012'. Checked with the hospital: never had a PE.", "refuted"),
    ],
)
def test_an_enquiry_takes_back_only_what_was_cited(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("Geen longembolie op de CT. Zij heeft er in 2014 wel een gehad.", "confirmed"),
        ("No PE today. She had one in March.", "confirmed"),
        ("No PE today. She had one child in March.", "refuted"),
        ("Verdenking DVT; duplex bevestigde dit.", "confirmed"),
    ],
)
def test_a_sentence_without_a_name_speaks_of_the_one_before(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty
