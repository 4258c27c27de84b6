"""Questions about the past, answered with yes."""

import pytest

from clinical.events import Condition
from parsers.chart.questions import asks_for_thrombosis
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message


@pytest.mark.parametrize(
    "question",
    [
        "VTE risk assessment: previous DVT or PE?",
        "VTE-risico: doorgemaakte longembolie",
        "Ooit trombose gehad? (VTE-screening)",
        "Padua score: previous VTE",
        "Anamnese polikliniek: ooit trombose gehad?",
        "VTE-risico: in het verleden DVT",
    ],
)
def test_yes_to_a_thrombosis_in_the_past_is_one_on_a_risk_form_too(question: str) -> None:
    events = read(a_patient_message(f"OBX|1|CE|Q1^{question}^L||Y^Ja", kind="ORU^R01"), DEFAULTS).events
    (told,) = [event for event in events if isinstance(event, Condition)]

    assert told.certainty == "confirmed"
    assert asks_for_thrombosis((), question)


@pytest.mark.parametrize(
    "question",
    [
        "Risico op trombose besproken?",
        "VTE-profylaxe gestart",
        "Trombosekous aangemeten",
        "DVT pump device",
        "Priority: DVT screening",
    ],
)
def test_a_question_about_care_asks_for_no_thrombosis(question: str) -> None:
    assert not asks_for_thrombosis((), question)
