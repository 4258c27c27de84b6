"""docs/interface.md, written from what the code reads: `make docs`, or python -m tests.field.interface_page.

The fields are those that the parsers ask for while they read the samples and the cases from the field.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from functools import cache
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
    "ANSWERS": "what became of an order, where the answer names the patient",
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
`ivigilant explain FILE` shows for any message what is read of it and what not. The same as a conformance profile, for a
validator or an interface engine: [interface-profile.xml](interface-profile.xml).
"""
PATIENTS = """\
## Who the patient is

The numbers of PID-3; of PID-2 and PID-4 only where PID-3 is empty. The identity is the number of the authority that
the site file names first, else the first of type MR or PI, else the first of another type that is a person's; a BSN
only where nothing else is sent. Numbers of a visit, an account, an order or an insurance are of nobody.

- Several numbers of type PI, or several of type MR, by one authority in one PID-3 are one patient, whichever stands
  first: what is known under any of them counts, but for the number of the mother in PID-21. That is a link, not a
  merge: any merge (A18, A30, A34, A36, A39, A40, A43, A46, A47, A48) goes before it, the pages of merges show it, and
  once they are parted (A37, or by hand) the same two numbers do not join again.
- Numbers of two authorities are two patients until a message merges them. One number in two spellings (the
  authority as OID, as name or in other case, with its check digit, padded with noughts) is one, where the site file
  says so or it follows from PID-3.
"""
ANSWERS = """\
## What we answer

A message is answered after it is stored. With MSH-15 or MSH-16 the answer is one of enhanced mode (CA, CE, CR).

| answer | when |
| --- | --- |
| AA, CA | it is stored, whatever it says: what cannot be read waits for a person, what does not concern us is ignored |
| AR, CR | there is no MSH that can be read, it is too large, or the site file refuses its type or its sender |
| AE, CE | the site file says what must be right in it, and it is not |
"""


def write_page() -> str:
    """The page: message types, segments with the fields that are read, answers, an example."""
    return "\n".join(
        [HEAD, *_message_types(), "", *_segments(), "", PATIENTS, ANSWERS, *_example(), "", *_resources(), ""]
    )


def _message_types() -> Iterator[str]:
    yield "## Messages that are read\n\n| type | events | what for |\n| --- | --- | --- |"
    for name, what in WHAT.items():
        by_type: dict[str, list[str]] = defaultdict(list)
        for kind, event in sorted(getattr(message_types, name)):
            by_type[kind].append(event)
        for kind, events in sorted(by_type.items()):
            yield f"| {kind} | {', '.join(events)} | {what} |"
    yield (
        "\nOf every other type diagnoses, problems, procedures and allergies are read where it names the patient (an "
        "order beside them is not: the message gets the flag `order_unread`); with none of these it is stored, "
        "answered and ignored with the reason `unknown_type`. A message with an MSA and without a PID is an "
        "acknowledgement: stored, not answered, ignored."
    )


def _segments() -> Iterator[str]:
    asked, told = _observed()
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


def observed_fields() -> Mapping[str, Set[int]]:
    """By segment the numbers of the fields that are read."""
    return _observed()[0]


@cache
def _observed() -> tuple[dict[str, set[int]], dict[str, set[str]]]:
    """By segment the fields that were asked for, and the kinds of event that stand in it."""
    asked: dict[str, set[int]] = defaultdict(set)
    told: dict[str, set[str]] = defaultdict(set)
    for raw in _messages():
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
