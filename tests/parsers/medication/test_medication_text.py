"""Amounts, rates and strengths in running text."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.medication.medication_text import (
    days_divided_over,
    find_concentration,
    find_doses,
    find_package_mass,
    find_package_volume,
    find_rates,
    rises,
    with_digits,
)
from parsers.medication.units import SentAmount


def said(quantities: tuple[SentAmount, ...]) -> list[str]:
    return [f"{each.value.low}-{each.value.high} {each.unit.name}" for each in quantities]


@pytest.mark.parametrize(
    ("text", "doses"),
    [
        ("IVIG 30g", ["30-30 g"]),
        ("0,4 g/kg/dag x 5 dagen", ["0.4-0.4 g/kg/d"]),
        ("400 mg/kg", ["400-400 mg/kg"]),
        ("2 g per kg verdeeld over 5 dagen", ["2-2 g/kg"]),
        ("30-40 gram", ["30-40 g"]),
        ("30 g/4 weken", ["30-30 g"]),
        ("3 x 10 g", ["10-30 g"]),
        ("IVIG 100MG/ML", []),  # a strength
        ("2,5 g = 50 ml", []),
        ("0.03 g/kg/h", []),  # a rate
        ("5 mg/kg/min", []),
        ("500 mL", []),
        ("0,9%", []),
        ("groep 3g1", []),
        ("J06BA02", []),
    ],
)
def test_a_dose_is_a_mass_that_is_no_rate_and_no_strength(text: str, doses: list[str]) -> None:
    assert said(find_doses(text)) == doses


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("Start 0,5 mL/kg/uur, verhogen", ["0.5-0.5 mL/kg/h"]),
        ("62,5 ml/u daarna 125 ml/u", ["62.5-62.5 mL/h", "125-125 mL/h"]),
        ("0.06 g/kg/h", ["0.06-0.06 g/kg/h"]),
        ("max 5 mg/kg/min", ["5-5 mg/kg/min"]),
        ("60-180 ml per uur", ["60-180 mL/h"]),
        ("0,4 g/kg/dag", []),
        ("30 g", []),
    ],
)
def test_rates_are_read_in_the_order_they_stand(text: str, rates: list[str]) -> None:
    assert said(find_rates(text)) == rates


@pytest.mark.parametrize(
    ("text", "mg_per_ml"),
    [
        ("IMMUNOGLOBULINE IV 100MG/ML INFVLST 100ML", 100),
        ("Nanogam 50 mg/ml", 50),
        ("Octagam 10 g/200 ml", 50),
        ("2,5 g=25 ml", 100),
        ("Gamunex 10%", 100),
        ("Kiovig 100 mg per ml", 100),
        ("Immunoglobuline in glucose 5% 500 mL", None),
        ("NaCl 0,9%", None),
        ("IVIG 5% in glucose 10%", 50),
        ("Kiovig 10 g", None),
        ("zuurstof 40%", None),
    ],
)
def test_a_strength_in_a_name_is_never_that_of_the_diluent(text: str, mg_per_ml: int | None) -> None:
    found = find_concentration(text)

    assert (found.counted.high if found else None) == mg_per_ml


@pytest.mark.parametrize(
    ("text", "mg_per_ml"),
    [
        ("Intratect 100g/L infusion", 100),
        ("Intratect 50 g/l", 50),
        ("IMMUNE GLOBULIN,HUMAN 10GM/100ML INJ", 100),
        ("immune globulin 2.5 gms/50 mL", 50),
        ("Privigen 10 g/100 mL", 100),
        ("Privigen 10 g/dL", 100),
        ("100 gram per liter", 100),
        ("IVIG, IgG 7,2 g/l", None),
        ("IVIG bij IgG 0,5 g/dL", None),
    ],
)
def test_a_strength_may_be_in_a_litre_but_what_the_blood_holds_is_none(text: str, mg_per_ml: int | None) -> None:
    found = find_concentration(text)

    assert (None if found is None else int(found.counted.high)) == mg_per_ml
    assert find_doses(text) == ()


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("Privigen 300 ml 10%", ["30"]),
        ("10 %-ig 300 ml", ["30"]),
        ("%5 400 ml", ["20"]),
        ("0,1 g/ml; 250 ml", ["25"]),
        ("100 мг/мл 300 мл", ["30"]),
        ("al 10 por ciento, 0,3 l", ["30"]),
        ("3 flacons van 100 ml 10%", ["30"]),
        ("10 g/100 ml, 3 flacons", ["30"]),
        ("Privigen 10% 300 ml, NaCl 0,9% 500 ml vooraf", ["30"]),
        ("voorafgaand 500 mL NaCl 0,9%", []),
        ("500 ml glucose 5%", []),
        ("5% albumine 200 ml", []),
        ("10%, max 300 ml/uur", []),
        ("10%, 30 ml per uur", []),
        ("300 ml in 4 uur", []),
    ],
)
def test_a_volume_beside_a_strength_is_a_dose_unless_it_is_of_another_fluid(text: str, grams: list[str]) -> None:
    found = find_doses(text)

    assert [f"{each.counted.high.normalize():f}" for each in found] == grams
    assert all("dose_from_volume" in each.flags for each in found)


@pytest.mark.parametrize(
    ("text", "millilitres"),
    [
        ("GAMUNEX-C 10 GRAM/100 ML (10 %) INJECTION SOLUTION", 100),
        ("Octagam 5 g/50 mL, 10 g/100 mL", None),
        ("Kiovig 1 g/10 ml flacon 50 ml", 50),
        ("Privigen 100 mg/1 mL", None),
        ("Intratect 100 g/1 L", None),
    ],
)
def test_a_package_is_what_its_strength_is_stated_in_when_the_name_holds_no_other_volume(
    text: str, millilitres: int | None
) -> None:
    found = find_package_volume(text)

    assert (None if found is None else int(found.high)) == millilitres


def test_a_package_is_known_when_the_name_holds_one_volume_or_one_mass() -> None:
    volume, mass = (
        find_package_volume("INFVLST 100MG/ML FLACON 50ML"),
        find_package_mass("Kiovig 100 mg/ml 10 g flacon"),
    )

    assert volume is not None
    assert mass is not None
    assert [volume.high, mass.high] == [50, 10]
    assert find_package_volume("flacon 50 ml of 100 ml") is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2 g/kg verdeeld over 5 dagen", (5, 5)),
        ("verdeeld over vijf dagen", (5, 5)),
        ("divided over 2-5 days", (2, 5)),
        ("1 g/kg in 2 dagen", (2, 2)),
        ("over 3 days", (3, 3)),
        ("controle over 28 dagen", None),  # when to come back
        ("verdeeld over 28 dagen", (28, 28)),
        ("in 1 dag", None),
        ("5 dagen", None),
        ("verdeeld over 45 dagen", None),
    ],
)
def test_an_amount_is_spread_over_days_only_when_the_text_says_so(text: str, days: tuple[int, int] | None) -> None:
    assert days_divided_over(text) == days


def test_numbers_in_words_become_digits() -> None:
    assert with_digits("eenmaal per vier weken, twee flacons") == "1 maal per 4 weken, 2 flacons"
    assert with_digits("eenmalig") == "eenmalig"


def test_a_rate_that_rises_is_noticed() -> None:
    assert rises("Start 0,5 mL/kg/uur, verhogen op geleide van verdraagzaamheid")
    assert not rises("0,5 mL/kg/uur")


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_text(text: str) -> None:
    quantities = (*find_doses(text), *find_rates(text))

    assert all(each.value.low <= each.value.high for each in quantities)
    days_divided_over(text), find_concentration(text), find_package_mass(text), find_package_volume(text)


def test_doses_as_hospitals_write_them_are_read() -> None:
    rows = list(csv.DictReader((Path(__file__).parent / "doses_in_words.csv").open(encoding="utf-8")))
    found = {each["words"]: [one.counted for one in find_doses(each["words"])] for each in rows}

    assert {words: [(f"{one.low:g}", f"{one.high:g}") for one in doses] for words, doses in found.items()} == {
        each["words"]: [(each["low"], each["high"])] for each in rows
    }


def test_rates_as_hospitals_write_them_are_read() -> None:
    rows = list(csv.DictReader((Path(__file__).parent / "rates_in_words.csv").open(encoding="utf-8")))
    found = {
        each["words"]: [(f"{one.counted.high:g}", one.unit.base) for one in find_rates(each["words"])] for each in rows
    }

    assert found == {each["words"]: [(each["number"], each["unit"])] for each in rows}
