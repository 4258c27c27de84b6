"""The ledger's proof: what is missing is found and signed for, and a signed statement does not change unseen."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from history.choices import NoticeRoute, Site
from ivigilant.errors import UnusableSettings
from ivigilant.ledger import DailyLedger, LedgerStatement, Signer, new_key, read_signer, verify
from rules.knowledge import Knowledge
from store import ledger
from synthetic.stream import hospital_messages
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Hospital
from tests.journeys.stories import Problem, Seen, messages


@pytest.fixture
def hospital(engine: sa.Engine, knowledge: Knowledge) -> Hospital:
    """A hospital with one alert that a pager had to hear of, an hour ago."""
    hospital = Hospital(engine, knowledge, Site(destinations=(NoticeRoute("pager", "contraindication"),)))
    hospital.sends(*list(hospital_messages(now=hospital.clock()))[:9], *messages([Seen(who="2")]))
    hospital.clock.passes(hours=1)
    return hospital


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    key = tmp_path / "key.pem"
    key.write_text(new_key())
    return read_signer(key)


@pytest.fixture
def look(hospital: Hospital, signer: Signer) -> Callable[[], LedgerStatement]:
    return lambda: verify(hospital.engine, hospital.clock(), signer)


def faults(statement: LedgerStatement) -> dict[str, int]:
    return {fault.what: fault.count for fault in statement.faults}


def change(hospital: Hospital, *sql: str) -> None:
    with hospital.engine.begin() as connection:
        for statement in sql:
            connection.exec_driver_sql(statement)


def test_a_ledger_in_which_nothing_is_missing_is_said_to_be_so(look: Callable[[], LedgerStatement]) -> None:
    statement = look()

    assert faults(statement) == {}
    assert statement.segment.messages == 10
    assert statement.acknowledged == {"AA": 10}
    assert sum(statement.ends.values()) == 10
    assert (statement.orders, statement.alerts, statement.deliveries) == (1, 1, {"pending": 1})


def test_each_message_is_in_one_statement(hospital: Hospital, look: Callable[[], LedgerStatement]) -> None:
    first = look()
    hospital.sends(*messages([Problem(who="3")]))
    too_young = look()
    hospital.clock.passes(hours=1)
    second = look()

    assert too_young.segment.messages == 0
    assert second.segment.after == first.segment.last
    assert second.segment.messages == 1


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE message SET state = 'received' WHERE id = 1", "messages_without_end"),
        ("UPDATE medication_order SET version = version || 'x'", "orders_assessed_before_their_last_change"),
        ("DELETE FROM delivery", "alerts_without_deliveries"),
        ("UPDATE delivery SET destination = 'nobody'", "alerts_without_deliveries"),
    ],
)
def test_what_is_missing_is_found(
    hospital: Hospital, look: Callable[[], LedgerStatement], sql: str, found: str
) -> None:
    change(hospital, sql)

    assert faults(look()) == {found: 1}


def test_an_order_without_an_assessment_is_found(hospital: Hospital, look: Callable[[], LedgerStatement]) -> None:
    columns = "patient_id, key, placer, filler, placer_number, filler_number, product_class, state, version, data"
    change(
        hospital,
        f"INSERT INTO medication_order ({columns}) SELECT patient_id, 'EPD|new', '', '', '', '', "
        "'ivig', 'active', '1', data FROM medication_order",
    )

    assert faults(look()) == {"orders_without_assessment": 1}


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM message WHERE control_id = 'M001'",
        "UPDATE message SET control_id = 'other' WHERE control_id = 'M001'",
        "UPDATE message SET ack_code = 'AR' WHERE control_id = 'M001'",
    ],
)
def test_a_message_that_was_removed_or_changed_after_it_was_counted_is_found(
    hospital: Hospital, look: Callable[[], LedgerStatement], sql: str
) -> None:
    look()

    change(hospital, sql)

    assert faults(look()) == {"messages_changed": 1}


def test_a_text_that_was_pruned_is_no_change(hospital: Hospital, look: Callable[[], LedgerStatement]) -> None:
    look()

    change(hospital, "UPDATE message SET raw = '', pruned_at = received_at WHERE control_id = 'M001'")

    assert faults(look()) == {}


@pytest.mark.parametrize("change_sql", ["UPDATE ledger_statement SET well = true", "DELETE FROM ledger_statement"])
def test_statements_can_only_be_added(hospital: Hospital, look: Callable[[], LedgerStatement], change_sql: str) -> None:
    look()

    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        change(hospital, change_sql)


@pytest.mark.parametrize("sql", ["DELETE FROM {} WHERE id = 2", "UPDATE {} SET signature = previous WHERE id = 2"])
def test_a_statement_changed_or_removed_behind_the_trigger_is_found(
    hospital: Hospital, look: Callable[[], LedgerStatement], sql: str
) -> None:
    for _ in range(3):
        look()

    with hospital.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            connection.exec_driver_sql("DROP TRIGGER ledger_statement_no_update")
            connection.exec_driver_sql("DROP TRIGGER ledger_statement_no_delete")
        connection.exec_driver_sql(sql.format("ledger_statement"))

    assert faults(look()) == {"statements_changed": 1}


def test_a_signature_is_verified_with_the_public_key_alone(
    hospital: Hospital, signer: Signer, look: Callable[[], LedgerStatement]
) -> None:
    look()
    with hospital.engine.connect() as connection:
        stored = ledger.last_statement(connection)
    assert stored is not None
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer.public_key))

    public.verify(stored.signature, stored.content)

    with pytest.raises(InvalidSignature):
        public.verify(stored.signature, stored.content.replace(b'"orders":1', b'"orders":2'))


def test_two_beats_that_look_together_store_one_statement(hospital: Hospital, signer: Signer) -> None:
    with hospital.engine.connect() as connection:
        findings = ledger.examine(connection, hospital.clock(), timedelta(minutes=15), ())

    with hospital.engine.begin() as connection:
        stored = [ledger.append(connection, findings, content, b"", b"same") for content in (b"one", b"two")]

    assert stored == [True, False]


def test_the_beat_verifies_once_a_day(hospital: Hospital, signer: Signer) -> None:
    daily = DailyLedger(hospital.engine, signer, hospital.clock)
    counts = []
    for hours in (0, 1, 22, 2):
        hospital.clock.passes(hours=hours)
        daily.look()
        daily.wait()
        counts.append(hospital.rows("SELECT count(*) FROM ledger_statement")[0][0])

    assert counts == [1, 1, 1, 2]


@pytest.mark.parametrize("content", ["", "-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    key = tmp_path / "key.pem"
    key.write_text(content)

    with pytest.raises(UnusableSettings, match=r"IVIGILANT_LEDGER_KEY: .*key\.pem"):
        read_signer(key)


def test_the_commands_tell_what_is_missing_and_show_what_was_stored(hospital: Hospital, tmp_path: Path) -> None:
    seen = tmp_path / "acknowledged.txt"
    seen.write_text("M001\nNEVER-STORED\n")
    (tmp_path / "ledger-key.pem").write_text(new_key())
    environment = {"IVIGILANT_DATABASE_URL": hospital.engine.url.render_as_string(hide_password=False)}
    environment["IVIGILANT_DATA_DIR"] = str(tmp_path)

    whole = ivigilant("ledger", "verify", environment=environment)
    lost = ivigilant("ledger", "verify", "--acknowledged", str(seen), environment=environment)
    change(hospital, "DELETE FROM delivery")
    missing = ivigilant("ledger", "verify", environment=environment)
    shown = ivigilant("ledger", "show", environment=environment)
    checked = ivigilant("doctor", environment=environment)

    assert (whole.returncode, lost.returncode, missing.returncode, shown.returncode) == (0, 1, 1, 0)
    assert "MISSING  NEVER-STORED: " in lost.stdout and "M001:" not in lost.stdout
    assert "lines of alerts had to be sent and have no delivery" in missing.stdout
    assert shown.stdout.count("signed by") == 3
    assert "something is missing: ivigilant ledger show" in checked.stdout
