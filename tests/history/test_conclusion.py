"""An answer as it is stored: equal when it says the same, another when it does not."""

from dataclasses import replace

import msgspec
import pytest

from clinical.codes import Coding
from clinical.events import AnyEvent
from history.choices import Site
from history.conclusion import Conclusion, product_name
from history.messages import ReadMessage
from history.person import judge_messages
from rules.knowledge import Knowledge
from tests.history.builders import IVIG, a_thrombosis, a_weight, an_order, grams, moment, seen, the_order, told

STORY = (a_thrombosis(), an_order(dose=grams(30), starts=moment()))


def concluded(knowledge: Knowledge, messages: list[ReadMessage]) -> Conclusion:
    """The answer to the only order."""
    (person,) = judge_messages(messages, knowledge, Site())
    (answer,) = person.answers
    return answer.conclusion


def test_row_numbers_stay_out_of_the_signature(knowledge: Knowledge) -> None:
    messages = told(*STORY)
    elsewhere = [replace(message, message_id=message.message_id + 1000) for message in messages]

    here, there = concluded(knowledge, messages), concluded(knowledge, elsewhere)

    assert here.signature == there.signature
    assert here.content != there.content


def test_a_name_stays_out_of_the_signature(knowledge: Knowledge) -> None:
    named = concluded(knowledge, told(*STORY, seen(sex="F", ward="C4")))

    assert named.signature == concluded(knowledge, told(*STORY)).signature
    assert named.content["patient"]["ward"] == "C4"


@pytest.mark.parametrize(
    "news",
    [
        an_order(control="HD"),
        an_order(control="XO", dose=grams(60), starts=moment()),
        a_thrombosis(action="delete"),
        a_weight(60, -1),
    ],
    ids=["on hold", "another dose", "withdrawn", "weight"],
)
def test_news_of_the_order_or_the_patient_makes_another_signature(knowledge: Knowledge, news: AnyEvent) -> None:
    before, after = concluded(knowledge, told(*STORY)), concluded(knowledge, told(*STORY, news))

    assert before.signature != after.signature


def test_every_fact_names_its_message_and_field(knowledge: Knowledge) -> None:
    content = concluded(knowledge, told(*STORY)).content

    facts = [fact for finding in content["findings"] for fact in finding["facts"] if fact["code"] == "I80.2"]
    assert {(fact["message"], fact["path"]) for fact in facts} == {("M0", "DG1[1]-3")}
    assert (content["order"]["message"], content["order"]["path"]) == ("M1", "RXO[1]-1")


def test_an_answer_to_an_order_has_no_case_report(knowledge: Knowledge) -> None:
    assert "case" not in concluded(knowledge, told(*STORY)).content


@pytest.mark.parametrize(
    ("codings", "text", "name"),
    [
        ((Coding("ATC", "J06BA02"), Coding("ZI", "1", "Nanogam 100 mg/ml")), "", "Nanogam 100 mg/ml"),
        ((Coding("ATC", "J06BA02"),), "nanogam", "nanogam"),
        ((Coding("ATC", "J06BA02"),), "", "J06BA02"),
    ],
)
def test_a_product_is_shown_in_the_words_of_the_sender(codings: tuple[Coding, ...], text: str, name: str) -> None:
    assert product_name(the_order(an_order(codings=codings, text=text))) == name


@pytest.mark.parametrize("words", ["DVT, BSN 999900018", "DVT (999900018)"])
def test_no_words_of_an_answer_hold_a_citizen_service_number_that_somebody_typed(
    knowledge: Knowledge, words: str
) -> None:
    typed = msgspec.structs.replace(a_thrombosis(text=words), codings=(Coding("ICD10", "I80.2", words),))
    product = msgspec.structs.replace(IVIG[0], display=f"Privigen {words}")
    order = an_order(codings=(product,), dose=grams(30), starts=moment())

    content = concluded(knowledge, told(typed, order)).content

    assert "999900018" not in str(content)
    assert "••••••018" in str(content["findings"])
