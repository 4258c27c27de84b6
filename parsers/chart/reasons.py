"""Why a patient came, an order was given or changed, or a test was asked for: a hint; by a code of a history, a fact.

PV2-3, ORC-16, OBR-13 and 31, RXO-20, RXE-27, RXG-22, RXA-19, BPO-13, and the notes of other medicines.
"""

import html
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from clinical.codes import Coding
from clinical.events import Certainty, Condition
from clinical.identities import Identifier
from clinical.times import Moment
from parsers.chart.condition_words import THROMBOSIS
from parsers.chart.patients import event_time
from parsers.defaults import Defaults
from parsers.hl7.codes import read_codings, read_words
from parsers.hl7.identifiers import natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment
from parsers.medication.immunoglobulins import looks_like_immunoglobulin

STATED_AS_REASON = "stated_as_reason"  # flag: that a feed sends reasons does not mean that it sends diagnoses
_DRUGS = frozenset({"RXO", "RXE", "RXG", "RXD", "RXA"})
_FIELDS = {"PV2": 3, "ORC": 16, "OBR": 31, "RXO": 20, "RXE": 27, "RXG": 22, "RXA": 19, "BPO": 13}
# A code without words: phlebitis, embolism and thrombosis of ICD-10 and 9 with the personal history of them, ICPC,
# and of SNOMED thrombosis, embolism and a history of either.
_OF_THROMBOSIS = re.compile(
    r"(?:I26|I8[0-2]|I63\.?6|I67\.?6|G08|O22\.?[35]|O87\.?[13]|O88|Z86\.?7|415\.?1|451|453|V12\.?5|K9[34])[0-9.]*"
    r"|128053003|59282003|161508001|161512007|429098002|111293003|373433005|16750002|132281000119108|439127006"
)
# Of these the codes of a history of venous thrombosis by itself. Z86.7 is of any disease of the circulation.
_EARLIER_THROMBOSIS = re.compile(r"Z86\.?71[18]?|V12\.?51|161508001|161512007|428904003")


def read_reasons(
    message: Message,
    patient: tuple[Identifier, ...],
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Condition]:
    """Reasons that name a thrombosis, in words or by a code, as suspicions; their words say whether one denies it."""
    return list(_reasons(message, patient, segments, defaults))


def _reasons(
    message: Message, patient: tuple[Identifier, ...], segments: Sequence[Segment], defaults: Defaults
) -> Iterator[Condition]:
    control, drug = None, None
    for segment in segments:
        if segment.name == "ORC":
            control, drug = segment, None
        elif segment.name in _DRUGS:
            drug = segment
        for path, codings, words in _stated(segment, drug, defaults):
            reason = reason_of(codings, words)
            if reason is not None:
                ordered = moment(control.text(9), defaults.zone) if control and segment.name != "PV2" else None
                when = ordered.at if ordered is not None else event_time(message, defaults)
                yield msgspec.structs.replace(reason, patient=patient, path=path, at=when)


def _stated(
    segment: Segment, drug: Segment | None, defaults: Defaults
) -> Iterator[tuple[str, tuple[Coding, ...], str]]:
    """Where a segment states reasons, each with its codes and its words."""
    field = _FIELDS.get(segment.name)
    if field and segment.raw(field):
        for repetition in range(1, segment.repetitions(field) + 1):
            coded = read_codings(segment, field, defaults, repetition)
            yield segment.path(field), coded, read_words(segment, field, repetition)
    if segment.name == "OBR" and segment.raw(13):  # clinical information
        yield from ((segment.path(13), (), line) for line in lines_that_name_thrombosis(segment.whole(13)))
    # A note of an anticoagulant may say what it is for; one of immunoglobulin says what to watch for.
    if segment.name == "NTE" and drug is not None and not looks_like_immunoglobulin((), drug.line):
        yield from ((segment.path(3), (), line) for line in lines_that_name_thrombosis(segment.whole(3)))


def reason_of(codings: tuple[Coding, ...], text: str) -> Condition | None:
    """Return a reason as a diagnosis; None where it names none. Whose it is and where it stands is for the caller."""
    if not THROMBOSIS.search(text) and not any(names_thrombosis(each) for each in codings):
        return None
    return Condition(
        patient=(),
        path="",
        flags=(STATED_AS_REASON,),
        key=natural_key("reason", codings, text, ""),
        category="diagnosis",
        codings=codings,
        text=text,
        certainty="confirmed" if any(map(_is_earlier_thrombosis, codings)) else "suspected",
    )


def _is_earlier_thrombosis(coding: Coding) -> bool:
    """Return whether a code says that the patient once had a venous thrombosis: a fact, for whatever it is a reason."""
    return _EARLIER_THROMBOSIS.fullmatch(coding.code.strip().upper()) is not None


def names_thrombosis(coding: Coding) -> bool:
    """Return whether a code alone, without words, is of a venous thrombosis or a history of one."""
    return _OF_THROMBOSIS.fullmatch(coding.code.strip().upper()) is not None


def lines_that_name_thrombosis(text: str) -> list[str]:
    """Return the first lines, items and sentences of a text, marked up or not, that name a thrombosis; each once."""
    plain = html.unescape(_MARKS.sub(" ", _BREAKS.sub("\n", text[:_LONGEST_TEXT])))
    lines = (" ".join(line.split()) for line in _LINE_ENDS.split(plain))
    return list(dict.fromkeys(line[:_LONGEST_LINE] for line in lines if THROMBOSIS.search(line)))[:_MOST_LINES]


def condition_in_words(
    line: str,
    patient: tuple[Identifier, ...],
    path: str,
    at: datetime | None,
    *,
    action: Literal["assert", "delete"] = "assert",
    certainty: Certainty = "confirmed",
    onset: Moment | None = None,
) -> Condition:
    """Return what one line of a text says of the patient, as it was written."""
    return Condition(
        patient=patient,
        path=path,
        at=at,
        flags=("from_narrative",),
        key=natural_key("narrative", (), line, ""),
        category="problem",
        action=action,
        text=line,
        certainty=certainty,
        onset=onset,
    )


def action_of(obx: Segment) -> Literal["assert", "delete"]:
    """Return what OBX-11 asks for: what was sent in error is taken back."""
    return "delete" if obx.text(11).strip() in _DELETED else "assert"


_DELETED = frozenset({"D", "W"})
_BREAKS = re.compile(r"</?(?:p|div|li|ul|ol|tr|td|th|h[1-6]|br|table)\b[^>]{0,200}>", re.IGNORECASE)
_MARKS = re.compile(r"<[^<>]{0,500}>")
_LINE_ENDS = re.compile(r"[\r\n]+|(?<=\w\w\w)[.]\s+")
_LONGEST_TEXT, _LONGEST_LINE, _MOST_LINES = 200_000, 400, 50
