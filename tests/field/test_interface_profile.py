"""The conformance profile says what the code reads, in the form that validators read."""

from xml.etree import ElementTree as Tree

import pytest

from parsers.hl7 import message_types
from parsers.hl7.header import read_header_line
from tests.field.interface_page import SAMPLES, observed_fields
from tests.field.interface_profile import FILE, REQUIRED, write_profile


@pytest.fixture(scope="module")
def profile() -> Tree.Element:
    return Tree.parse(FILE).getroot()


def test_the_profile_is_what_make_docs_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == write_profile()


def test_every_message_that_is_read_is_in_it_and_our_answer(profile: Tree.Element) -> None:
    messages = {(each.get("Type"), each.get("Event")) for each in profile.iter("Message")}

    assert messages == message_types.READ | {("ACK", "ACK")}


def test_what_it_refers_to_is_there_once(profile: Tree.Element) -> None:
    for kind, users, attribute in (
        ("Segment", "Messages", "Ref"),
        ("Datatype", "Segments", "Datatype"),
        ("Datatype", "Datatypes", "Datatype"),
    ):
        defined = [each.get("ID") for each in profile.findall(f"./{kind}s/{kind}")]
        named = {each.get(attribute) for each in profile.findall(f"./{users}//*[@{attribute}]")}

        assert len(defined) == len(set(defined))
        assert named <= set(defined)


def test_a_field_that_is_read_is_read_when_it_is_there_and_no_other_is(profile: Tree.Element) -> None:
    for segment in profile.findall("./Segments/Segment"):
        name = str(segment.get("ID"))
        usages = {number: field.get("Usage") for number, field in enumerate(segment, 1)}
        if name not in ("MSA", "ERR"):
            wanted = observed_fields()[name] | {number for of, number in REQUIRED if of == name}
            assert {number for number, usage in usages.items() if usage != "O"} == wanted
        assert {number for number, usage in usages.items() if usage == "R"} >= {n for of, n in REQUIRED if of == name}


def test_the_samples_have_what_it_requires(profile: Tree.Element) -> None:
    required = {
        (message.get("Type"), message.get("Event")): {
            each.get("Ref") for each in message.iter("Segment") if each.get("Usage") == "R"
        }
        for message in profile.iter("Message")
    }
    for file in sorted(SAMPLES.glob("*.hl7")):
        raw = file.read_bytes()
        if raw.startswith(b"MSH"):
            fields = read_header_line(raw).fields
            kind, event = fields[9].decode().replace("~", "^").split(fields[2][:1].decode() or "^")[:2]
            present = {line[:3].decode() for line in raw.split(b"\r") if line}

            assert required[kind, event] <= present, file.name
