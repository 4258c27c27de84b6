"""What was really given."""

from decimal import Decimal
from pathlib import Path

import pytest

from clinical.events import MedicationGiven
from parsers.medication.administrations import read_administrations
from parsers.medication.rates import RateStep, of_administration
from parsers.reading import read
from tests.parsers.builders import DEFAULTS, HEADER, a_patient_message, parts_of

SAMPLES = Path(__file__).parents[2] / "samples"
IVIG = "J06BA02^Immunoglobuline iv 100 mg/ml^ATC"
ORC = "ORC|RE|900001^EPD|APO7001^APOTHEEK||IP||||20250310160500"


def given(*segments: str) -> list[MedicationGiven]:
    """The administrations in these segments of one patient."""
    message, parts = parts_of(a_patient_message(*segments, kind="RAS^O17"))
    return read_administrations(message, (), HEADER, parts, DEFAULTS)


def a_row(amount: str = "300", unit: str = "mL", number: int = 1, **fields: str) -> str:
    """An RXA from noon to four, with other fields by number: `f20="RE"`."""
    values = {1: "0", 2: str(number), 3: "20250310120000", 4: "20250310160000", 5: IVIG, 6: amount, 7: unit}
    values |= {int(name[1:]): value for name, value in fields.items()}
    return "RXA|" + "|".join(values.get(field, "") for field in range(1, 27))


def sample(number: str) -> list[MedicationGiven]:
    """The administrations of one sample; of the batch, those of its fourth message."""
    (path,) = SAMPLES.glob(f"{number}_*.hl7")
    raw = b"MSH" + path.read_bytes().split(b"\rMSH")[4] if number == "25" else path.read_bytes()
    return [event for event in read(raw, DEFAULTS).events if isinstance(event, MedicationGiven)]


def test_rows_of_one_infusion_are_its_steps() -> None:
    first, second = sample("12")

    assert [row.grams.high for row in (first, second) if row.grams] == [2, 30]
    assert [round(row.rate.high, 1) for row in (first, second) if row.rate] == [4, Decimal("8.6")]
    assert [route.code for row in (first, second) for route in row.routes] == ["IV", "IV"]  # one RXR serves both
    assert second.lots == ("LOT4711", "LOT4712")
    assert (first.key, second.key) == ("EPD|900001|0|1|20250310T110500Z", "EPD|900001|0|2|20250310T113500Z")


def test_the_steps_together_are_32_grams_with_their_peak() -> None:
    rows = sample("12")
    steps = [
        RateStep(row.grams, row.started.at, row.ended.at) for row in rows if row.grams and row.started and row.ended
    ]

    rate = of_administration(steps)

    assert sum(step.grams.high for step in steps) == 32
    assert rate.peak is not None
    assert round(rate.peak.high, 1) == Decimal("8.6")


def test_a_refused_infusion_is_no_grams() -> None:
    (row,) = sample("25")

    assert row.completion == "RE"
    assert row.grams is not None
    assert row.grams.high == 0
    assert row.rate is None


@pytest.mark.parametrize(
    ("completion", "amount", "grams"),
    [("CP", "300", 30), ("", "300", 30), ("PA", "120", 12), ("RE", "300", 0), ("NA", "300", 0), ("CP", "0", 0)],
)
def test_the_completion_status_decides_what_was_given(completion: str, amount: str, grams: int) -> None:
    (row,) = given(ORC, a_row(amount, f20=completion))

    assert row.grams is not None
    assert row.grams.high == grams


@pytest.mark.parametrize(("code", "action"), [("D", "delete"), ("A", "assert"), ("U", "assert"), ("", "assert")])
def test_a_row_is_taken_back_by_its_action_code(code: str, action: str) -> None:
    (row,) = given(ORC, a_row(f21=code))

    assert row.action == action


def test_a_row_that_is_taken_back_has_the_key_of_the_row_it_takes_back() -> None:
    (first,) = given(ORC, a_row(f22="20250310160500"))
    (taken_back,) = given(ORC, a_row(amount="0", f21="D", f22="20250310170000"))

    assert first.key == taken_back.key
    assert first.at is not None
    assert taken_back.at is not None
    assert first.at < taken_back.at


def test_999_is_how_the_standard_says_that_the_amount_was_not_recorded() -> None:
    (row,) = given(ORC, a_row("999"))

    assert row.grams is None
    assert row.flags == ("amount_not_recorded",)


@pytest.mark.parametrize(("ended", "rate"), [("20250310160000", "7.5"), ("20250310120000", None), ("", None)])
def test_a_row_without_a_length_has_no_rate(ended: str, rate: str | None) -> None:
    (row,) = given(ORC, a_row(f4=ended))

    assert (row.rate.high if row.rate else None) == (Decimal(rate) if rate else None)


def test_a_row_without_an_end_runs_as_fast_as_it_was_to_be_given() -> None:
    (row,) = given(ORC, a_row(f4="", f12="H3"))

    assert row.rate is not None
    assert (row.rate.high, row.rate.unit) == (Decimal(10), "g/h")


def test_packages_that_were_given_are_counted_by_what_one_holds() -> None:
    (row,) = given(ORC, a_row("3", "FLES", f5="X^Privigen 100 mg/ml flacon 100 ml^L"))

    assert row.grams is not None
    assert row.grams.high == 30


def test_an_administration_without_an_order_still_has_a_key() -> None:
    (row,) = given(a_row())

    assert row.keys.placer == ""
    assert row.key == "J06BA02|0|1|20250310T110000Z"


def test_an_amount_per_kilogram_was_not_given_like_that() -> None:
    (row,) = given(ORC, a_row("0.4", "g/kg"))

    assert row.grams is None
    assert row.flags == ("per_kg_given",)
