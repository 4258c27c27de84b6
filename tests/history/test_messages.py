"""What messages say: of whom, what of it is kept, and how it is to be treated."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from clinical.codes import Coding
from clinical.events import AnyEvent, Condition, Header, Observation, Reading
from history.choices import Site
from history.messages import (
    Envelope,
    NotRecorded,
    ReadMessage,
    gather,
    identities_in,
    is_kept,
    own_name,
    rescue,
    take_up,
)
from parsers.errors import UnreadableMessage
from rules.knowledge import Knowledge
from tests.history.builders import (
    MONDAY,
    a_message,
    a_thrombosis,
    an_order,
    merged,
    patient,
    seen,
)

SITE = Site(stops_need_confirmation=frozenset({"pharmacy"}))
NOBODY = ()
COLD = Condition(patient=patient(), path="DG1[1]-3", key="k", category="diagnosis", codings=(Coding("ICD10", "J00"),))


def reading(*events: AnyEvent, ignored: str = "") -> Reading:
    return Reading(Header(), events, ignored)


def envelope(feed: str = "default", sent: datetime = MONDAY, *, test: bool = False) -> Envelope:
    return Envelope(1, "M1", b"hash", sent, received_at=MONDAY, feed=feed, test=test)


def flags(knowledge: Knowledge, told: Envelope) -> tuple[str, ...]:
    message = take_up(told, reading(an_order()), knowledge, SITE)
    assert isinstance(message, ReadMessage)
    return message.reading.events[0].flags


def nobody(*events: AnyEvent, reason: str = "no_patient") -> UnreadableMessage:
    return UnreadableMessage(reason, "PID[1]-3", reading(*events))


def test_a_message_of_today_is_not_flagged(knowledge: Knowledge) -> None:
    assert flags(knowledge, envelope()) == ()


@pytest.mark.parametrize(
    ("told", "flag"),
    [
        (envelope(test=True), "test"),
        (envelope(sent=MONDAY - timedelta(days=31)), "replay"),
        (envelope("import"), "replay"),
        (envelope("import old pharmacy"), "replay"),
        (envelope("pharmacy"), "stop_needs_confirmation"),
    ],
)
def test_every_event_says_how_its_message_is_to_be_treated(knowledge: Knowledge, told: Envelope, flag: str) -> None:
    assert flags(knowledge, told) == (flag,)


def test_an_ignored_message_adds_nothing_and_says_why(knowledge: Knowledge) -> None:
    assert take_up(envelope(), reading(ignored="unknown_type"), knowledge, SITE) == NotRecorded(
        "ignored", "unknown_type"
    )


def test_an_ivig_order_of_nobody_gets_a_patient_of_its_own(knowledge: Knowledge) -> None:
    message = take_up(envelope(), nobody(an_order(who=NOBODY)), knowledge, SITE)

    assert isinstance(message, ReadMessage)
    assert identities_in([message]) == {("no patient number", own_name("M1", b"hash"))}
    assert "no_patient_number" in message.reading.events[0].flags


def test_a_thrombosis_of_nobody_is_left_to_a_human(knowledge: Knowledge) -> None:
    assert take_up(envelope(), nobody(a_thrombosis(who=NOBODY)), knowledge, SITE) == NotRecorded(
        "parked", "no_patient", "PID[1]-3"
    )


def test_what_no_rule_can_use_of_nobody_is_ignored_and_the_rest_goes_on(knowledge: Knowledge) -> None:
    cold = Condition(patient=NOBODY, path="DG1[1]-3", key="k", category="diagnosis", codings=COLD.codings)

    alone = rescue(nobody(cold), "M1", knowledge)
    beside = rescue(nobody(cold, a_thrombosis()), "M1", knowledge)

    assert alone is not None
    assert beside is not None
    assert (alone.ignored, beside.ignored, beside.events) == ("no_patient", "", (a_thrombosis(),))


def test_what_is_unreadable_for_another_reason_is_left_to_a_human(knowledge: Knowledge) -> None:
    assert rescue(nobody(an_order(who=NOBODY), reason="no_order_number"), "M1", knowledge) is None


def test_only_what_a_rule_can_use_is_kept(knowledge: Knowledge) -> None:
    empty = Observation(
        patient=patient(), path="OBX[1]-5", key="k", codings=(Coding("LN", "29463-7"),), status="no_value"
    )

    kept = [is_kept(event, knowledge) for event in (an_order(), an_order(control="CA"), a_thrombosis(), COLD, empty)]

    assert kept == [True, True, True, False, False]


def test_a_diagnosis_that_is_not_kept_still_says_that_a_history_came(knowledge: Knowledge) -> None:
    gathered = gather([a_message(COLD)], knowledge)

    assert (gathered.entries, gathered.with_history) == ([], {("ZKHA", "1000001")})


def test_a_merge_has_a_direction_and_an_unmerge_has_none(knowledge: Knowledge) -> None:
    merge = gather([a_message(merged(patient("2"), into=patient("1")))], knowledge).merges
    parted = gather([a_message(merged(patient("2"), into=patient("1"), undone=True))], knowledge).merges

    assert [(each.statement.retired[1], each.statement.survivor[1]) for each in merge] == [("2", "1")]
    assert [(each.statement.retired[1], each.statement.survivor[1]) for each in parted] == [("2", "1"), ("1", "2")]


def test_a_retired_number_is_somebody_the_message_speaks_of() -> None:
    message = a_message(merged(patient("2"), into=patient("1")), seen(patient("3")))

    assert {value for _, value in identities_in([message])} == {"1", "2", "3"}


def test_an_event_without_a_time_happened_when_its_message_was_sent() -> None:
    undated, dated = a_thrombosis(), a_thrombosis(at=MONDAY)
    message = a_message(undated)

    assert message.version(undated) == message.version(dated)
    assert replace(message, message_time=None).version(undated) < message.version(undated)
