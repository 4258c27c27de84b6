"""Which segments make one order, where senders put several drugs, or another order, under one ORC."""

import pytest

from parsers.medication.immunoglobulins import is_named, looks_like_immunoglobulin, says_elsewhere
from tests.parsers.medication.order_builders import IVIG, ORC, ends, orders_of, rxe, the_order

METHYLPREDNISOLONE = "H02AB04^Methylprednisolon^ATC"


def test_a_drug_beside_immunoglobulin_under_one_orc_keeps_its_own_name_and_words() -> None:
    ivig, other = orders_of(
        "ORC|NW|1^EPD|2^APO",
        f"RXO|{IVIG}|40||g|||over 4 uur",
        "RXR|IV",
        f"RXO|{METHYLPREDNISOLONE}|1||g|||over 1 uur",
        "RXR|IV",
    )

    assert [ivig.text, other.text] == ["Immunoglobuline iv 100 mg/ml", "Methylprednisolon"]
    assert [ends(ivig.dose), ends(other.dose)] == [(40, 40, "g"), (1, 1, "g")]
    assert [ivig.instructions, other.instructions] == ["over 4 uur", "over 1 uur"]
    assert [coding.code for coding in other.codings] == ["H02AB04"]


def test_the_number_of_the_orc_is_that_of_the_immunoglobulin_wherever_it_stands() -> None:
    other, ivig = orders_of("ORC|NW|1^EPD|2^APO", f"RXE||{METHYLPREDNISOLONE}|1||g", f"RXE||{IVIG}|40||g")

    assert (ivig.keys.placer, ivig.keys.filler) == ("EPD|1", "APO|2")
    assert (other.keys.placer, other.keys.filler) == ("EPD|1#1", "APO|2#1")


def test_the_same_drug_twice_under_one_orc_is_one_order() -> None:
    orders = orders_of("ORC|NW|1^EPD", f"RXE||{IVIG}|20||g", f"RXE||{IVIG}|30||g")

    assert [order.keys.placer for order in orders] == ["EPD|1", "EPD|1"]


def test_what_was_dispensed_under_one_orc_is_of_one_order() -> None:
    orders = orders_of("ORC|RE|1^EPD", "RXD|1|A^Privigen 10 g|20250310|2", "RXD|2|B^Privigen 20 g|20250310|1")

    assert [order.keys.placer for order in orders] == ["EPD|1", "EPD|1"]


def test_of_as_many_requests_as_encodings_each_encoding_has_its_own() -> None:
    first, second = orders_of(
        "ORC|NW|1^EPD",
        f"RXO|{IVIG}|40||g|||langzaam",
        f"RXO|{METHYLPREDNISOLONE}|1||g|||snel",
        "RXE||X1^Middel een^L|40||g",
        "RXE||X2^Middel twee^L|1||g",
    )

    assert first.text == "Middel een; Immunoglobuline iv 100 mg/ml"
    assert second.text == "Middel twee; Methylprednisolon"
    assert [first.instructions, second.instructions] == ["langzaam", "snel"]
    assert [first.keys.placer, second.keys.placer] == ["EPD|1", "EPD|1#2"]


def test_one_request_stands_beside_every_encoding_of_it() -> None:
    orders = orders_of(
        "ORC|NW|1^EPD", f"RXO|{IVIG}|30||g", "RXE||X1^Flacon 10 g^L|1||FL", "RXE||X2^Flacon 20 g^L|1||FL"
    )

    assert all("Immunoglobuline" in order.text for order in orders)


def test_an_encoding_without_a_name_has_those_of_the_whole_order() -> None:
    _, nameless = orders_of("ORC|NW|1^EPD", f"RXE||{IVIG}|30||g", "RXE|||20||g")

    assert "Immunoglobuline" in nameless.text


def test_a_schedule_after_the_last_drug_serves_those_without_one() -> None:
    orders = orders_of(
        "ORC|NW|1^EPD", f"RXE||{IVIG}|30||g", f"RXE||{METHYLPREDNISOLONE}|1||g", "TQ1|1||QD^^^^^^||||5^d"
    )

    assert [order.timings[0].pattern for order in orders] == ["QD", "QD"]


def test_an_obr_between_an_orc_and_its_drug_does_not_part_them() -> None:
    order = the_order("ORC|NW|1^EPD|||IP", "OBR|1|1^EPD||RX^Pharmacy Order^L", f"RXO|{IVIG}|30||g", "RXR|IV")

    assert (order.control, order.keys.placer) == ("NW", "EPD|1")
    assert [route.code for route in order.routes] == ["IV"]


def test_a_laboratory_order_without_an_orc_is_not_that_of_the_drug_after_it() -> None:
    order = the_order("OBR|1|1^LAB||CHEM^Klinische chemie^L", f"RXO|{IVIG}|30||g")

    assert order.keys.placer == ""


def test_an_observation_that_denies_immunoglobulin_names_no_drug() -> None:
    denied, asked = (
        the_order(ORC, rxe("1", "", "X1^Zie protocol^L"), f"OBX|1|ST|Q1^Middel^L||{said}")
        for said in ("geen immunoglobuline toegediend", "immunoglobuline 30 g")
    )

    assert (denied.text, asked.text) == ("Zie protocol", "Zie protocol; immunoglobuline 30 g")


@pytest.mark.parametrize(
    "said",
    [
        "IVIg niet toegediend",
        "no immunoglobulin given",
        "eerder humaan immunoglobuline",
        "IVIg gehad in 2019",
        "IVIg was given",
    ],
)
def test_what_was_denied_or_given_before_is_not_to_be_given(said: str) -> None:
    assert not is_named(said)


@pytest.mark.parametrize(
    "said",
    [
        "IVIg 30 g, niet sneller dan 4 mL/min",
        "not tolerated: IVIg 30 g",
        "IVIg 30 g, eerder gehad",
        "IVIg was gestopt, nu hervatten",
    ],
)
def test_what_is_to_be_given_may_also_say_what_was(said: str) -> None:
    assert is_named(said)


@pytest.mark.parametrize(
    ("drug", "is_normal"),
    [
        ("Immunoglobuline e.v.", True),
        ("Immunoglobuline e albumina", True),
        ("IVIg; stop omalizumab", True),
        ("omalizumab gestopt, start IVIg", True),
        ("Immunoglobuline E", False),
        ("Immunoglobuline E antistof (omalizumab)", False),
        ("omalizumab (anti-immunoglobuline)", False),
    ],
)
def test_the_letter_e_and_another_drug_decide_only_where_they_are_the_name(drug: str, is_normal: bool) -> None:
    assert looks_like_immunoglobulin((), drug) == is_normal


@pytest.mark.parametrize(
    "words",
    [
        "Niet-assortimentsartikel",
        "dummy artikel",
        "geneesmiddel buiten assortiment",
        "Non-formulary medication",
        "Unlisted drug, see text",
        "médicament hors livret",
        "produit non référencé",
        "Nicht gelistetes Arzneimittel",
        "Sonderanforderung",
        "medicamento fuera de guía",
        "handmatige invoer",
        "zie instructie apotheek",
        "see pharmacy instructions",
        "siehe Anweisung in der Anlage",
        "voir ordonnance en annexe",
        "vedi istruzioni allegate",
        "conform recept, zie bijlage",
    ],
)
def test_an_article_that_stands_for_any_drug_leaves_its_name_to_the_note(words: str) -> None:
    (order,) = orders_of(
        "ORC|NW|1^EPD", f"RXE||99^{words}^L|1||ST", "NTE|1||Gammagard S/D 20 g i.v., eenmalig", "RXR|IV"
    )

    assert says_elsewhere((), words)
    assert "Gammagard" in order.text


@pytest.mark.parametrize("words", ["Prednisolon tablet", "NaCl 0,9 % infuus", "Dummyzolam", "clemastine vóór infuus"])
def test_a_drug_with_a_name_of_its_own_is_not_what_its_note_names(words: str) -> None:
    (order,) = orders_of("ORC|NW|1^EPD", f"RXE||99^{words}^L|1||ST", "NTE|1||30 min vóór Gammagard", "RXR|IV")

    assert not says_elsewhere((), words)
    assert "Gammagard" not in order.text
