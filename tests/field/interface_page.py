"""docs/interface.md, written from what the code reads: `make docs`, or python -m tests.field.interface_page.

The fields are those that the parsers ask for while they read the samples and the cases from the field.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from clinical.events import AnyEvent
from ivigilant.explain.messages import WatchedSegment
from listener.acknowledge import acknowledge
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.fhir.reading import MEDICATION, READERS
from parsers.hl7 import message_types
from parsers.hl7.batches import split_batch
from parsers.hl7.dictionary import field_name
from parsers.hl7.header import read_header, read_header_line
from parsers.hl7.segments import split
from parsers.reading import read_message
from tests.field.sending import given, of_our_own

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "interface.md"
SAMPLES = ROOT / "tests" / "samples"
EXAMPLE = "03_omp_o09_v25_nw_q4w_tq1.hl7"

WHAT = {
    "ORDERS": "orders, changes, dispenses: IVIg is judged; other medicines count as history",
    "ADMINISTRATIONS": "what was given, bag by bag",
    "RESULTS": "laboratory results, measurements, reports",
    "PROBLEMS": "problems, with the orders that treat them",
    "BILLING": "diagnoses and procedures of an account",
    "REFERRALS": "diagnoses, problems and allergies of a referral or a care record",
    "REQUESTS": "why an image is asked for: reasons and diagnoses",
    "DOCUMENTS": "history that is coded or written in a document",
    "ADMINISTRATIVE": "who the patient is, admissions, diagnoses, allergies, merges",
}
EVENTS = {
    "PatientSeen": "the patient",
    "PatientMerged": "a merge",
    "Condition": "a diagnosis, problem or contra-indication",
    "Procedure": "a procedure",
    "Allergy": "an allergy",
    "Observation": "a result or a measurement",
    "MedicationOrdered": "an order",
    "MedicationGiven": "an administration",
}
HEAD = """\
# The interface

Written by `make docs` from the code, and held to it by a test. HL7 v2.1 to 2.8 over MLLP, in any character set of table
0211; FHIR R4 by `ivigilant history import`. Order of segments, missing groups and fields that are not named here do not
matter; what stands in another field than the standard says is looked for ([other senders](other-senders.md)).
`ivigilant explain FILE` shows for any message what is read of it and what not.
"""
ANSWERS = """\
## What we answer

A message is answered after it is stored. With MSH-15 or MSH-16 the answer is one of enhanced mode (CA, CE, CR).

| answer | when |
| --- | --- |
| AA, CA | it is stored, whatever it says: what cannot be read waits for a person, what is none of ours is ignored |
| AR, CR | there is no MSH that can be read, it is too large, or the site file refuses its type or its sender |
| AE, CE | the site file says what must be right in it, and it is not |
"""


def write_page() -> str:
    """The page: message types, segments with the fields that are read, answers, an example."""
    return "\n".join([HEAD, *_message_types(), "", *_segments(), "", ANSWERS, *_example(), "", *_resources(), ""])


def _message_types() -> Iterator[str]:
    yield "## Messages that are read\n\n| type | events | what for |\n| --- | --- | --- |"
    for name, what in WHAT.items():
        by_type: dict[str, list[str]] = defaultdict(list)
        for kind, event in sorted(getattr(message_types, name)):
            by_type[kind].append(event)
        for kind, events in sorted(by_type.items()):
            yield f"| {kind} | {', '.join(events)} | {what} |"
    yield "\nEvery other type is stored, answered and ignored with the reason `unknown_type`; an acknowledgement too."


def _segments() -> Iterator[str]:
    asked, told = _observed(_messages())
    yield "## Segments and the fields that are read\n"
    for segment in sorted(asked):
        fields = [(number, field_name(segment, number)) for number in sorted(asked[segment])]
        named = "; ".join(f"{number} {name}" if name else str(number) for number, name in fields)
        means = f"**{segment}** tells {_listed(told[segment])}: " if told[segment] else f"**{segment}**: "
        yield f"- {means}{named}"


def _listed(kinds: Iterable[str]) -> str:
    return ", ".join(what for kind, what in EVENTS.items() if kind in kinds)


def _messages() -> Iterator[bytes]:
    for file in sorted(SAMPLES.glob("*.hl7")):
        batch = split_batch(file.read_bytes())
        yield from batch.messages if batch is not None else [file.read_bytes()]
    for case in (*given(), *of_our_own()):
        yield from case.messages


def _observed(messages: Iterable[bytes]) -> tuple[dict[str, set[int]], dict[str, set[str]]]:
    """By segment the fields that were asked for, and the kinds of event that stand in it."""
    asked: dict[str, set[int]] = defaultdict(set)
    told: dict[str, set[str]] = defaultdict(set)
    for raw in messages:
        defaults = Defaults()
        message = split(raw, defaults.charset, WatchedSegment)
        for event in _events(raw, defaults):
            told[event.path[:3]].add(type(event).__name__)
        try:
            read_message(message, read_header(raw, defaults), defaults)
        except UnreadableMessage:
            continue
        for segment in message.segments:
            if isinstance(segment, WatchedSegment) and segment.asked and not segment.name.startswith("Z"):
                asked[segment.name] |= {number for number in segment.asked if field_name(segment.name, number)}
    return asked, told


def _events(raw: bytes, defaults: Defaults) -> Sequence[AnyEvent]:
    try:
        return read_message(split(raw, defaults.charset), read_header(raw, defaults), defaults).events
    except UnreadableMessage as error:
        return error.reading.events


def _example() -> Iterator[str]:
    raw = (SAMPLES / EXAMPLE).read_bytes()
    header = read_header(raw, Defaults())
    answer = acknowledge(
        read_header_line(raw), header, "AA", control_id=b"IVIG0001", now=datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    )
    yield "## An example\n"
    for text in (raw, answer):
        yield f"```\n{text.decode().replace(chr(13), chr(10)).strip()}\n```\n"


def _resources() -> Iterator[str]:
    yield "## FHIR resources that are read\n"
    yield ", ".join(sorted([*READERS, MEDICATION])) + "; alone or in a Bundle, a resource a line."


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
