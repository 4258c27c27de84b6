"""The published cases, each at the moment its IVIg was ordered: what a pharmacist would have seen."""

from collections.abc import Iterator

import pytest

from synthetic.medicines import (
    APIXABAN,
    ASPIRIN,
    IVIG,
    METHYLPREDNISOLONE,
    PREDNISONE,
    WARFARIN,
)
from synthetic.messages import Result
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import (
    APTT,
    CIDP,
    DVT_ARM,
    DVT_LEG,
    EMBOLISM,
    EVANS,
    FACTOR_V_LEIDEN,
    HODGKIN,
    HYPERTENSION,
    IMMOBILITY,
    INR,
    ITP,
    JUGULAR,
    OBESITY,
    SKIN_DISEASE,
    VENOUS_THROMBOSIS,
    VISCOSITY,
)
from tests.journeys.bedside import DAY, HOUR, Bedside
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of


@pytest.fixture
def ward(hospital: Hospital) -> Iterator[Bedside]:
    with pharmacist_of(hospital) as pharmacist:
        yield Bedside(hospital, pharmacist)


def test_paran_1_an_earlier_dvt_obese_and_immobile(ward: Bedside) -> None:
    chart = ward.patient("F", 41)
    chart.diagnosed(ward.now - DAY, OBESITY, IMMOBILITY)
    chart.has_problem(DVT_LEG, ward.now - DAY, past=True)

    ward.orders(Prescription("11", IVIG, Schedule(ward.now, "QD", 3), "0.7", "g/kg"))

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-001", "IG-VTE-007", "IG-VTE-009", "IG-VTE-016"} <= ward.rules()


def test_paran_2_one_low_dose_is_enough_with_an_earlier_dvt_and_factor_v_leiden(ward: Bedside) -> None:
    chart = ward.patient("M", 65)
    chart.has_problem(DVT_LEG, ward.now - DAY, past=True)
    chart.has_problem(FACTOR_V_LEIDEN, ward.now - DAY)

    ward.orders(Prescription("12", IVIG, Schedule(ward.now, "Once", 1), "0.4", "g/kg"))

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-001", "IG-VTE-004", "IG-VTE-016"} <= ward.rules()


def test_vucic_a_normal_viscosity_does_not_clear_who_clotted_after_ivig_before(ward: Bedside) -> None:
    chart = ward.patient("U", None)
    earlier = Prescription("13E", IVIG, Schedule(ward.now - 200 * DAY), "0.4", "g/kg")
    chart.infused(earlier, ward.now - 200 * DAY, 3, "30")
    chart.has_problem(DVT_ARM, ward.now - DAY, onset=ward.now - 195 * DAY)
    chart.measured(ward.now - DAY, Result(VISCOSITY, "1.4", "cP", "1.5-1.9"))

    ward.orders(Prescription("13", IVIG, Schedule(ward.now, "Once", 1), "0.4", "g/kg", rate="100"))

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-001", "IG-VTE-003", "IG-VTE-013"} <= ward.rules()


def test_butler_an_inr_below_2_on_warfarin_is_no_protection_nor_is_a_long_aptt(ward: Bedside) -> None:
    chart = ward.patient("U", 55)
    began = ward.now - 120 * DAY
    chart.infused(Prescription("14E", IVIG, Schedule(began)), began, 4, "")
    chart.has_problem(DVT_LEG, ward.now - DAY, onset=began + 10 * DAY)
    chart.ordered(Prescription("14W", WARFARIN, Schedule(began + 11 * DAY), "5", "mg"), "RDE")
    chart.measured(ward.now - DAY, Result(INR, "1.73", "{INR}"), Result(APTT, "45.7", "s", "21-35"))

    ward.orders(Prescription("14", IVIG, Schedule(ward.now, "QW", 4)))

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-001", "IG-VTE-003", "IG-VTE-015", "IG-VTE-025", "IG-DATA-030"} <= ward.rules()


def test_emerson_1_no_thrombosis_before_but_obese_immobile_on_prednisone_and_fast(ward: Bedside) -> None:
    chart = ward.patient("F", 54)
    chart.diagnosed(ward.now - DAY, ITP, OBESITY, IMMOBILITY)
    chart.ordered(Prescription("17P", PREDNISONE, Schedule(ward.now - DAY), "60", "mg"), "RDE")

    ward.orders(Prescription("17", IVIG, Schedule(ward.now, "Q5D", 2), "1", "g/kg", give_per="H5", indication=ITP))

    assert ward.inbox() == [("high", "prompt")]
    assert {"IG-VTE-007", "IG-VTE-008", "IG-VTE-013", "IG-VTE-017", "IG-VTE-022"} <= ward.rules()


def test_emerson_2_five_days_with_high_dose_steroids_add_up(ward: Bedside) -> None:
    chart = ward.patient("F", 33)
    chart.diagnosed(ward.now - DAY, EVANS, OBESITY)
    chart.ordered(Prescription("18M", METHYLPREDNISOLONE, Schedule(ward.now, "QD", 5), "1000", "mg"), "RDE")

    ward.orders(Prescription("18", IVIG, Schedule(ward.now, "QD", 5), "0.4", "g/kg", give_per="H5"))

    assert ward.inbox() == [("high", "prompt")]
    assert {"IG-VTE-007", "IG-VTE-009", "IG-VTE-010", "IG-VTE-017"} <= ward.rules()


def test_emerson_3_the_fatal_course_five_months_after_a_thrombosis_that_followed_ivig(ward: Bedside) -> None:
    chart = ward.patient("F", 33)
    chart.diagnosed(ward.now - DAY, EVANS, OBESITY)
    chart.infused(Prescription("19E", IVIG, Schedule(ward.now - 157 * DAY)), ward.now - 157 * DAY, 5, "30")
    chart.has_problem(VENOUS_THROMBOSIS, ward.now - DAY, onset=ward.now - 150 * DAY)
    chart.ordered(Prescription("19M", METHYLPREDNISOLONE, Schedule(ward.now, "QD", 5), "1000", "mg"), "RDE")

    ward.orders(Prescription("19", IVIG, Schedule(ward.now, "QD", 5), "30"))

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-001", "IG-VTE-003", "IG-VTE-010", "IG-VTE-016", "IG-VTE-017"} <= ward.rules()
    assert "after" in ward.text()


def test_katz_a_woman_of_65_without_any_history_at_8_g_per_hour(ward: Bedside) -> None:
    chart = ward.patient("F", 65)
    chart.diagnosed(ward.now - 3 * HOUR, SKIN_DISEASE)

    ward.orders(Prescription("21", IVIG, Schedule(ward.now, "QD", 2), "1", "g/kg", rate="20-80"))

    assert ward.inbox() == [("high", "prompt")]
    assert {"IG-VTE-008", "IG-VTE-009", "IG-VTE-013"} <= ward.rules()


def test_bilal_aspirin_is_no_anticoagulant(ward: Bedside) -> None:
    chart = ward.patient("M", 57)
    chart.diagnosed(ward.now - DAY, HYPERTENSION, HODGKIN)
    chart.ordered(Prescription("30A", ASPIRIN, Schedule(ward.now - 300 * DAY), "80", "mg"), "RDE")

    ward.orders(Prescription("30", IVIG, Schedule(ward.now, "Once", 1), "40", rate="50"))

    assert ward.inbox() == [("high", "prompt")]
    assert {"IG-VTE-007", "IG-VTE-011", "IG-DATA-030"} <= ward.rules()


def test_the_husband_of_the_forum_gets_his_next_course_from_the_bed_he_lies_in_with_a_clot(ward: Bedside) -> None:
    chart = ward.patient("M", None)
    chart.diagnosed(ward.now - DAY, CIDP)
    chart.infused(Prescription("40E", IVIG, Schedule(ward.now - 7 * DAY)), ward.now - 7 * DAY, 4, "30")
    chart.has_problem(EMBOLISM, ward.now - 3 * DAY, onset=ward.now - 4 * DAY)
    chart.has_problem(DVT_LEG, ward.now - 3 * DAY, onset=ward.now - 4 * DAY)
    chart.ordered(Prescription("40A", APIXABAN, Schedule(ward.now - 4 * DAY, "BID"), "10", "mg"), "RDE")

    ward.orders(Prescription("40", IVIG, Schedule(ward.now, "QD", 5), indication=CIDP))

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-002", "IG-VTE-003", "IG-VTE-010"} <= ward.rules()


def test_the_man_of_the_forum_with_a_clot_in_the_neck_under_ivig_is_not_cleared_by_his_blood_thinner(
    ward: Bedside,
) -> None:
    chart = ward.patient("M", None)
    chart.infused(Prescription("47E", IVIG, Schedule(ward.now - 210 * DAY)), ward.now - 210 * DAY, 4, "32")
    chart.has_problem(JUGULAR, ward.now - DAY, onset=ward.now - 200 * DAY)
    chart.ordered(Prescription("47A", APIXABAN, Schedule(ward.now - 199 * DAY, "BID"), "5", "mg"), "RDE")

    ward.orders(Prescription("47", IVIG, Schedule(ward.now, "Q2W", 1), "0.4", "g/kg"), weight="80")

    assert ward.inbox() == [("contraindication", "urgent")]
    assert {"IG-VTE-001", "IG-VTE-003"} <= ward.rules()
