"""A pharmacist changes a rule: she sees what it would have done, and it works without a restart."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console

from ivigilant.knowledge.backtest import (
    Comparison,
    as_json,
    as_page,
    backtest,
    holds,
    moved,
    needs_messages,
    sampled,
    show,
)
from rules.knowledge import Knowledge
from rules.living import LivingKnowledge
from rules.load import load_knowledge
from store.engine import reading
from synthetic.medicines import IVIG, WARFARIN, Drug
from synthetic.messages import Result
from synthetic.prescriptions import Prescription, Schedule
from synthetic.terms import HYPERTENSION, INR, OBESITY
from synthetic.wire import SentCode
from tests.journeys.bedside import DAY, Bedside
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of
from tests.knowledge_folders import a_copy, edit
from worker.histories import StoredHistories

RULE = "library/ig-vte-015.yaml"
HOUSE_CODE = Drug(SentCode("IG10", "INFUUSZAK HUISMERK 100MG/ML", "99ZKH"))
OWN_CODE = "codes:\n  - {system: 99ZKH, code: IG10, match: exact, display: own IVIg, source: house, checked: yes}\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return a_copy(tmp_path / "own")


@pytest.fixture
def ward(hospital: Hospital) -> Iterator[Bedside]:
    with pharmacist_of(hospital) as pharmacist:
        yield Bedside(hospital, pharmacist)


def lower_the_inr_limit(folder: Path) -> None:
    edit(folder, RULE, "latest: inr, below: 2.0", "latest: inr, below: 1.8")
    edit(folder, RULE, "numbers: [2.0]", "numbers: [1.8]")


def an_order_at_inr_1_9(ward: Bedside) -> None:
    chart = ward.patient("M", 60)
    chart.diagnosed(ward.now - DAY, HYPERTENSION)
    chart.ordered(Prescription("W1", WARFARIN, Schedule(ward.now - 90 * DAY), "5", "mg"), "RDE")
    chart.measured(ward.now - DAY, Result(INR, "1.9", "{INR}"))
    ward.orders(Prescription("77", IVIG, Schedule(ward.now, "Once", 1), "0.4", "g/kg"), weight="80")


def compared(hospital: Hospital, new: Knowledge) -> Comparison:
    with reading(hospital.engine) as connection:
        histories = StoredHistories(connection, hospital.site, needs_messages(hospital.knowledge, new))
        return backtest(histories, hospital.knowledge, new)


def rows_of(engine: sa.Engine) -> dict[str, int]:
    with reading(engine) as connection:
        names = sa.inspect(connection).get_table_names()
        return {name: connection.execute(sa.text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}


def test_a_lower_inr_limit_is_seen_to_lose_an_alert_before_it_is_taken_over(ward: Bedside, own: Path) -> None:
    an_order_at_inr_1_9(ward)
    lower_the_inr_limit(own)
    before = rows_of(ward.hospital.engine)

    found = compared(ward.hospital, load_knowledge(own))

    (rule,) = found.rules
    assert (rule.rule, rule.lost, rule.new, rule.orders_lost) == ("IG-VTE-015", 1, 0, ["77"])
    assert (found.burden_before.per_hundred("high"), found.burden_after.per_hundred("high")) == (100.0, 0.0)
    (sample,) = found.samples
    assert sample.before and "IG-VTE-015 high" in sample.before.rules
    assert sample.after and not [rule for rule in sample.after.rules if rule.startswith("IG-VTE-015")]
    assert f"<td>77</td><td>{sampled(sample.before)}</td><td>{sampled(sample.after)}</td>" in as_page(found)
    assert rows_of(ward.hospital.engine) == before


def test_a_rule_that_only_disturbs_otherwise_changes_an_answer_too(ward: Bedside) -> None:
    an_order_at_inr_1_9(ward)
    quieter = load_knowledge(chosen={"rule_channels": {"IG-VTE-015": "worklist"}})

    found = compared(ward.hospital, quieter)

    (sample,) = found.samples
    assert sample.before and sample.after
    assert (sample.before.channel, sample.after.channel) == ("interrupt", "worklist")
    assert (found.orders_changed, found.rules) == (1, ())
    assert "<td>77</td>" in as_page(found)


def test_a_product_code_of_the_house_is_seen_to_add_the_orders_nobody_recognised(ward: Bedside, own: Path) -> None:
    chart = ward.patient("F", 70)
    chart.diagnosed(ward.now - DAY, OBESITY)
    ward.orders(Prescription("78", HOUSE_CODE, Schedule(ward.now, "Once", 1), "40"))
    edit(own, "value_sets/intravenous-immunoglobulin.yaml", "codes:\n", OWN_CODE)

    found = compared(ward.hospital, load_knowledge(own))

    assert ward.inbox() == []
    assert (found.burden_before.orders, found.burden_after.orders) == (0, 1)
    assert "IG-VTE-007" in {rule.rule for rule in found.rules if rule.orders_new == ["78"]}


def test_the_same_rules_change_nothing(ward: Bedside, own: Path) -> None:
    an_order_at_inr_1_9(ward)

    found = compared(ward.hospital, load_knowledge(own))

    assert found.is_the_same
    assert not found.from_messages
    assert moved(found) == []
    assert found.disturbed_before.first == found.disturbed_after.first


def test_other_limits_are_seen_to_disturb_less_and_to_let_published_cases_fall(ward: Bedside) -> None:
    chart = ward.patient("F", 70)
    chart.diagnosed(ward.now - DAY, OBESITY)
    for number, starts in (("81", ward.now), ("82", ward.now + 28 * DAY)):
        ward.orders(Prescription(number, IVIG, Schedule(starts, "Once", 1), "0.4", "g/kg", rate="60"), weight="70")

    found = compared(ward.hospital, load_knowledge(chosen={"moderate_from_points": 3}))

    assert (found.disturbed_before.first["worklist"], found.disturbed_after.first["worklist"]) == (100.0, 0.0)
    assert (found.disturbed_before.said["worklist"], found.disturbed_after.said["worklist"]) == (50.0, 0.0)
    assert "gonul-2017" in [each.case for each in moved(found)]
    assert holds(found, "worklist")[1] < holds(found, "worklist")[0]
    assert holds(found, "interrupt")[0] == holds(found, "interrupt")[1]
    assert "gonul-2017: worklist" in as_page(found)
    show(found, console := Console(record=True, width=160, file=StringIO()))
    assert "gonul-2017: worklist → with-order" in console.export_text()


def test_the_page_and_the_json_tell_the_same(ward: Bedside, own: Path) -> None:
    an_order_at_inr_1_9(ward)
    lower_the_inr_limit(own)
    found = compared(ward.hospital, load_knowledge(own))

    page, told = as_page(found), as_json(found)

    assert "IG-VTE-015" in page
    assert told["rules"][0]["orders_lost"] == ["77"]
    assert told["burden_after"]["alerts_per_100_orders"]["high"] == 0.0


def test_a_change_works_without_a_restart_and_answers_name_the_new_version(ward: Bedside, own: Path) -> None:
    seconds = [0.0]
    living = LivingKnowledge(own, lambda: load_knowledge(own), lambda: seconds[0])
    ward.hospital.uses(living)
    an_order_at_inr_1_9(ward)
    (first,) = ward.pharmacist.answers("77")

    lower_the_inr_limit(own)
    seconds[0] += 2
    ward.chart.diagnosed(ward.now, OBESITY)
    ward.sends()

    latest = ward.pharmacist.answers("77")[0]
    assert "IG-VTE-015" in {finding["rule"] for finding in first["findings"]}
    assert "IG-VTE-015" not in {finding["rule"] for finding in latest["findings"]}
    assert latest["knowledge"] == load_knowledge(own).version != first["knowledge"]


def test_a_faulty_change_is_not_used(ward: Bedside, own: Path) -> None:
    seconds = [0.0]
    living = LivingKnowledge(own, lambda: load_knowledge(own), lambda: seconds[0])
    ward.hospital.uses(living)
    before = living.current().version

    edit(own, RULE, "below: 2.0", "below: two")
    seconds[0] += 2
    an_order_at_inr_1_9(ward)

    assert ward.inbox() == [("high", "prompt")]
    assert ward.pharmacist.answers("77")[0]["knowledge"] == before
    assert living.faults != ()
