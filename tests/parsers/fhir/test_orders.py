"""Orders in FHIR and their timings."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.events import MedicationOrdered
from clinical.timings import Timing
from tests.parsers.fhir.builders import (
    IVIG,
    SNOMED,
    Json,
    a_dosage,
    an_order,
    concept,
    events_of,
    one_of,
    quantity,
    reading_of,
)


def timing_of(repeat: dict[str, Any] | None = None, code: str = "", **elements: Any) -> Timing:
    (found,) = one_of(MedicationOrdered, an_order(a_dosage(quantity(40, "g"), repeat, code, **elements))).timings
    return found


def every_hours(timing: Timing) -> Decimal | None:
    return None if timing.period_hours is None else timing.period_hours / timing.per_period


@pytest.mark.parametrize(
    ("repeat", "hours"),
    [
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, 24),
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, 8),
        ({"frequency": 5, "period": 1, "periodUnit": "d"}, "4.8"),
        ({"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"}, 12),
        ({"frequency": 1, "period": 4, "periodUnit": "wk"}, 672),
        ({"frequency": 2, "period": 1, "periodUnit": "wk"}, 84),
        ({"frequency": 2, "period": 4, "periodUnit": "wk"}, 336),
        ({"period": 1, "periodUnit": "mo"}, 720),
        ({"period": 1, "periodUnit": "a"}, 8640),
        ({"period": 6, "periodUnit": "h"}, 6),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00", "20:00:00"]}, 12),
        ({"timeOfDay": ["08:00:00", "20:00:00"]}, 12),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "when": ["MORN", "EVE"]}, 12),
        ({"dayOfWeek": ["mon"]}, 168),
        ({"dayOfWeek": ["fri", "mon", "wed"], "frequency": 1, "period": 1, "periodUnit": "d"}, 56),
        ({"dayOfWeek": ["mon"], "frequency": 1, "period": 4, "periodUnit": "wk"}, 672),
    ],
)
def test_how_often_is_what_frequency_and_period_make(repeat: dict[str, Any], hours: Any) -> None:
    found = timing_of(repeat)

    assert every_hours(found) == Decimal(hours)
    assert "period_conflict" not in found.flags


@pytest.mark.parametrize(("code", "hours"), [("QD", 24), ("BID", 12), ("TID", 8), ("QID", 6), ("Q4H", 4), ("QOD", 48)])
def test_a_code_alone_says_how_often(code: str, hours: int) -> None:
    assert every_hours(timing_of(code=code)) == hours


def test_a_code_and_numbers_that_say_the_same_are_no_conflict() -> None:
    found = timing_of({"frequency": 3, "period": 1, "periodUnit": "d"}, "TID")

    assert (found.pattern, every_hours(found), found.flags) == ("TID", Decimal(8), ("open_ended",))


def test_a_code_and_numbers_that_differ_are_told_and_the_numbers_count() -> None:
    found = timing_of({"frequency": 1, "period": 4, "periodUnit": "wk"}, "QD")

    assert every_hours(found) == 672
    assert "period_conflict" in found.flags


def test_weekdays_are_those_of_the_week() -> None:
    assert timing_of({"dayOfWeek": ["sun", "mon"], "period": 1, "periodUnit": "wk"}).pattern == "Q1J17"


@pytest.mark.parametrize(
    "bounds",
    [
        {"boundsPeriod": {"start": "2026-01-01", "end": "2026-01-05"}},
        {"boundsDuration": quantity(5, "d")},
        {"boundsRange": {"low": quantity(3, "d"), "high": quantity(5, "d")}},
        {"count": 5},
        {"count": 3, "countMax": 5},
    ],
)
def test_how_many_times_follows_from_its_bounds_or_its_count(bounds: dict[str, Any]) -> None:
    assert timing_of({"frequency": 1, "period": 1, "periodUnit": "d"} | bounds).occurrences == (5, 5)


def test_how_long_one_infusion_lasts_is_its_duration() -> None:
    repeat = {"period": 4, "periodUnit": "wk", "duration": 240, "durationUnit": "min"}

    assert timing_of(repeat).occurrence_hours == 4


def test_moments_are_counted_and_their_distance_is_the_period() -> None:
    told = {"event": ["2026-01-29", "2026-01-01", "2026-02-26"]}

    found = timing_of(timing=told)

    assert (found.occurrences, found.period_hours) == ((3, 3), Decimal(672))
    assert found.starts is not None
    assert found.starts.at.isoformat()[:10] == "2025-12-31"


@pytest.mark.parametrize("needed", [{"asNeededBoolean": True}, {"asNeededCodeableConcept": {"text": "bij pijn"}}])
def test_as_needed_is_told(needed: dict[str, Any]) -> None:
    assert "prn" in timing_of({"frequency": 2, "period": 1, "periodUnit": "d"}, **needed).flags


@pytest.mark.parametrize(
    ("text", "hours", "times"),
    [("40 gram 1x per 4 weken", 672, None), ("0,4 g/kg/dag gedurende 5 dagen", 24, (5, 5)), ("om de dag", 48, None)],
)
def test_a_schedule_in_dutch_words_is_read(text: str, hours: int, times: tuple[int, int] | None) -> None:
    (found,) = one_of(MedicationOrdered, an_order({"text": text})).timings

    assert (every_hours(found), found.occurrences) == (Decimal(hours), times)
    assert "pattern_from_text" in found.flags


def test_dosages_are_followed_in_their_sequence_and_keep_their_places() -> None:
    later = a_dosage(quantity(20, "g"), {"period": 1, "periodUnit": "d"}, sequence=2)
    first = a_dosage(quantity(40, "g"), {"period": 2, "periodUnit": "d"}, sequence=1)

    found = one_of(MedicationOrdered, an_order(later, first))

    assert [each.path for each in found.timings] == [f"MedicationRequest.dosageInstruction[{n}].timing" for n in (1, 0)]
    assert found.amount is not None
    assert (found.amount.low, found.amount.basis[:38]) == (Decimal(40), "MedicationRequest.dosageInstruction[1]")


COURSE = {"value": 2, "unit": "g/kg/kuur", "code": "g/kg", "system": "http://unitsofmeasure.org"}


@pytest.mark.parametrize("intent", ["order", "original-order", "reflex-order", "filler-order", "instance-order"])
@pytest.mark.parametrize(
    ("status", "told"),
    [("active", "A"), ("on-hold", "HD"), ("cancelled", "CA"), ("completed", "CM"), ("stopped", "DC"), ("unknown", "A")],
)
def test_an_order_has_the_status_that_messages_give_it(intent: str, status: str, told: str) -> None:
    found = one_of(MedicationOrdered, an_order(intent=intent, status=status))

    assert (found.status, found.control, found.source) == (told, "SC", "request")


@pytest.mark.parametrize(
    "elements",
    [{"intent": "proposal"}, {"intent": "plan"}, {"intent": "option"}, {"status": "draft"}, {"doNotPerform": True}],
)
def test_what_nobody_ordered_is_no_order(elements: Json) -> None:
    assert reading_of(an_order(**elements)).ignored == "unknown_type"


def test_what_was_entered_in_error_is_told_as_an_order_of_nothing() -> None:
    found = one_of(MedicationOrdered, an_order(a_dosage(quantity(40, "g")), status="entered-in-error"))

    assert (found.status, found.source, found.codings, found.text) == ("ER", "control", (), "")


@pytest.mark.parametrize(
    ("dose", "low", "high", "unit"),
    [
        (quantity(40, "g"), "40", "40", "g"),
        (quantity(40000, "mg"), "40", "40", "g"),
        (quantity(400, "mL"), "40", "40", "g"),
        (quantity(0.4, "g/kg"), "0.4", "0.4", "g/kg"),
        (quantity(400, "mg/kg"), "0.4", "0.4", "g/kg"),
        (COURSE, "0.4", "2", "g/kg"),
    ],
)
def test_a_dose_is_in_grams_whatever_it_was_ordered_in(dose: Json, low: str, high: str, unit: str) -> None:
    found = one_of(MedicationOrdered, an_order(a_dosage(dose, {"period": 1, "periodUnit": "d", "count": 5})))

    assert found.dose is not None
    assert (found.dose.low, found.dose.high, found.dose.unit) == (Decimal(low), Decimal(high), unit)


def test_a_range_of_doses_is_an_interval() -> None:
    told = {"doseAndRate": [{"doseRange": {"low": quantity(30, "g"), "high": quantity(40, "g")}}]}

    dose = one_of(MedicationOrdered, an_order(told)).dose

    assert dose is not None
    assert (dose.low, dose.high) == (Decimal(30), Decimal(40))
    assert dose.basis == "MedicationRequest.dosageInstruction[0].doseAndRate[0].doseRange"


@pytest.mark.parametrize(
    "rate",
    [
        {"rateQuantity": quantity(100, "mL/h")},
        {"rateRatio": {"numerator": quantity(400, "mL"), "denominator": quantity(4, "h")}},
        {"rateRange": {"low": quantity(50, "mL/h"), "high": quantity(100, "mL/h")}},
    ],
)
def test_a_rate_is_in_grams_by_the_strength_in_the_name(rate: Json) -> None:
    peak = one_of(MedicationOrdered, an_order({"doseAndRate": [{"doseQuantity": quantity(40, "g")} | rate]})).rate

    assert peak is not None
    assert (peak.high, peak.unit) == (Decimal(10), "g/h")


def test_a_dose_and_a_rate_may_stand_apart() -> None:
    told = [{"rateQuantity": quantity(100, "mL/h")}, {"doseQuantity": quantity(40, "g")}]

    found = one_of(MedicationOrdered, an_order({"doseAndRate": told}))

    assert found.amount is not None
    assert found.amount.basis == "MedicationRequest.dosageInstruction[0].doseAndRate[1].doseQuantity"
    assert found.rate is not None


def test_of_several_rates_the_highest_is_the_peak() -> None:
    steps = [a_dosage(quantity(40, "g"), None), {"doseAndRate": [{"rateQuantity": quantity(200, "mL/h")}]}]
    steps[0]["doseAndRate"][0]["rateQuantity"] = quantity(50, "mL/h")

    found = one_of(MedicationOrdered, an_order(*steps))

    assert found.rate is not None
    assert (found.rate.high, found.rate_mean) == (Decimal(20), None)


def test_a_dose_in_dutch_words_alone_is_read() -> None:
    found = one_of(MedicationOrdered, an_order({"text": "0,4 g/kg per dag, 5 dagen"}))

    assert found.dose is not None
    assert (found.dose.low, found.dose.unit, "dose_from_text" in found.dose.flags) == (Decimal("0.4"), "g/kg", True)
    assert found.instructions == "0,4 g/kg per dag, 5 dagen"


def test_without_dosage_nothing_is_guessed() -> None:
    found = one_of(MedicationOrdered, an_order(medicationCodeableConcept=concept(("x", "y"))))

    assert (found.dose, found.amount, found.timings, found.rate) == (None, None, (), None)
    assert "amount_missing" in found.flags
    assert "schedule_missing" in found.flags


def test_route_and_reason_are_kept() -> None:
    route = concept(("http://standardterms.edqm.eu", "20045000"), shown="IV")

    found = one_of(MedicationOrdered, an_order(a_dosage(route=route), reasonCode=[concept((SNOMED, "128053003"))]))
    subcutaneous = one_of(MedicationOrdered, an_order(a_dosage(route={"text": "subcutaan"})))

    assert (found.routes[0].system, found.routes[0].code) == ("EDQM", "20045000")
    assert found.indications[0].code == "128053003"
    assert (subcutaneous.routes[0].system, subcutaneous.routes[0].code) == ("", "subcutaan")


def test_a_reason_in_words_alone_is_an_indication() -> None:
    found = one_of(MedicationOrdered, an_order(a_dosage(), reasonCode=[{"text": "Guillain-Barré"}]))

    assert [(each.system, each.display) for each in found.indications] == [("", "Guillain-Barré")]


def test_it_goes_by_its_number_and_its_id_and_names_what_came_before() -> None:
    order = an_order(
        identifier=[{"system": "urn:oid:1.2"}, {"system": "urn:oid:1.2", "value": "900001"}],
        priorPrescription={"reference": "https://fhir.example/MedicationRequest/m0"},
    )

    keys = one_of(MedicationOrdered, order).keys

    assert (keys.placer, keys.filler) == ("urn:oid:1.2|900001", "FHIR import|MedicationRequest/m1")
    assert keys.replaces == "FHIR import|MedicationRequest/m0"


def test_it_starts_when_its_schedule_does_else_when_it_was_written() -> None:
    bounds = {"boundsPeriod": {"start": "2026-02-01"}, "period": 1, "periodUnit": "d"}
    scheduled = one_of(MedicationOrdered, an_order(a_dosage(None, bounds), authoredOn="2026-01-01"))
    written = one_of(MedicationOrdered, an_order(authoredOn="2026-01-01"))

    assert scheduled.starts is not None
    assert scheduled.starts.at.isoformat()[:10] == "2026-01-31"
    assert written.starts is not None
    assert written.starts.at.isoformat()[:10] == "2025-12-31"


def test_an_order_that_names_nobody_is_unreadable_only_when_it_is_an_order() -> None:
    nameless = an_order(intent="plan", medicationCodeableConcept=IVIG)
    del nameless["subject"]

    assert events_of(nameless) == ()
