"""A hospital chooses otherwise: what it reads of SCIg, and who is at risk; seen before it is taken over."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ivigilant.errors import UnusableSite
from ivigilant.knowledge.backtest import backtest, needs_messages
from ivigilant.knowledge.differences import differences
from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.settings import Settings
from ivigilant.site import PolicySection, SiteFile, load_site
from rules.knowledge import Knowledge
from rules.load import load_knowledge, read_files
from store.engine import reading
from synthetic.medicines import HIZENTRA, IVIG
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import DVT_LEG, HYPERTENSION, OBESITY
from tests.journeys.bedside import DAY, Bedside
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of
from tests.knowledge_folders import a_copy, edit
from worker.histories import StoredHistories


def asking() -> Knowledge:
    return load_knowledge(chosen={"scig_prior_vte": "information"})


def orders_hizentra_after_a_dvt(ward: Bedside) -> None:
    chart = ward.patient("F", 50)
    chart.has_problem(DVT_LEG, ward.now - DAY, onset=ward.now - 400 * DAY, past=True)
    ward.orders(Prescription("81", HIZENTRA, Schedule(ward.now, "Once", 1), "10", "g"))


def test_scig_after_a_thrombosis_has_no_answer_unless_it_was_chosen(hospital: Hospital) -> None:
    with pharmacist_of(hospital) as pharmacist:
        ward = Bedside(hospital, pharmacist)
        orders_hizentra_after_a_dvt(ward)

        assert (pharmacist.answers("81"), ward.inbox()) == ([], [])


def test_where_it_was_chosen_it_is_shown_with_the_order_and_never_pushed(engine: sa.Engine) -> None:
    hospital = Hospital(engine, asking())
    with pharmacist_of(hospital) as pharmacist:
        ward = Bedside(hospital, pharmacist)
        orders_hizentra_after_a_dvt(ward)

        (answer,) = pharmacist.answers("81")
        assert (answer["tier"], answer["priority"]) == ("information", "passive")
        assert [finding["rule"] for finding in answer["findings"]] == ["IG-VTE-027"]
        assert hospital.inbox() == []


def test_scig_that_was_chosen_to_be_answered_is_no_dose_of_ivig(engine: sa.Engine) -> None:
    hospital = Hospital(engine, asking())
    with pharmacist_of(hospital) as pharmacist:
        ward = Bedside(hospital, pharmacist)
        chart = ward.patient("F", 50)
        chart.diagnosed(ward.now - DAY, HYPERTENSION)
        given = Prescription("82", HIZENTRA, Schedule(ward.now - 7 * DAY, "Once", 1), "10", "g")
        chart.ordered(given, "RDE")
        chart.infused(given, ward.now - 7 * DAY, 1, "10")
        ward.orders(Prescription("83", IVIG, Schedule(ward.now, "Once", 1), "0.4", "g/kg", rate="50"), weight="70")

        assert ward.rules() == {"IG-VTE-007", "IG-VTE-022"}


def test_more_points_are_seen_to_lose_alerts_before_they_are_asked_for(hospital: Hospital, tmp_path: Path) -> None:
    own = a_copy(tmp_path / "own")
    edit(own, "policy.yaml", "at_risk_from: 1", "at_risk_from: 2")
    edit(own, "policy.yaml", "moderate_from_points: 2", "moderate_from_points: 5")
    with pharmacist_of(hospital) as pharmacist:
        ward = Bedside(hospital, pharmacist)
        ward.patient("F", 50).diagnosed(ward.now - DAY, OBESITY)
        ward.orders(Prescription("84", IVIG, Schedule(ward.now, "Once", 1), "1", "g/kg", rate="50"), weight="70")

    new = load_knowledge(own)
    with reading(hospital.engine) as connection:
        histories = StoredHistories(connection, hospital.site, needs_messages(hospital.knowledge, new))
        found = backtest(histories, hospital.knowledge, new)
    (told,) = differences(read_files(), read_files(own))

    assert (found.burden_before.alerts_per_hundred, found.burden_after.alerts_per_hundred) == (100.0, 0.0)
    assert {rule.rule for rule in found.rules if rule.changed_tier} == {"IG-VTE-007", "IG-VTE-008"}
    assert told.name == "policy.yaml"
    assert told.lines == ("choices at_risk_from: 1 → 2", "choices moderate_from_points: 2 → 5")


def test_the_site_file_chooses(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("policy: {at_risk_from: 2, scig_prior_vte: off}\n", encoding="utf-8")

    site = load_site(file)

    assert site.policy == PolicySection(at_risk_from=2, scig_prior_vte="off")
    assert site_knowledge(Settings(), site).version != site_knowledge(Settings(), SiteFile()).version


@pytest.mark.parametrize("chosen", ["at_risk_from: 0", "scig_prior_vte: always", "at_risk: 2"])
def test_a_choice_that_there_is_not_stops_the_start_at_its_line(tmp_path: Path, chosen: str) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"name: Z\npolicy:\n  {chosen}\n", encoding="utf-8")

    with pytest.raises(UnusableSite, match=r"site\.yaml:3: policy\."):
        load_site(file)
