"""Every line of the site file changes what it says it changes, from the message to the answer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ivigilant.checkup import look_at
from ivigilant.errors import UnusableSite
from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.receiving import ports
from ivigilant.settings import Settings
from ivigilant.site import load_site
from ivigilant.site_choices import worker_site
from ivigilant.wiring import declare_feeds
from listener.feeds import Origin
from store import feeds, tables
from tests.ivigilant.site_hospital import NOW, SiteHospital, a_message, an_order

SetUp = Callable[[str], SiteHospital]
DVT = "DG1|1||I80.2^DVT been^I10||20190614|F"


@pytest.fixture
def set_up(sqlite_engine: sa.Engine, tmp_path: Path) -> SetUp:
    """A hospital for the text of a site file."""
    return lambda text: SiteHospital(sqlite_engine, tmp_path, text)


@pytest.mark.parametrize(
    ("recognised_by", "source"),
    [
        ("port: 2599", Origin(2599, "10.1.2.3")),
        ("address: 10.9.0.0/16", Origin(2575, "10.9.1.1")),
        ("certificate: epd.zh", Origin(2575, "10.1.2.3", ("epd.zh",))),
        ("sending_application: EPD", Origin(2575, "10.1.2.3")),
        ("sending_facility: ZKHA", Origin(2575, "10.1.2.3")),
    ],
)
def test_a_feed_is_recognised(set_up: SetUp, recognised_by: str, source: Origin) -> None:
    hospital = set_up(f"feeds: [{{name: cpoe, {recognised_by}}}]")

    hospital.receives(a_message(control="C1"), source)
    hospital.receives(a_message(control="C2", sender="X", facility="Y"), Origin(2575, "10.200.0.1"))

    assert [feed for feed, _, _ in hospital.messages()] == ["cpoe", "X|Y"]


def test_a_feed_with_a_port_of_its_own_is_listened_to_there(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("allowed_addresses: [10.0.0.0/8]\nfeeds: [{name: lab, port: 2599}]\n")

    opened = ports(Settings(site_file=path), load_site(path))

    assert [port.port for port in opened] == [2575, 2599]
    assert [str(network) for port in opened for network in port.allowed] == ["10.0.0.0/8"] * 2


def test_only_a_port_where_a_feed_may_leave_out_sb_looks_for_such_messages(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("feeds: [{name: lab, port: 2599, accept_unframed: true}, {name: epd, sending_application: EPD}]\n")

    opened = ports(Settings(site_file=path), load_site(path))

    assert [(port.port, port.limits.unframed) for port in opened] == [(2575, False), (2599, True)]


@pytest.mark.parametrize(("mode", "code"), [("auto", "CA"), ("original", "AA"), ("enhanced", "CA"), ("none", "")])
def test_a_feed_is_answered_in_its_mode(set_up: SetUp, mode: str, code: str) -> None:
    hospital = set_up(f"feeds: [{{name: cpoe, sending_application: EPD, ack_mode: {mode}}}]")

    answer = hospital.receives(a_message(accept="AL", application="NE"))

    assert answer.partition("MSA|")[2][:2] == code


def test_test_messages_of_a_feed_in_production_are_refused(set_up: SetUp) -> None:
    hospital = set_up("feeds: [{name: cpoe, sending_application: EPD, processing_ids: [P]}]")

    refused = hospital.receives(a_message(processing="T"))
    taken = hospital.receives(a_message(processing="T", sender="LAB", control="C2"))

    assert "MSA|AR|C1" in refused
    assert "202" in refused.partition("ERR|")[2]
    assert "MSA|AA|C2" in taken
    assert hospital.messages() == [("cpoe", "parked", "processing_id"), ("LAB|ZKHA", "processed", None)]


@pytest.mark.parametrize(("choice", "state"), [("process", "processed"), ("park", "parked")])
def test_unknown_sources_are_processed_or_parked(set_up: SetUp, choice: str, state: str) -> None:
    hospital = set_up(f"unknown_sources: {choice}\nfeeds: [{{name: cpoe, sending_application: EPD}}]")

    answer = hospital.receives(a_message(sender="NEW"))

    assert "MSA|AA" in answer
    assert [(feed, ended) for feed, ended, _ in hospital.messages()] == [("NEW|ZKHA", state)]


@pytest.mark.parametrize(("choice", "code", "state"), [("ignore", "AA", "ignored"), ("reject", "AR", "parked")])
def test_a_type_that_is_not_used_is_ignored_or_refused(set_up: SetUp, choice: str, code: str, state: str) -> None:
    hospital = set_up(f"feeds: [{{name: cpoe, sending_application: EPD, unknown_types: {choice}}}]")

    answer = hospital.receives(a_message(kind="SIU^S12"))

    assert f"MSA|{code}" in answer
    assert hospital.messages() == [("cpoe", state, "unknown_type")]


def test_a_batch_is_answered_with_a_batch_where_the_feed_wants_it(set_up: SetUp) -> None:
    hospital = set_up("feeds: [{name: cpoe, sending_application: EPD, batch_ack: true}]")
    batch = b"BHS|^~\\&|EPD|ZKHA\r" + a_message(control="C1") + a_message(control="C2") + b"BTS|2\r"

    answer = hospital.receives(batch)

    assert answer.startswith("BHS|")
    assert answer.count("MSA|AA") == 2


@pytest.mark.parametrize(("authoritative", "state"), [("true", "cancelled"), ("false", "stop_pending")])
def test_a_cancel_stops_the_order_or_waits_for_the_pharmacy(set_up: SetUp, authoritative: str, state: str) -> None:
    hospital = set_up(f"feeds: [{{name: cpoe, sending_application: EPD, placer_authoritative: {authoritative}}}]")

    hospital.receives(an_order())
    hospital.receives(an_order(order_control="CA", control="O2", ordered="20261121113000"))

    with hospital.engine.connect() as connection:
        assert connection.scalar(sa.select(tables.medication_order.c.state)) == state


def test_times_are_read_in_the_zone_of_the_feed_or_else_of_the_site(set_up: SetUp) -> None:
    hospital = set_up("zone: Asia/Tokyo\nfeeds: [{name: lab, sending_application: LAB, zone: UTC}]")

    hospital.receives(an_order())
    hospital.receives(an_order(sender="LAB", number="900002"))

    starts = {answer["order"]["start"] for answer in hospital.answers()}  # the first once more: both are of one day
    assert starts == {"2026-11-21T13:00:00+09:00", "2026-11-21T22:00:00+09:00"}


def test_a_number_without_an_authority_gets_the_one_of_the_site(set_up: SetUp) -> None:
    hospital = set_up("authority: ZIS")

    hospital.receives(a_message(pid="PID|1||77||Jansen"))

    assert hospital.patients() == ["ZIS|77"]


def test_the_first_of_the_mrn_authorities_that_is_sent_is_the_identity(set_up: SetUp) -> None:
    hospital = set_up("mrn_authorities: [NIEUW, OUD]")

    hospital.receives(a_message(pid="PID|1||5^^^LAB^PI~6^^^OUD^PI~7^^^NIEUW^PI||Jansen"))

    assert hospital.patients() == ["NIEUW|7"]


def test_a_message_without_a_charset_is_read_in_that_of_the_feed(set_up: SetUp) -> None:
    hospital = set_up("charset: 8859/2")

    raw = a_message(pid="PID|1||1^^^ZKHA^PI||Łukasz", charset="", codec="iso8859-2")
    hospital.receives(raw)

    with hospital.engine.connect() as connection:
        demographics = connection.scalar(sa.select(tables.patient.c.demographics))
    assert "Łukasz" in str(demographics)


def test_the_sender_s_names_of_code_systems_are_ours(set_up: SetUp) -> None:
    hospital = set_up("code_systems: {DIAG: ICD10}")

    hospital.receives(a_message("DG1|1||I80.2^x^DIAG||20190614|F"))
    hospital.receives(an_order())

    assert "IG-VTE-001" in rules_of(hospital.answers()[-1])


def test_the_sender_s_words_for_a_problem_s_status_are_ours(set_up: SetUp) -> None:
    hospital = set_up("problem_statuses: {WEG: error}")
    problem = "PRB|AD|20261121110000|I80.2^DVT^I10|PRB1^EPD|||20190614||||||%s"

    hospital.receives(a_message(problem % "WEG", kind="PPR^PC1"))
    hospital.receives(an_order())

    assert "IG-VTE-001" not in rules_of(hospital.answers()[-1])


def test_a_diagnosis_of_the_house_counts_as_its_value_set_says(set_up: SetUp) -> None:
    hospital = set_up("codes: [{system: ZKH, code: DIA-7, value_set: venous-thromboembolism}]")

    hospital.receives(a_message("DG1|1||DIA-7^aandoening^ZKH||20190614|F"))
    hospital.receives(an_order())

    assert "IG-VTE-001" in rules_of(hospital.answers()[-1])


def test_a_product_and_a_route_of_the_house_count_as_their_value_sets_say(set_up: SetUp) -> None:
    hospital = set_up(
        "codes:\n"
        "  - {system: ZKH, code: IG10, value_set: immunoglobulin-dual-route}\n"
        "  - {system: ZKH, code: R7, value_set: route-intravenous}\n"
    )

    hospital.receives(an_order(product="IG10^huismiddel^ZKH", route="R7^infuus^ZKH"))

    (told,) = hospital.answers()
    assert told["order"]["route"] == "IV"
    assert "IG-DATA-033" not in rules_of(told)


def test_a_result_of_the_house_counts_as_its_value_set_says(set_up: SetUp) -> None:
    hospital = set_up("codes: [{system: LABZH, code: GEW, value_set: body-weight}]")

    hospital.receives(a_message("OBR|1||1|X", "OBX|1|NM|GEW^Gewicht^LABZH||80|kg|||||F|||20261120", kind="ORU^R01"))
    hospital.receives(an_order())

    assert hospital.answers()[-1]["order"]["weight_kg"] == "80"


def test_a_weight_in_a_field_of_the_house_is_the_weight(set_up: SetUp) -> None:
    hospital = set_up(
        "feeds:\n  - {name: cpoe, sending_application: EPD, fields: {weight: {segment: ZWT, field: 3, unit: g}}}\n"
    )

    hospital.receives(an_order("ZWT|1||80000"))

    told = hospital.answers()[-1]
    assert (told["order"]["weight_kg"], told["order"]["dose_g_per_kg"]) == ("80", [0.5, 0.5])


def test_a_contra_indication_in_a_field_of_the_house_counts(set_up: SetUp) -> None:
    hospital = set_up(
        "fields: {diagnosis: {segment: ZCI, field: 2, system: ZKH-CI}}\n"
        "codes: [{system: ZKH-CI, code: '77', value_set: venous-thromboembolism-history}]\n"
    )

    hospital.receives(a_message("ZCI|1|77^Trombose in de voorgeschiedenis"))
    hospital.receives(an_order())

    finding = next(each for each in hospital.answers()[-1]["findings"] if each["rule"] == "IG-VTE-001")
    assert "ZCI[1]-2" in [fact["path"] for fact in finding["facts"]]


def test_a_destination_gets_notices_from_its_tier_on(set_up: SetUp, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 32)
    place = f"kind: webhook, url: 'https://a.example/x', secret_file: {tmp_path / 'secret'}"
    hospital = set_up(
        "destinations:\n"
        f"  - {{name: grave, min_tier: contraindication, {place}}}\n"
        f"  - {{name: all, min_tier: moderate, {place}}}\n"
    )

    hospital.receives(a_message(DVT))
    hospital.receives(an_order())
    hospital.receives(an_order(control="O2", number="900002", pid="PID|1||1000002^^^ZKHA^PI"))

    with hospital.engine.connect() as connection:
        sent = [*connection.scalars(sa.select(tables.delivery.c.destination).order_by(tables.delivery.c.id))]
    assert sent.count("grave") == 1
    assert sent.count("all") >= 1


def test_a_feed_that_is_silent_too_long_is_said_to_be(set_up: SetUp) -> None:
    hospital = set_up("feeds: [{name: cpoe, sending_application: EPD, silence_after_s: 60}]")

    hospital.receives(a_message())

    with hospital.engine.connect() as connection:
        (feed,) = feeds.every(connection)
    assert (feed.is_silent(NOW + timedelta(seconds=59)), feed.is_silent(NOW + timedelta(seconds=61))) == (False, True)


def test_what_may_be_silent_for_ever_is_not_missed_and_what_is_learned_has_the_bounds_of_the_file(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(
        "silence: {floor_min: 5, ceiling_h: 2}\n"
        "feeds: [{name: old, port: 1, silence_after_s: never}, {name: lab, port: 2, watch_gaps: false}, "
        "{name: cpoe, port: 3, silence_after_s: 60}, {name: import}]\n"
    )
    file = load_site(path)
    declare_feeds(sqlite_engine, file)

    with sqlite_engine.connect() as connection:
        found = {feed.name: (feed.silence_after_s, feed.may_be_silent) for feed in feeds.every(connection)}
    site = worker_site(file, Settings(site_file=path))
    assert found == {"old": (None, True), "lab": (None, False), "cpoe": (60, False), "import": (None, True)}
    assert (site.silence.floor, site.silence.ceiling) == (timedelta(minutes=5), timedelta(hours=2))
    assert site.gaps_ignored == {"lab"}


def test_a_value_set_that_does_not_exist_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(
        "name: X\ncodes:\n  - {system: A, code: B, value_set: inr}\n  - system: A\n    code: C\n    value_set: ivgi\n"
    )

    with pytest.raises(UnusableSite) as fault:
        site_knowledge(Settings(site_file=path))

    assert str(fault.value) == f"{path}:6: codes.2.value_set: no value set is called ivgi"


def rules_of(told: dict[str, Any]) -> list[str]:
    """The rules that fired."""
    return [finding["rule"] for finding in told["findings"]]


def test_doctor_names_a_destination_that_would_stop_a_start(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("destinations:\n  - {kind: mail, name: apotheek, recipients: [apotheek@voorbeeld.nl]}\n")

    line = next(iter(look_at(Settings(site_file=path), datetime.now(UTC))))

    assert (line.what, line.well) == ("site file", False)
    assert "IVIGILANT_SMTP_HOST" in line.detail


@pytest.mark.parametrize(("lease", "is_told"), [(10, True), (10.5, False)])
def test_a_lease_that_ends_before_a_destination_gives_up_is_refused_at_the_start(
    tmp_path: Path, lease: float, is_told: bool
) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("destinations:\n  - {kind: hl7, name: engine, host: engine.example, port: 2575}\n")

    line = next(iter(look_at(Settings(site_file=path, delivery_lease_s=lease), datetime.now(UTC))))

    assert line.well is not is_told
    assert ("IVIGILANT_DELIVERY_LEASE_S is 10: make it more than 10" in line.detail) is is_told
