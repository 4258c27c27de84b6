"""Orders whose parts stand where no standard puts them, as real senders write them."""

import pytest

from clinical.events import MedicationOrdered
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message
from tests.parsers.medication.order_builders import IVIG, ORC, ends, the_order


@pytest.mark.parametrize("drug", [IVIG, "^Privigen 100 mg/ml", "99990011^IMMUNOGLOBULINE IV^GS-HPK"])
def test_a_drug_one_field_too_far_is_read_there(drug: str) -> None:
    order = the_order(ORC, f"RXE|||{drug}|30||g")

    assert ends(order.dose) == (30, 30, "g")
    assert order.text
    assert "shifted_fields" in order.flags


def test_an_amount_and_its_unit_one_field_too_far_are_read_there() -> None:
    order = the_order(ORC, "RXO|1^Privigen^L||20||g")

    assert ends(order.dose) == (20, 20, "g")
    assert "shifted_fields" in order.flags


def test_a_dosage_form_is_no_unit() -> None:
    assert the_order(ORC, "RXO|1^Privigen^L||20||TAB").dose is None


def test_an_amount_with_its_unit_as_a_component_is_no_drug() -> None:
    assert ends(the_order(ORC, "RXE|||30^g").amount) == (30, 30, "")


def test_the_name_in_the_supplementary_code_tells_the_strength() -> None:
    assert ends(the_order(ORC, "RXE|||300||mL" + "|" * 26 + "X1^Privigen 100 mg/ml^L").dose) == (30, 30, "g")


def test_an_additive_is_immunoglobulin_in_english_too() -> None:
    order = the_order(ORC, "RXE||1^mixture^L|500||mL", "RXC|A|X^immune globulin^L|32|g", "RXC|B|Y^saline^L|180|mL")

    assert ends(order.dose) == (32, 32, "g")


def test_the_orders_of_a_problem_are_read() -> None:
    raw = a_patient_message("PRB|AD|20250310|G61.0^GBS^I10", ORC, f"RXO|{IVIG}|30||g", kind="PPR^PC1")

    assert [ends(each.dose) for each in read(raw, DEFAULTS).events if isinstance(each, MedicationOrdered)] == [
        (30, 30, "g")
    ]


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (f"RXE||{IVIG}|35|GM||VIAL^Vial", (35, 35, "g")),
        (f"RXE||{IVIG}|35|GM|VIAL^Vial|IV^Intravenous", (35, 35, "g")),
        (f"RXE||{IVIG}|350|mL|DOSE", (35, 35, "g")),
        (f"RXE||{IVIG}|35|VIAL|g", (35, 35, "g")),
        (f"RXE||{IVIG}|400|mL|Q4W", (40, 40, "g")),
        (f"RXO|{IVIG}|40|G^Grams|IV^Intravenous", (40, 40, "g")),
        (f"RXO|{IVIG}||30g|IV", (30, 30, "g")),
    ],
)
def test_a_unit_where_the_maximum_belongs_is_the_unit(segment: str, expected: tuple[float, float, str]) -> None:
    order = the_order("ORC|NW|1", segment)

    assert ends(order.dose) == expected


@pytest.mark.parametrize(
    ("amount", "units", "expected"),
    [
        ("1", "40 g", (40, 40, "g")),
        ("40", "40 g", (40, 40, "g")),
        ("4", "10 g", (10, 40, "g")),
        ("35", "40 g", (35, 40, "g")),
        ("0.5", "40 g", (0.5, 40, "g")),
    ],
)
def test_a_number_before_an_amount_in_the_units_may_count_it(
    amount: str, units: str, expected: tuple[float, float, str]
) -> None:
    assert ends(the_order(ORC, f"RXE||{IVIG}|{amount}||{units}").dose) == expected


@pytest.mark.parametrize(
    "segment",
    [
        "RXG|1|0002^Privigen 100 mg/ml^NDC|30|30|g^gram^ISO+||20260505081500",
        "RXG|1||0002^Privigen 100 mg/ml^NDC|30||g|INJ",
        "RXO|1|J06BA02^Privigen 10%^ATC||30|g||IV|QD",
        "RXE|1|1|J06BA02^Privigen 10%^ATC|30||g",
    ],
)
def test_a_drug_a_field_or_two_from_its_place_is_read_there(segment: str) -> None:
    order = the_order("ORC|RE|1^EPD", segment)

    assert "Privigen" in order.text
    assert ends(order.dose) == (30, 30, "g")
    assert "shifted_fields" in order.flags


@pytest.mark.parametrize(
    "segment",
    [
        f"RXG|1|1|1^QD^D5|{IVIG}|30||g",
        "RXG|1|1|1^naar behoefte^D5^20250310|99990022|30||g",
        "RXE|1^naar behoefte^D5^20250310|99990022|30||g",
        f"RXE|1^dagelijks voor de nacht^HL70335|{IVIG}|30||g",
    ],
)
def test_words_in_a_timing_are_no_drug(segment: str) -> None:
    order = the_order("ORC|NW|1^EPD", segment)

    assert ends(order.amount) == (30, 30, "g")
    assert "shifted_fields" not in order.flags


def test_a_maximum_that_is_neither_number_nor_unit_is_no_unit() -> None:
    order = the_order("ORC|NW|1", f"RXE||{IVIG}|35|IV|g")

    assert ends(order.dose) == (35, 35, "g")
    assert "amount_unread" in order.flags


@pytest.mark.parametrize(
    "segments",
    [
        ("RXO||||||Kiovig 0,4 g/kg/dag gedurende 5 dagen i.v.",),
        ("RXO||||", "NTE|1||Kiovig 0,4 g/kg/dag gedurende 5 dagen i.v."),
    ],
)
def test_an_order_wholly_in_words_names_its_drug_in_them(segments: tuple[str, ...]) -> None:
    order = the_order("ORC|NW|1", *segments)

    assert order.text.startswith("Kiovig")
    assert ends(order.dose) == (0.4, 0.4, "g/kg")
    assert order.timings[0].occurrences == (5, 5)
    assert "drug_from_text" in order.flags


def test_words_beside_a_named_drug_do_not_name_it() -> None:
    order = the_order("ORC|NW|1", "RXO|^Paracetamol 500 mg|1||g|||voor de Kiovig")

    assert order.text == "Paracetamol 500 mg"
    assert "drug_from_text" not in order.flags


@pytest.mark.parametrize("system", ["CB_SAMIH", "L", ""])
def test_an_atc_code_under_a_name_of_the_senders_own_is_one_all_the_same(system: str) -> None:
    order = the_order(ORC, f"RXE||J06BA02^Inmunoglobulina humana^{system}|30||g")

    assert ("ATC", "J06BA02") in [(coding.system, coding.code) for coding in order.codings]


def test_a_code_of_a_known_system_is_no_atc_code() -> None:
    order = the_order(ORC, "RXE||J06BA02^Iets^SCT|30||g")

    assert [coding.system for coding in order.codings] == ["SNOMED"]


def test_the_order_of_an_infusion_pump_is_read_in_its_units() -> None:
    order = the_order(
        "ORC|RE|1^EPD",
        "RXG|1|||^Privigen 10%|300||263762^MDC_DIM_MILLI_L^MDC||||||||60|265266^MDC_DIM_MILLI_L_PER_HR^MDC",
    )

    assert ends(order.amount) == (300, 300, "mL")
    assert ends(order.dose) == (30, 30, "g")
    assert ends(order.rate) == (6, 6, "g/h")


@pytest.mark.parametrize("segment", [f"RXO|{IVIG}|||30||g", f"RXO|{IVIG}|||30|g", f"RXE||{IVIG}|||30||g"])
def test_an_amount_where_its_units_belong_is_read_with_the_unit_behind_it(segment: str) -> None:
    order = the_order(ORC, segment)

    assert ends(order.dose) == (30, 30, "g")
    assert "shifted_fields" in order.flags


def test_an_amount_where_its_units_belong_without_a_unit_is_none() -> None:
    assert the_order(ORC, f"RXO|{IVIG}|||30||INFVLST").dose is None


@pytest.mark.parametrize(("amount", "expected"), [("3", (10, 30, "g")), ("1", (10, 10, "g")), ("250", (10, 10, "g"))])
def test_so_many_of_a_unit_nobody_knows_may_be_so_many_of_what_the_name_holds(
    amount: str, expected: tuple[float, float, str]
) -> None:
    assert ends(the_order(ORC, f"RXE||^Privigen 10 g|{amount}||chai").dose) == expected
