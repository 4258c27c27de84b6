"""What a sentence as a whole says: a talk, a mistake, what was found instead, a test to come, a box."""

import pytest

from rules.knowledge import Knowledge

VTE = "venous-thromboembolism"


def certainty_of(knowledge: Knowledge, text: str) -> str:
    """How sure a text is of a venous thrombosis: "" where it only mentions one."""
    found = knowledge.terms.words.surest(text)
    return next((found[name] for name in (VTE, f"{VTE}-history", f"{VTE}-possible") if name in found), "")


@pytest.mark.parametrize(
    "text",
    [
        "contra-indicaties pil besproken: trombose, migraine",
        "bijwerkingen IVIg uitgelegd, o.a. longembolie",
        "Informed consent: bleeding, infection, DVT",
        "Aufklärung: Infektion, Blutung, Thrombose",
        "Effets indésirables expliqués : céphalées, thrombose",
        "bij een dik been contact opnemen (trombose!)",
        "vraagt of IVIg trombose kan geven",
    ],
)
def test_what_a_talk_or_a_warning_is_about_has_not_happened(knowledge: Knowledge, text: str) -> None:
    assert certainty_of(knowledge, text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "bijwerkingen besproken bij patiënt met longembolie",
        "risico's besproken, DVT in 2019",
        "Counselled after a DVT",
        "Contra-indicatie IVIg: longembolie",
        "Complicaties: DVT",
    ],
)
def test_a_talk_about_what_the_patient_had_leaves_it_standing(knowledge: Knowledge, text: str) -> None:
    assert certainty_of(knowledge, text) == "confirmed"


@pytest.mark.parametrize(
    "text",
    [
        "longembolie van de probleemlijst gehaald, betrof andere patiënt",
        "DVT recorded in error",
        "TVT irrtümlich eingetragen",
        "EP saisie par erreur",
        "de beschreven embolus is een flowartefact",
    ],
)
def test_an_entry_made_by_mistake_says_that_there_was_none(knowledge: Knowledge, text: str) -> None:
    assert certainty_of(knowledge, text) == "refuted"


def test_a_wrong_date_or_side_does_not_take_the_thrombosis_away(knowledge: Knowledge) -> None:
    assert certainty_of(knowledge, "DVT staat ten onrechte als links in het dossier") == "confirmed"


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("verwezen ivm DVT?, bleek Bakerse cyste", "refuted"),
        ("?DVT -> cellulitis", "refuted"),
        ("LE? CT: pneumonie", "refuted"),
        ("V.a. TVT, es fand sich eine Bakerzyste", "refuted"),
        ("longembolie, bleek ook een pneumonie te hebben", "confirmed"),
        ("DVT was due to compression by a haematoma", "confirmed"),
        ("verdenking pneumonie, bleek longembolie", "confirmed"),
        ("verdenking DVT, gestart met apixaban -> hematoom", "suspected"),
    ],
)
def test_what_was_found_instead_answers_a_doubt(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("D-dimeer verhoogd, echo morgen ivm DVT", "suspected"),
        ("beslisregel DVT 6 punten, echo morgen", "suspected"),
        ("CTPA pending for PE", "suspected"),
        ("Wells score for DVT: 3", ""),
        ("DVT li, controle-echo gepland", "confirmed"),
        ("longembolie in 2019, echo hart volgt", "confirmed"),
    ],
)
def test_a_test_to_come_leaves_open_what_it_is_for(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("☐ DVT ☐ LE ☑ hypertensie", ""),
        ("[x] DVT [ ] hypertensie", "confirmed"),
        ("DVT [x] hypertensie [ ]", "confirmed"),
        ("VTE in VG: [ ] ja [x] nee", "refuted"),
        ("Thrombose/Embolie: ja (x) nein ( )", "confirmed"),
        ("Thrombose/Embolie: ja ( ) nein (x)", "refuted"),
        ("Previous VTE: [ ] yes [ ] no", ""),
        ("Trombose ja / nee", ""),
        ("Moeder: DVT [x]", "family"),
    ],
)
def test_a_box_says_what_is_ticked(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("Trombose: nee   Allergie: ja", "refuted"),
        ("DVT/PE: N Stroke: Y", "refuted"),
        ("HTN: N DVT: Y CVA: N", "confirmed"),
        ("Trombose : 0   Allergie : 0", "refuted"),
    ],
)
def test_fields_beside_each_other_are_read_apart(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("Indication: ?DVT. Findings: fully compressible deep veins. No DVT.", "refuted"),
        ("?DVT. No previous DVT.", "suspected"),
        ("Vraagstelling: DVT? Conclusie: trombus in de v. poplitea.", "confirmed"),
    ],
)
def test_the_conclusion_of_a_report_answers_its_question(knowledge: Knowledge, text: str, certainty: str) -> None:
    assert certainty_of(knowledge, text) == certainty


@pytest.mark.parametrize(
    "text",
    [
        "Exclusiecriteria: eerdere DVT of longembolie",
        "Exclusion criteria: history of thrombosis",
        "Ausschlusskriterien: frühere Thrombose",
    ],
)
def test_the_text_of_a_protocol_is_of_nobody(knowledge: Knowledge, text: str) -> None:
    assert certainty_of(knowledge, text) == ""


def test_a_criterion_with_a_year_is_met(knowledge: Knowledge) -> None:
    assert certainty_of(knowledge, "Exclusiecriterium: DVT in 2015") == "confirmed"
