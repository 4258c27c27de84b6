"""A citizen service number that somebody typed among words is hidden; another number is left alone."""

import pytest

from clinical.identities import without_citizen_numbers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DVT li been, BSN 999900018", "DVT li been, BSN ••••••018"),
        ("bsn:999900018", "bsn:••••••018"),
        ("BSN-nummer 9999.00.018 gebeld", "BSN-nummer ••••••••018 gebeld"),
        (
            "burgerservicenummer is 123456789",
            "burgerservicenummer is 123456789",
        ),  # fails the eleven-test, is not beside
        ("burgerservicenummer: 123456789", "burgerservicenummer: ••••••789"),  # called one, though a digit is wrong
        ("BSN 99990018", "BSN •••••018"),
        ("moeder (999900018) had trombose", "moeder (••••••018) had trombose"),
        ("999900018", "••••••018"),
        ("999 900 018 / longembolie", "••••••••018 / longembolie"),
        ("9999-00-018: longembolie", "••••••••018: longembolie"),
        ("Sofinr. 999900018", "Sofinr. ••••••018"),
    ],
)
def test_a_number_in_a_text_is_hidden(text: str, shown: str) -> None:
    assert without_citizen_numbers(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "DVT 12-03-2020 9:15",
        "DVT 12.03.2020",
        "20200312 101500",
        "order 999900019",  # no number of a citizen: the eleven-test fails
        "tel. 0612345678",
        "lot 999900018A",
        "A999900018",
        "GTIN 08712345678906",
        "1,999900018 g",
        "999900018.5",
        "IVIg 0.4 g/kg, 5 dagen, 30 g",
        "",
    ],
)
def test_another_number_is_left_alone(text: str) -> None:
    assert without_citizen_numbers(text) == text


def test_a_code_is_left_alone() -> None:
    assert without_citizen_numbers("999900018 thrombosis", ["999900018"]) == "999900018 thrombosis"
