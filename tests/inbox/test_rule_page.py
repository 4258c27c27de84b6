"""A rule file as a pharmacist reads it on the page."""

from inbox.rule_page import Said, read_table, say_all, without_fillings


def test_a_condition_is_said_in_the_words_of_the_file_and_the_titles_of_its_sets() -> None:
    condition = {"latest": "inr", "below": 2.0, "within_days": 7, "if_missing": "holds"}

    said = say_all([condition], {"inr": "INR"})

    assert said == (Said("latest: INR, below: 2.0, within days: 7, if missing: holds"),)


def test_conditions_within_a_condition_stand_below_it() -> None:
    said = say_all([{"any_of": [{"taking": ["doac", "vka"]}, {"is": "at-risk"}]}], {"doac": "a DOAC"})

    assert said == (Said("any of:", (Said("taking: a DOAC, vka"), Said("is: at-risk"))),)


def test_a_table_of_examples_is_read_with_its_header() -> None:
    table = "| case | INR | alert |\n|------|-----|-------|\n| at the limit | 2.0 | none |\n| absent | | high |\n"

    assert read_table(table) == (
        ["case", "INR", "alert"],
        [["at the limit", "2.0", "none"], ["absent", "", "high"]],
    )


def test_what_is_filled_in_per_patient_is_shown_as_left_open() -> None:
    assert without_fillings("INR {inr}[[ of {day}]] is below 2") == "INR … of … is below 2"
