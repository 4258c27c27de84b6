"""What the words of a fact take from its code, and a field of a message from its words."""

from datetime import timedelta

import pytest

from clinical.codes import Coding
from rules.examples import AT
from rules.facts import Case, Fact, Kind, Order, Patient
from rules.knowledge import Knowledge
from rules.picture import Picture

VTE = "venous-thromboembolism"


def seen(knowledge: Knowledge, fact: Fact) -> set[str]:
    """How sure the rules are of a thrombosis in this fact."""
    picture = Picture(Case(Order("O1"), Patient(), AT, (fact,)), knowledge.terms)
    sets = (VTE, f"{VTE}-history")
    others = ("suspected", "refuted", "family")
    found = {certainty for certainty in others if picture.with_certainty(sets, frozenset({certainty}))}
    return found | ({"confirmed"} if picture.history(sets) else set())


@pytest.mark.parametrize(
    ("display", "typed", "certainty"),
    [
        ("Longembolie", "", "confirmed"),
        ("niet-uitgelokte longembolie", "", "confirmed"),
        ("Pulmonary embolism without mention of acute cor pulmonale", "", "confirmed"),
        ("Longembolie", "niet-massale longembolie", "confirmed"),
        ("Longembolie", "geen koorts", "confirmed"),
        ("Longembolie", "longembolie uitgesloten", "refuted"),
        ("Ausschluss Lungenembolie", "", "refuted"),
        ("Longembolie", "geen longembolie", "suspected"),
        ("Longembolie", "vader longembolie", "suspected"),
        ("Longembolie", "verdenking LE", "suspected"),
        ("Verdenking longembolie", "", "suspected"),
        ("Verdenking longembolie", "longembolie bevestigd", "confirmed"),
    ],
)
def test_words_beside_a_code_rule_it_out_or_doubt_it(
    knowledge: Knowledge, display: str, typed: str, certainty: str
) -> None:
    text = "; ".join(part for part in (display, typed) if part)

    fact = Fact("condition", (Coding("ICD10", "I26.9", display),), text)

    assert seen(knowledge, fact) == {certainty}


@pytest.mark.parametrize(
    ("stated", "text", "certainty"),
    [
        ("confirmed", "longembolie", "confirmed"),
        ("suspected", "longembolie", "suspected"),
        ("suspected", "geen longembolie", "refuted"),
        ("suspected", "moeder longembolie", "family"),
        ("refuted", "longembolie", "refuted"),
        ("confirmed", "geen longembolie", "refuted"),
    ],
)
def test_of_a_field_and_the_words_the_lesser_counts(
    knowledge: Knowledge, stated: str, text: str, certainty: str
) -> None:
    assert seen(knowledge, Fact("condition", (), text, certainty=stated)) == {certainty}


@pytest.mark.parametrize("kind", ["condition", "observation"])
def test_the_year_of_a_cancer_dates_no_thrombosis_beside_it(knowledge: Knowledge, kind: Kind) -> None:
    coding = Coding("ICD10", "I26.9") if kind == "condition" else Coding("LOINC", "10164-2")
    on = AT - timedelta(days=10)
    fact = Fact(kind, (coding,), "Longembolie rechts; mammacarcinoom sinds 2021", starts=on, precision="day")

    picture = Picture(Case(Order("O1"), Patient(), AT, (fact,)), knowledge.terms)

    assert [each.starts for each in picture.history((VTE,))] == [on if kind == "condition" else None]
    assert [each.starts and each.starts.year for each in picture.history(("malignancy",))] == [2021]
