"""Diagnoses (DG1, FT1-19) and problems (PRB). What a message does not mention stays as it was."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from clinical.codes import Coding
from clinical.events import Certainty, Condition, Header
from clinical.identities import Identifier
from parsers.chart.condition_words import (
    DIAGNOSIS_TYPES,
    GERMAN_CERTAINTIES,
    GERMAN_MARK,
    STATUS_WORDS,
    Status,
)
from parsers.chart.patients import event_time
from parsers.defaults import Defaults
from parsers.hl7.codes import read_codings, read_diagnosed, read_words
from parsers.hl7.identifiers import entity_key, joined, natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment, read_time

_DELETING_EVENT = "PC3"
_WITHDRAWN = ("D", "X")  # DG1-21
UNNUMBERED = "withdrawn_without_number"
_BILLED_FOR = 19  # FT1-19
_NO_EFFECT = ("LI", "UN")  # PRB-1: linked to an order or a goal


def read_conditions(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Condition]:
    """Return every DG1, FT1-19 and PRB of one patient, in the order they stand."""
    at = event_time(message, defaults)
    found: list[Condition] = []
    for segment in segments:
        if segment.name == "DG1" and (diagnosis := _read_diagnosis(segment, patient, header, at, defaults)):
            found += _with_its_copy(diagnosis, segment.text(5))
        elif segment.name == "PRB" and (problem := _read_problem(segment, patient, header, defaults)):
            found += _with_its_copy(problem, _onset(segment))
        elif segment.name == "FT1" and segment.raw(_BILLED_FOR):
            found += _read_billed(segment, patient, at, defaults)
    return found


def _surest_no(stated: Certainty, marked: Certainty | None) -> Certainty:
    """Return what a German letter says of a diagnosis that is stated as certain, and that it rules out any."""
    return marked if marked and (stated == "confirmed" or marked == "refuted") else stated


def _with_its_copy(condition: Condition, written: str) -> list[Condition]:
    """Deleting a numbered entry also deletes what was said of the same code and day without a number.

    Entries with a number of their own stay: cleaning up a duplicate removes nothing else.
    """
    if condition.action == "assert" or not condition.codings or UNNUMBERED in condition.flags:
        return [condition]
    copy = natural_key(condition.category, condition.codings, condition.text, written)
    return [condition] if copy == condition.key else [condition, msgspec.structs.replace(condition, key=copy)]


def _onset(prb: Segment) -> str:
    return prb.text(16) or prb.text(7)


def _read_diagnosis(
    dg1: Segment, patient: tuple[Identifier, ...], header: Header, at: datetime | None, defaults: Defaults
) -> Condition | None:
    """Read a DG1; one that is withdrawn without its number (DG1-20) takes back nothing that was said before."""
    codings, marked = without_mark(read_diagnosed(dg1, defaults))
    text = joined(read_words(dg1, 3), dg1.whole(4))
    if not codings and not text:
        return None
    onset, flags = read_time(dg1.text(5), defaults.zone)
    withdrawn, number = dg1.text(21).strip().upper() in _WITHDRAWN, entity_key("diagnosis", dg1, 20, header)
    stated = DIAGNOSIS_TYPES.get(dg1.text(6).strip().upper(), "confirmed")
    return Condition(
        patient=patient,
        path=dg1.path(3 if dg1.raw(3) else 4),
        at=at,
        flags=flags if number or not withdrawn else (*flags, UNNUMBERED),
        key=number or natural_key("withdrawn" if withdrawn else "diagnosis", codings, text, dg1.text(5)),
        category="diagnosis",
        action="delete" if withdrawn else "assert",
        codings=codings,
        text=text,
        certainty=_surest_no(stated, marked),
        onset=onset,
    )


def _read_billed(
    ft1: Segment, patient: tuple[Identifier, ...], at: datetime | None, defaults: Defaults
) -> Iterator[Condition]:
    """Yield the diagnoses that something was billed for; a credit (FT1-6) takes none of them back."""
    for repetition in range(1, ft1.repetitions(_BILLED_FOR) + 1):
        codings, marked = without_mark(read_codings(ft1, _BILLED_FOR, defaults, repetition))
        text = read_words(ft1, _BILLED_FOR, repetition)
        if not codings and not text:
            continue
        yield Condition(
            patient=patient,
            path=ft1.path(_BILLED_FOR),
            at=at,
            key=natural_key("diagnosis", codings, text, ft1.text(4)),
            category="diagnosis",
            codings=codings,
            text=text,
            certainty=marked or "confirmed",
            onset=moment(ft1.text(4), defaults.zone),
        )


def _read_problem(
    prb: Segment, patient: tuple[Identifier, ...], header: Header, defaults: Defaults
) -> Condition | None:
    codings, marked = without_mark(read_codings(prb, 3, defaults))
    text = read_words(prb, 3)
    action = prb.text(1).strip().upper()
    if (not codings and not text and not prb.raw(4)) or action in _NO_EFFECT:
        return None
    said = _said(prb, defaults.problem_statuses)
    deleted, flags = _is_deleted(action, said, header)
    stated = _problem_certainty(prb, said)
    written = _onset(prb)
    changed = moment(prb.text(2), defaults.zone)
    return Condition(
        patient=patient,
        path=prb.path(3),
        at=changed.at if changed else None,
        flags=flags,
        key=entity_key("problem", prb, 4, header) or natural_key("problem", codings, text, written),
        category="problem",
        action="delete" if deleted else "assert",
        codings=codings,
        text=text,
        certainty=_surest_no(stated, marked),
        status=_status(prb, said, removed="removed_from_list" in flags),
        onset=moment(written, defaults.zone),
        resolved=moment(prb.text(9), defaults.zone),
    )


def _said(prb: Segment, of_feed: Mapping[str, str]) -> frozenset[str]:
    """Return what PRB-13 and PRB-14 say together: senders often fill one with what belongs in the other."""
    said: set[str] = set()
    for field in (13, 14):
        for component in (1, 2):
            words = prb.component(field, component).strip()
            if words in of_feed:
                said.add(of_feed[words])
            elif status := _status_named(words):
                said.add(status)
    return frozenset(said)


def _status_named(words: str) -> Status | None:
    return next((name for name, pattern in STATUS_WORDS if pattern.search(words)), None)


def _is_deleted(action: str, said: frozenset[str], header: Header) -> tuple[bool, tuple[str, ...]]:
    """Treat an entry made in error as deleted; one that was merely taken off the list stays history."""
    if "error" in said:
        return True, ()
    if header.event == _DELETING_EVENT:
        return (True, ()) if action in ("DE", "") else (False, ("action_conflict",))
    return False, ("removed_from_list",) if action == "DE" else ()


def _status(prb: Segment, said: frozenset[str], removed: bool) -> str:
    if "resolved" in said:
        return "resolved"
    if "inactive" in said or removed:
        return "inactive"
    if "active" not in said and prb.raw(9) and not prb.is_null(9):
        return "resolved"
    return "active"


def _problem_certainty(prb: Segment, said: frozenset[str]) -> Certainty:
    if "refuted" in said:
        return "refuted"
    certainty = prb.component(19, 1) + " " + prb.component(19, 2)
    if "suspected" in said or "?" in certainty or _status_named(certainty) == "suspected":
        return "suspected"
    return "confirmed"


def without_mark(codings: tuple[Coding, ...]) -> tuple[tuple[Coding, ...], Certainty | None]:
    """Return the codes without the letter that German senders glue to them, and what it says: "I26.9A" is ruled out."""
    marks: list[str] = []
    bare: list[Coding] = []
    for coding in codings:
        found = GERMAN_MARK.fullmatch(coding.code) if coding.system in ("ICD10", "") else None
        if found is not None:
            marks.append(found["mark"])
            coding = msgspec.structs.replace(coding, code=found["code"])
        bare.append(coding)
    return tuple(bare), GERMAN_CERTAINTIES[marks[0]] if marks else None
