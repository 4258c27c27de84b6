"""OBX, wherever it stands."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from clinical.events import Observation
from parsers.chart.observations import ucum_of
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, a_patient_message

OBR = "OBR|1|LB1^EPD|LIS1^LAB|STOL^Stolling^L|||20250310063000+0100|||||||||||||||20250310074400+0100||HM|F"


def results(*segments: str, kind: str = "ORU^R01") -> list[Observation]:
    events = read(a_patient_message(*segments, kind=kind), DEFAULTS).events
    return [event for event in events if isinstance(event, Observation)]


def an_obx(**fields: str) -> str:
    values = {2: "NM", 3: "6301-6^INR^LN", 5: "2.6", 6: "{INR}^^UCUM", 11: "F"}
    values.update({int(name[1:]): value for name, value in fields.items()})
    return "OBX|" + "|".join(values.get(number, "") for number in range(1, 20))


def test_a_result_is_known_by_order_test_and_time() -> None:
    (inr,) = results(OBR, an_obx(f7="0.9-1.2", f8="H", f14="20250310063000+0100"))

    assert inr.key == "LAB|LIS1/LOINC:6301-6//20250310T053000Z"
    assert inr.path == "OBX[1]-5"
    assert (inr.value, inr.number, inr.unit, inr.range, inr.abnormal) == (
        "2.6",
        Decimal("2.6"),
        "{INR}",
        "0.9-1.2",
        "H",
    )
    assert inr.at == datetime(2025, 3, 10, 6, 44, tzinfo=UTC)
    assert inr.taken is not None
    assert inr.taken.at == datetime(2025, 3, 10, 5, 30, tzinfo=UTC)


def test_a_correction_has_the_key_of_what_it_corrects() -> None:
    (first,) = results(OBR, an_obx(f14="20250310063000+0100"))
    (second,) = results(OBR, an_obx(f5="1.1", f6="", f11="C", f14="20250310063000"))

    assert (second.key, second.status) == (first.key, "corrected")


@pytest.mark.parametrize(
    ("sent", "status", "flags"),
    [
        ("F", "final", ()),
        ("U", "final", ()),
        ("A", "final", ()),
        ("C", "corrected", ()),
        ("P", "preliminary", ()),
        ("I", "preliminary", ()),
        ("D", "withdrawn", ()),
        ("W", "withdrawn", ()),
        ("X", "no_value", ()),
        ("O", "no_value", ()),
        ("", "final", ("result_status",)),
        ("Q", "final", ("result_status",)),
    ],
)
def test_the_status_decides_what_a_result_may_do(sent: str, status: str, flags: tuple[str, ...]) -> None:
    (result,) = results(OBR, an_obx(f11=sent))

    assert (result.status, result.flags) == (status, flags)


def test_the_orders_status_counts_only_when_the_result_has_none() -> None:
    preliminary = OBR[:-1] + "P"

    assert results(preliminary, an_obx(f11=""))[0].status == "preliminary"
    assert results(preliminary, an_obx(f11="F"))[0].status == "final"


@pytest.mark.parametrize("value", ["", '""'])
def test_a_final_result_without_a_value_overwrites_nothing(value: str) -> None:
    (result,) = results(OBR, an_obx(f5=value))

    assert (result.status, result.value, result.number) == ("no_value", "", None)


@pytest.mark.parametrize(
    ("kind", "sent", "value", "comparator", "number", "flags"),
    [
        ("NM", "2.6", "2.6", "", "2.6", ()),
        ("NM", "2,6", "2,6", "", "2.6", ()),
        ("NM", "<0.5", "<0.5", "<", "0.5", ()),
        ("NM", "> 5000", "> 5000", ">", "5000", ()),
        ("NM", "≥5", "≥5", ">=", "5", ()),
        ("NM", "-1.5", "-1.5", "", "-1.5", ()),
        ("NM", "1.250", "1.250", "", "1.25", ()),
        ("ST", "1.250", "1.250", "", "1.25", ("ambiguous_separator",)),
        ("NM", "2.6 H", "2.6 H", "", "2.6", ()),
        ("NM", "80 kg", "80 kg", "", "80", ()),
        ("NM", "positief", "positief", "", None, ("not_a_number",)),
        ("", "2.6", "2.6", "", "2.6", ()),
        ("ST", "negatief", "negatief", "", None, ()),
        ("SN", ">^5000", ">5000", ">", "5000", ()),
        ("SN", "^100^+", "100+", ">=", "100", ()),
        ("SN", "^5^-^10", "5-10", "", None, ("value_range",)),
        ("SN", "^1^:^128", "1:128", "", None, ("value_range",)),
        ("SN", ">5000", ">5000", ">", "5000", ()),
        ("SN", "<>^5", "<>5", "<>", "5", ()),
        ("TX", "line one~line two", "line one\nline two", "", None, ()),
        ("FT", "one\\.br\\two", "one\ntwo", "", None, ()),
        ("DT", "20250310", "20250310", "", None, ()),
        ("ED", "^application^pdf^Base64^JVBERi0=", "", "", None, ("attachment",)),
    ],
)
def test_a_value_is_read_by_its_type(
    kind: str, sent: str, value: str, comparator: str, number: str | None, flags: tuple[str, ...]
) -> None:
    (result,) = results(OBR, an_obx(f2=kind, f5=sent))

    assert result.value == value
    assert result.number == (Decimal(number) if number is not None else None)
    assert result.comparator == comparator
    assert result.flags == flags


def test_a_coded_value_keeps_its_codes() -> None:
    (result,) = results(OBR, an_obx(f2="CWE", f5="10828004^Positive^SCT~260385009^Negative^SCT"))

    assert result.value == "Positive\nNegative"
    assert [(each.system, each.code) for each in result.value_codings] == [
        ("SNOMED", "10828004"),
        ("SNOMED", "260385009"),
    ]


@pytest.mark.parametrize(
    ("segments", "taken"),
    [
        ((OBR, an_obx(f14="20250310060000")), datetime(2025, 3, 10, 5, tzinfo=UTC)),
        ((OBR, an_obx()), datetime(2025, 3, 10, 5, 30, tzinfo=UTC)),
        (("OBR|1||L1", an_obx(), "SPM|1" + "|" * 16 + "20250310050000"), datetime(2025, 3, 10, 4, tzinfo=UTC)),
        (("OBR|1||L1" + "|" * 19 + "20250310070000", an_obx()), datetime(2025, 3, 10, 6, tzinfo=UTC)),
    ],
)
def test_when_it_was_taken_comes_from_the_nearest_that_says(segments: tuple[str, ...], taken: datetime) -> None:
    (result,) = results(*segments)

    assert result.taken is not None
    assert result.taken.at == taken


def test_without_any_time_the_messages_own_is_taken_and_said() -> None:
    (weight,) = results(an_obx(f3="29463-7^Body weight^LN"), kind="ADT^A08")

    assert weight.taken is not None
    assert weight.taken.at == datetime(2025, 3, 10, 11, tzinfo=UTC)
    assert weight.flags == ("time_assumed",)


def test_a_weight_under_an_order_is_an_observation() -> None:
    order = ("ORC|NW|9^EPD|||||||20250310091400", "RXO|IVIG10^IVIG^L|32||g", "RXR|IV")

    (weight,) = results(*order, an_obx(f3="29463-7^Body weight^LN", f5="80", f6="kg"), kind="OMP^O09")

    assert (weight.number, weight.unit) == (Decimal(80), "kg")
    assert weight.at == datetime(2025, 3, 10, 8, 14, tzinfo=UTC)


def test_results_stay_with_their_own_order() -> None:
    keys = [
        each.key.split("/")[0] for each in results("OBR|1||A^L", an_obx(), "ORC|RE", "OBR|2||B^L", an_obx(), an_obx())
    ]

    assert keys == ["L|A", "L|B", "L|B"]


@pytest.mark.parametrize(
    ("sent", "unit"),
    [
        ("10^9/L", "10*9/L"),
        ("10\\S\\9/L", "10*9/L"),
        ("x 10^9/L", "10*9/L"),
        ("x10E9/L", "10*9/L"),
        ("µmol/l", "umol/L"),
        ("KG", "kg"),
        ("lbs", "[lb_av]"),
        ("g^gram^ISO+^kg^kilogram^UCUM", "kg"),
        ("^kg", "kg"),
        ("FU/zoveel", "FU/zoveel"),
        ("", ""),
    ],
)
def test_a_unit_is_spelled_as_in_ucum(sent: str, unit: str) -> None:
    assert results(OBR, an_obx(f6=sent))[0].unit == unit


def test_spelling_a_unit_changes_no_value() -> None:
    assert ucum_of("ml/min/1.73m²") == "mL/min/{1.73_m2}"
    assert ucum_of("ug/L FEU") == "ug/L{FEU}"


def test_an_obx_without_a_test_is_no_result() -> None:
    assert results(OBR, an_obx(f3="")) == []
