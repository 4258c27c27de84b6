"""A first load: history from files, through what every message goes through, and pushed to nobody."""

import gzip
import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from history.choices import NoticeRoute, Site
from rules.knowledge import Knowledge
from tests.fakes import RememberingDestination
from tests.ivigilant.site_hospital import a_message, an_order
from tests.journeys.first_load import (
    ATC,
    Json,
    a_patient,
    a_thrombosis,
    a_weight,
    an_ivig_order,
    changed,
    loads,
    written,
)
from tests.journeys.hospital import Hospital
from tests.journeys.test_stories import emptied
from worker.deliver import deliver
from worker.rebuild import Rebuilt, rebuild

OESTROGEN = "IG-VTE-018"
VTE = "DG1|1||I80.2^Diepe veneuze trombose^I10||20190614|F"


def the_export() -> list[Json]:
    """Two patients, one with a thrombosis and IVIg, with a correction and a second number."""
    refuted = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    bert = a_thrombosis("bert")
    return [
        a_patient(),
        a_thrombosis(),
        a_weight(),
        an_ivig_order(),
        changed(an_ivig_order(), "2026-11-20T12:00:00+01:00", status="on-hold"),
        a_patient("bert", "7000002"),
        bert,
        changed(bert, "2024-03-01T10:00:00+01:00", **refuted),
        an_ivig_order("bert"),
        a_patient("old", "7000003", link=[{"other": {"reference": "Patient/bert"}, "type": "replaced-by"}]),
        a_weight("old"),
    ]


def test_a_thrombosis_in_the_history_raises_an_alert_that_opens_at_its_element(
    hospital: Hospital, tmp_path: Path
) -> None:
    tally = loads(hospital, written(tmp_path / "a.ndjson", [an_ivig_order(), a_thrombosis(), a_weight(), a_patient()]))

    assert (tally.loaded.messages, tally.loaded.parked, tally.rejected) == (4, 0, 0)
    assert [tier for _, tier, _ in hospital.inbox()] == ["contraindication"]
    (row,) = hospital.rows("SELECT conclusion FROM assessment ORDER BY id DESC LIMIT 1")
    told = row[0] if isinstance(row[0], dict) else msgspec.json.decode(row[0])
    (thrombosis,) = [fact for fact in told["findings"][0]["facts"] if fact["kind"] == "condition"]
    assert (thrombosis["message"], thrombosis["path"]) == ("Condition/dvt-anna", "Condition.code.coding[0]")
    assert (thrombosis["at"][:7], thrombosis["precision"]) == ("2019-06", "month")
    assert told["order"]["dose_g_per_kg"] == [0.4, 0.4]


@pytest.mark.parametrize(("status", "standing"), [("active", "replaced"), ("entered-in-error", "active")])
@pytest.mark.parametrize("turned", [False, True])
def test_a_request_ends_the_one_it_was_made_in_the_place_of(
    turned: bool, status: str, standing: str, hospital: Hospital, tmp_path: Path
) -> None:
    first = an_ivig_order()
    prior = {"reference": f"MedicationRequest/{first['id']}"}
    second = an_ivig_order(id="second", identifier=[], status=status, priorPrescription=prior)
    said = [second, first] if turned else [first, second]

    loads(hospital, written(tmp_path / "a.ndjson", [*said, a_patient()]))

    (row,) = hospital.rows("SELECT state FROM medication_order WHERE placer LIKE '%for anna'")
    assert row[0] == standing


@pytest.mark.parametrize(
    ("elements", "rules"),
    [
        ({"status": "active"}, {OESTROGEN}),
        ({"status": "completed", "effectivePeriod": {"start": "2026-01-01", "end": "2026-12-31"}}, {OESTROGEN}),
        ({"status": "completed", "effectivePeriod": {"start": "2019-01-01", "end": "2021-06-30"}}, set()),
        ({"status": "not-taken"}, set()),
    ],
)
def test_a_medicine_used_at_home_counts_as_long_as_it_is_used(
    elements: Json, rules: set[str], hospital: Hospital, tmp_path: Path
) -> None:
    pill = {"resourceType": "Medication", "id": "pill", "code": {"coding": [{"system": ATC, "code": "G03AA07"}]}}
    used: Json = {"resourceType": "MedicationStatement", "id": "home", "subject": {"reference": "Patient/anna"}}
    used |= {"meta": {"lastUpdated": "2026-11-30T10:00:00+01:00"}} | elements
    used["medicationReference"] = {"reference": "Medication/pill"}

    tally = loads(hospital, written(tmp_path / "a.ndjson", [used, pill, an_ivig_order(), a_weight(), a_patient()]))

    assert (tally.loaded.parked, tally.rejected) == (0, 0)
    assert fired(hospital) & {OESTROGEN} == rules


def fired(hospital: Hospital) -> set[str]:
    (row,) = hospital.rows("SELECT conclusion FROM assessment ORDER BY id DESC LIMIT 1")
    told = row[0] if isinstance(row[0], dict) else msgspec.json.decode(row[0])
    return {finding["rule"] for finding in told["findings"]}


def test_nothing_of_a_first_load_is_pushed(engine: sa.Engine, knowledge: Knowledge, tmp_path: Path) -> None:
    pager = RememberingDestination()
    hospital = Hospital(engine, knowledge, Site(destinations=(NoticeRoute("pager", "moderate"),)))
    hospital.worker = replace(hospital.worker, destinations={"pager": pager})

    loads(hospital, written(tmp_path / "a.ndjson", the_export()))
    deliver(hospital.worker)

    assert hospital.inbox()
    assert pager.asked == []


@pytest.mark.parametrize("seed", range(6))
def test_lines_in_any_order_and_twice_end_the_same(hospital: Hospital, tmp_path: Path, seed: int) -> None:
    die = random.Random(seed)
    loads(hospital, written(tmp_path / "a.ndjson", the_export()))
    expected = hospital.dump()
    shuffled = die.sample(the_export() * 2, 22)
    cut = die.randrange(1, 21)

    emptied(hospital.engine)
    loads(hospital, written(tmp_path / "b.ndjson", shuffled[:cut]))
    loads(hospital, written(tmp_path / "c.ndjson", shuffled[cut:]))

    assert hospital.dump() == expected


def test_a_second_load_of_the_same_passes_over_it(hospital: Hospital, tmp_path: Path) -> None:
    file = written(tmp_path / "a.ndjson", the_export())
    loads(hospital, file)
    before = hospital.dump()

    again = loads(hospital, file)

    assert (again.loaded.messages, again.loaded.known, again.loaded.answers) == (0, 11, 0)
    assert hospital.dump() == before


def test_a_rebuild_of_what_was_loaded_changes_nothing(hospital: Hospital, tmp_path: Path) -> None:
    loads(hospital, written(tmp_path / "a.ndjson", the_export()))
    before = hospital.dump()

    rebuild(hospital.worker, _nobody)

    assert hospital.dump() == before


def test_a_thrombosis_that_was_entered_in_error_does_not_count(hospital: Hospital, tmp_path: Path) -> None:
    loads(hospital, written(tmp_path / "a.ndjson", the_export()))

    assert hospital.answers() == {"for anna": "contraindication", "for bert": "moderate"}  # 2 g/kg in five days


def test_messages_of_a_folder_tell_what_the_feed_would_have_told(hospital: Hospital, tmp_path: Path) -> None:
    told, order = a_message(VTE, control="D1"), an_order()
    hospital.sends(told, order)
    fed = (hospital.inbox(), hospital.answers())
    folder = tmp_path / "adt" / "2019"
    folder.mkdir(parents=True)
    (folder / "one.hl7").write_bytes(told)
    batch = b"BHS|^~\\&|EPD|ZKHA\r" + order + b"BTS|1\r"
    (tmp_path / "orders.hl7.gz").write_bytes(gzip.compress(batch))

    emptied(hospital.engine)
    tally = loads(hospital, tmp_path)

    assert (tally.loaded.messages, tally.loaded.parked) == (2, 0)
    assert (hospital.inbox(), hospital.answers()) == fed


def test_an_old_and_a_new_source_tell_of_one_patient(hospital: Hospital, tmp_path: Path) -> None:
    """What the feed says of the number, and what the export says under an id of its own, are one history."""
    numbered = a_patient(identifier=[{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999911004"}])
    loads(hospital, written(tmp_path / "a.ndjson", [numbered, a_thrombosis()]))

    hospital.sends(an_order(pid="PID|1||1000001^^^ZKHA^PI~999911004^^^NLMINBIZA^NNNLD||Proefpersoon^Anna||19550403|F"))

    assert hospital.answers() == {"900001": "contraindication"}


def test_lines_that_are_not_fhir_are_left_out_and_told_with_their_place(hospital: Hospital, tmp_path: Path) -> None:
    nobody = {name: value for name, value in a_thrombosis("bert").items() if name != "subject"}
    file = written(tmp_path / "a.ndjson", [a_thrombosis(), nobody, {"resourceType": "Claim"}])
    with file.open("ab") as lines:
        lines.write(b"{not json\n")

    tally = loads(hospital, file)

    rejects = [msgspec.json.decode(line) for line in (tmp_path / "rejects.ndjson").read_bytes().splitlines()]
    assert (tally.loaded.messages, tally.rejected, dict(tally.unread)) == (1, 2, {"Claim": 1})
    assert sorted((each["line"], each["reason"].split(":")[0]) for each in rejects) == [
        (2, "subject"),
        (4, "this is not a JSON object"),
    ]


def _nobody(_: Rebuilt) -> None:
    """Nobody watches."""
