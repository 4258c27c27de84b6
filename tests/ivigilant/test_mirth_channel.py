"""The sample channel of an interface engine sends until we say that a message is stored."""

from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from ivigilant.settings import Settings

FILE = Path(__file__).parents[2] / "docs" / "mirth-channel.xml"


@pytest.fixture(scope="module")
def destination() -> Tree.Element:
    connectors = Tree.parse(FILE).getroot().findall("./destinationConnectors/connector")
    assert len(connectors) == 1
    return connectors[0]


def test_it_queues_always_and_a_message_that_is_not_taken_holds_up_no_other(destination: Tree.Element) -> None:
    queue = {each.tag: each.text for each in destination.findall(".//destinationConnectorProperties/*")}

    assert (queue["queueEnabled"], queue["sendFirst"], queue["rotate"]) == ("true", "false", "true")
    assert int(queue["retryIntervalMillis"] or 0) <= 10_000
    assert queue["validateResponse"] == "true"


def test_it_waits_for_our_answer_and_sends_again_without_one(destination: Tree.Element) -> None:
    sender = {each.tag: each.text for each in destination.findall("./properties/*")}

    assert (sender["ignoreResponse"], sender["queueOnResponseTimeout"]) == ("false", "true")
    assert int(sender["responseTimeout"] or 0) >= 30_000
    assert int(sender["remotePort"] or 0) == Settings.model_fields["mllp_port"].default


def test_only_an_acceptance_of_this_very_message_ends_its_sending(destination: Tree.Element) -> None:
    script = str(destination.findtext("./responseTransformer/elements//script"))
    accepted, refused, otherwise = script.split("responseStatus = ")[1:4]

    assert "isOurs && (code === 'AA' || code === 'CA')" in script.split("responseStatus", maxsplit=1)[0]
    assert accepted.startswith("SENT") and "isOurs && (code === 'AR' || code === 'CR')" in accepted
    assert refused.startswith("ERROR") and refused.rstrip().endswith("else {")
    assert otherwise.startswith("QUEUED")


def test_an_acknowledgement_that_nobody_answers_is_not_sent(destination: Tree.Element) -> None:
    assert "return !/[\\r\\n]MSA\\|/.test(raw) || /[\\r\\n]PID\\|/.test(raw);" in str(
        destination.findtext("./filter/elements//script")
    )


def test_the_bytes_of_a_message_stay_as_they_are() -> None:
    channel = Tree.parse(FILE).getroot()

    assert {each.text for each in channel.iter("charsetEncoding")} == {"ISO-8859-1"}
    assert {each.text for each in channel.iter("convertLineBreaks")} == {"false"}
    assert [each.text for each in channel.iter("template")] == ["${message.rawData}"]
    assert [
        (each.findtext("startOfMessageBytes"), each.findtext("endOfMessageBytes"))
        for each in channel.iter("transmissionModeProperties")
    ] == [("0B", "1C0D")] * 2
