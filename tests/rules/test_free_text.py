"""Free text: a thrombosis that is denied, suspected, past or somebody else's is not one of today."""

import pytest

from rules.knowledge import Knowledge

VTE, PAST = "venous-thromboembolism", "venous-thromboembolism-history"


@pytest.mark.parametrize(
    ("text", "name", "certainty"),
    [
        ("longembolie", VTE, "confirmed"),
        ("DVT linker been", VTE, "confirmed"),
        ("longembolieën beiderzijds", VTE, "confirmed"),
        ("deep venous thrombosis", VTE, "confirmed"),
        ("trombose been links", VTE, "confirmed"),
        ("Nieuw vastgestelde trombose", "venous-thromboembolism-possible", "confirmed"),
        ("geen DVT", VTE, "refuted"),
        ("longembolie uitgesloten op CT", VTE, "refuted"),
        ("PE ruled out", VTE, "refuted"),
        ("no evidence of deep vein thrombosis", VTE, "refuted"),
        ("verdenking DVT", VTE, "suspected"),
        ("DVT?", VTE, "suspected"),
        ("possible PE", VTE, "suspected"),
        ("vader trombosebeen", VTE, "family"),
        ("mother had a blood clot", VTE, "family"),
        ("status na longembolie", PAST, "confirmed"),
        ("DVT in 2012", PAST, "confirmed"),
        ("history of pulmonary embolism", PAST, "confirmed"),
        ("bedlegerig", "immobility", "confirmed"),
        ("niet bedlegerig", "immobility", "refuted"),
    ],
)
def test_a_mention_has_the_certainty_of_its_words(knowledge: Knowledge, text: str, name: str, certainty: str) -> None:
    assert (name, certainty) in knowledge.terms.words.mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "pre-eclampsie (PE)",
        "preeclampsie PE",
        "hypertensie",
        "arteriële trombose",
        "trombosedienst",
        "",
        "spe",
        "opera",
    ],
)
def test_other_words_mention_no_thrombosis(knowledge: Knowledge, text: str) -> None:
    certain = {name for name, certainty in knowledge.terms.words.mentions(text) if certainty == "confirmed"}

    assert not certain & {VTE, PAST}


def test_every_clause_is_read_by_itself(knowledge: Knowledge) -> None:
    mentions = knowledge.terms.words.mentions("geen DVT, wel longembolie")

    assert set(mentions) >= {(VTE, "refuted"), (VTE, "confirmed")}


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        ("heterozygoot", True), ("homozygous", True), ("positief", True), ("POSITIVE", True), ("aantoonbaar", True),
        ("negatief", False), ("niet aantoonbaar", False), ("wild type", False), ("geen mutatie", False), ("", False),
    ],
)  # fmt: skip  # a list of results
def test_a_result_in_words_is_positive_or_not(knowledge: Knowledge, text: str, positive: bool) -> None:
    assert knowledge.terms.words.is_positive(text) is positive
