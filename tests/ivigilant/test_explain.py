"""What `explain` tells: of files without a database, and of what is stored."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from ivigilant.explain.conformance import SecondOpinion, report_on
from ivigilant.explain.dry_run import DryRun, explain_files, prepare
from ivigilant.explain.explained import Explained, MessageExplained, StatementRead
from ivigilant.explain.stored import NotStored, explain_stored_message, explain_stored_order
from ivigilant.settings import Settings
from parsers.hl7.segments import split
from store import tables
from tests.journeys.hospital import Hospital
from tests.parsers.builders import a_message, a_patient_message
from tests.parsers.medication.order_builders import ORC, rxe

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = datetime(2025, 3, 11, 12, 0, tzinfo=UTC)
SETTINGS = Settings()


@pytest.fixture(scope="module")
def dry_run() -> DryRun:
    return prepare(SETTINGS)


@pytest.fixture(scope="module")
def opinion() -> Iterator[SecondOpinion]:
    with SecondOpinion(60) as somebody:
        yield somebody


def sample(number: str) -> Path:
    return next(SAMPLES.glob(f"{number}_*"))


def explained(dry_run: DryRun, path: Path, *history: str, opinion: SecondOpinion | None = None) -> Explained:
    return explain_files(dry_run, [path], [sample(number) for number in history], NOW, opinion)


def the_message(dry_run: DryRun, raw: bytes, folder: Path) -> MessageExplained:
    (folder / "message.hl7").write_bytes(raw)
    (only,) = explained(dry_run, folder / "message.hl7").messages
    return only


def statement(message: MessageExplained, what: str) -> StatementRead:
    return next(each for segment in message.segments for each in segment.read if each.what == what)


def test_an_order_is_told_with_the_fields_its_amounts_were_read_from(dry_run: DryRun) -> None:
    (message,) = explained(dry_run, sample("01")).messages

    assert (message.state, message.answer, message.type) == ("processed", "AA", "ORM^O01")
    assert statement(message, "dose") == StatementRead("dose", "32 g", "RXO[1]-2")
    assert statement(message, "timing").path == "ORC[1]-7"
    assert statement(message, "result").says.startswith("LOINC 29463-7 Body weight = 80 kg")
    assert [segment.path for segment in message.segments] == [
        *("MSH[1]", "PID[1]", "PV1[1]", "ORC[1]", "RXO[1]", "RXR[1]", "OBX[1]")
    ]


def test_an_interval_is_told_with_both_ends_and_its_doubt_in_words(dry_run: DryRun, tmp_path: Path) -> None:
    message = the_message(dry_run, a_patient_message(ORC, rxe("1.000", "mL"), kind="RDE^O11"), tmp_path)

    amount = statement(message, "amount")
    assert amount.says == "1 to 1000 mL"
    assert [doubt.en for doubt in amount.doubts] == ["point or comma: decimal mark or thousand"]


def test_what_nobody_looked_at_is_listed_and_so_is_a_local_segment(dry_run: DryRun, tmp_path: Path) -> None:
    raw = a_patient_message("PV1|1|I|||||ARTS1^Arts", "ZPI|1|iets", "GT1|1||Iemand")

    message = the_message(dry_run, raw, tmp_path)

    assert dict(message.not_understood) == {
        "MSH[1]-17": "Country Code",
        "ZPI[1]": "a segment of this sender's own",
        "GT1[1]": "nothing is read from this segment",
        "PV1[1]-7": "Attending Doctor",
    }


def test_a_fact_no_rule_can_use_is_left_out_and_says_so(dry_run: DryRun, tmp_path: Path) -> None:
    message = the_message(dry_run, a_patient_message("DG1|1||Z00.0^Onderzoek^I10", "DG1|2||I80.2^DVT^I10"), tmp_path)

    told = {str(seen.event["path"]): (seen.kept, seen.why) for seen in message.events}
    assert told["DG1[1]-3"] == (False, "in no value set: no rule can use it")
    assert told["DG1[2]-3"][0]
    assert "venous-thromboembolism" in told["DG1[2]-3"][1]


def test_a_history_changes_the_answer_and_each_silent_rule_names_its_first_unmet_condition(dry_run: DryRun) -> None:
    (without,) = explained(dry_run, sample("01")).orders
    (order,) = explained(dry_run, sample("01"), "17").orders

    assert without.tier != "contraindication"
    assert order.tier == "contraindication"
    rules = {rule.rule: rule for rule in order.rules}
    assert rules["IG-VTE-001"].fired
    assert rules["IG-VTE-008"].failed is not None
    assert rules["IG-VTE-008"].failed.saw == "0.4"


def test_the_history_of_somebody_else_is_not_judged(dry_run: DryRun) -> None:
    told = explained(dry_run, sample("19"), "02", "03")

    assert (told.history, told.orders) == (2, ())


def test_a_message_of_a_batch_is_named_by_its_number(dry_run: DryRun) -> None:
    names = [message.name.rpartition("/")[2] for message in explained(dry_run, sample("25")).messages]

    assert names == [f"25_batch_v25_fhs_bhs.hl7 message {number}" for number in range(1, 6)]


def test_a_mixture_says_that_an_ingredient_makes_it_what_it_is(dry_run: DryRun, tmp_path: Path) -> None:
    ingredients = ("RXC|A|X^Privigen 100 mg/ml^L|30|g", "RXC|B|Y^NaCl 0,9%^L|200|mL")
    raw = a_patient_message(ORC, rxe("1", "dose", "M1^Bereiding apotheek^L"), "RXR|IV", *ingredients, kind="RDE^O11")

    message = the_message(dry_run, raw, tmp_path)

    assert [(seen.kept, seen.why) for seen in message.events if seen.event["event"] == "order"] == [
        (True, "ivig: an ingredient of the mixture is immunoglobulin")
    ]


@pytest.mark.parametrize(
    ("raw", "reason", "answer"),
    [
        (b"PID|1||7\r", "no_msh", "AR"),
        (a_message("PID|1", "DG1|1||I80.2^DVT^I10"), "no_patient", "AA"),
        (a_message(f"PID|1||{'1' * 251}", "DG1|1||I80.2^DVT^I10"), "long_patient_number", "AA"),
        (a_message().replace(b"|2.5|", b"|3.0|"), "unsupported_version", "AR"),
    ],
)
def test_what_would_be_parked_says_why_and_what_the_sender_hears(
    dry_run: DryRun, raw: bytes, reason: str, answer: str, tmp_path: Path
) -> None:
    message = the_message(dry_run, raw, tmp_path)

    assert (message.state, message.reason, message.answer) == ("parked", reason, answer)


def test_the_second_opinion_names_the_segment(opinion: SecondOpinion) -> None:
    report = opinion.of(split(a_patient_message("DG1|1||I80.2^DVT^I10^a^b^c^d^e^f^g")))

    assert report.version == "2.5"
    assert any(line.startswith("DG1[1]: ") for line in report.errors)


def test_a_second_opinion_on_what_hl7apy_cannot_take_says_so() -> None:
    assert report_on("MSH|^~\\&|A|B|||20250310||ADT^A01|1|P|2.9\rPID|1||7\r").failed.startswith(
        "hl7apy cannot parse it"
    )


def test_a_second_opinion_that_takes_too_long_is_given_up_and_the_next_is_made() -> None:
    endless = a_patient_message(*[f"OBX|{number}|NM|INR||2.1||||||F" for number in range(3000)], kind="ORU^R01")
    with SecondOpinion(60) as opinion:
        assert opinion.of(split(a_patient_message())).failed == ""
        opinion._limit_s = 0.2
        assert opinion.of(split(endless)).failed == "hl7apy did not answer within 0.2 s"
        opinion._limit_s = 60
        assert opinion.of(split(a_patient_message())).failed == ""


def test_a_stored_message_is_told_as_it_ended_and_looking_at_it_is_recorded(
    sqlite_engine: sa.Engine, dry_run: DryRun
) -> None:
    hospital = Hospital(sqlite_engine, dry_run.knowledge)
    hospital.sends(sample("17").read_bytes(), sample("01").read_bytes())

    told = explain_stored_message(sqlite_engine, SETTINGS, "EPD2300001", NOW, None)

    assert (told.messages[0].state, told.messages[0].answer) == ("processed", "AA")
    assert [order.tier for order in told.orders] == ["contraindication"]
    with sqlite_engine.connect() as connection:
        (looked,) = connection.execute(sa.select(tables.access_log)).all()
    assert (looked.action, looked.object) == ("view_message", "message 2")
    assert looked.patient_id is not None


def test_a_stored_order_is_told_by_its_number_with_every_rule_asked(sqlite_engine: sa.Engine, dry_run: DryRun) -> None:
    hospital = Hospital(sqlite_engine, dry_run.knowledge)
    hospital.sends(sample("17").read_bytes(), sample("01").read_bytes())

    (order,) = explain_stored_order(sqlite_engine, SETTINGS, "900001", NOW).orders

    assert order.tier == "contraindication"
    assert {rule.rule for rule in order.rules if rule.fired} >= {"IG-VTE-001"}
    assert len(order.rules) == len({step["rule"] for step in order.conclusion["trace"]} | {"IG-VTE-001"})


@pytest.mark.parametrize(
    "explain",
    [
        lambda e: explain_stored_order(e, SETTINGS, "x", NOW),
        lambda e: explain_stored_message(e, SETTINGS, "x", NOW, None),
    ],
)
def test_what_is_not_stored_is_named(sqlite_engine: sa.Engine, explain: object) -> None:
    with pytest.raises(NotStored, match="x"):
        explain(sqlite_engine)  # type: ignore[operator]  # one of the two above
