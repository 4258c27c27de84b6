"""Who the patient is, where, and who turned out to be the same: PID, PV1 and MRG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from clinical.events import Header, PatientMerged, PatientSeen
from clinical.identities import Identifier, PersonName
from clinical.times import Moment
from parsers.defaults import Defaults
from parsers.hl7.identifiers import has_invalid_bsn, numbers_beside, other_spellings, read_identifiers, usual_spelling
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment, read_time

# A35, A41, A42, A44, A45, A50 and A51 are about an account or a visit, and leave the person alone.
_PERSON_MERGES = frozenset({"A18", "A30", "A34", "A36", "A39", "A40", "A43", "A46", "A47", "A48"})
_DISCHARGE_CANCELLED = "A13"
_VISIT_CANCELLED = frozenset({"A09", "A10", "A11", "A12", "A27"})
_UNDONE_MERGES = frozenset({"A37"})


def read_patient(pid: Segment, defaults: Defaults) -> tuple[Identifier, ...]:
    """Return the patient's numbers, the identity first: PID-3, and the older PID-2 and PID-4 only when it is empty."""
    return read_identifiers(pid, (3, 2, 4), defaults)


def read_patients(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[PatientSeen]:
    """Return what PID and PV1 say of one patient."""
    pid = next((segment for segment in segments if segment.name == "PID"), None)
    if pid is None:
        return []
    pv1 = next((segment for segment in segments if segment.name == "PV1"), None)
    died_at, doubts = read_time(pid.text(29), defaults.zone)
    birth_date, odd = read_date(pid.text(7))
    visit = _read_visit(pv1, header, defaults)
    return [
        PatientSeen(
            patient=patient,
            path=pid.path(),
            at=event_time(message, defaults),
            flags=_doubts(pid, header) + doubts + odd,
            name=read_name(pid, 5),
            birth_date=birth_date,
            sex=pid.text(8).strip().upper(),
            deceased=_read_deceased(pid, died_at),
            died_at=died_at,
            ward=visit.ward,
            visit=visit.number,
            patient_class=visit.patient_class,
            admitted_at=visit.admitted_at,
            discharged_at=visit.discharged_at,
        )
    ]


def read_merges(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[PatientMerged]:
    """Return the numbers that now mean this patient; merges of an account or a visit leave the person alone."""
    merges = _read_spellings(patient, header, segments, defaults)
    if header.event in _UNDONE_MERGES:
        return merges + _read_unlinked(patient, message, defaults)
    if header.event not in _PERSON_MERGES:
        return merges
    survivors = (patient, *((each,) for each in _spelled(patient[:1], defaults)[1:]))
    for mrg in (segment for segment in segments if segment.name == "MRG"):
        numbers = read_identifiers(mrg, (1, 4), defaults)
        usual = (usual_spelling(each, defaults) for each in numbers[:1])
        retired = _apart_from(patient, tuple(dict.fromkeys((*numbers, *usual))))
        at, path = event_time(message, defaults), mrg.path(1)
        merges += [PatientMerged(patient=each, path=path, at=at, retired=retired) for each in survivors if retired]
    return merges


def _read_spellings(
    patient: tuple[Identifier, ...], header: Header, segments: Sequence[Segment], defaults: Defaults
) -> list[PatientMerged]:
    """That the number of this message is one that other feeds may write in another way, or one of several she has."""
    pid = next((segment for segment in segments if segment.name == "PID"), None)
    if pid is None:
        return []
    usual = usual_spelling(patient[0], defaults)
    beside = {each: usual_spelling(each, defaults) for each in numbers_beside(pid, patient, defaults)}
    if beside and _is_infant(pid, header):
        beside = {}
    links = [(SPELLING, usual, other_spellings(pid, 3, defaults, patient[0]))]
    links += [(SPELLING, other, (each,)) for each, other in beside.items() if other != each]
    links += [(BESIDE, usual, tuple(dict.fromkeys(beside.values())))]
    return [
        PatientMerged(patient=(survivor,), path=pid.path(3), flags=(flag,), retired=retired)
        for flag, survivor, retired in links
        if retired
    ]


def _is_infant(pid: Segment, header: Header) -> bool:
    """Return whether the patient is not a year old: another number in the message may be the mother's."""
    born, _ = read_date(pid.text(7))
    return born is not None and header.sent_at is not None and header.sent_at.at.date() - born < _A_YEAR


_A_YEAR = timedelta(days=365)

# Flags of a merge without a merge message.
SPELLING = "spelling"  # one number, written in two ways
BESIDE = "beside"  # two numbers that one message gives one patient


def _apart_from(patient: tuple[Identifier, ...], numbers: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    """Return the numbers the patient does not have. A BSN is a person's own, and is never merged away."""
    own = {(each.authority, each.value) for each in patient}
    return tuple(each for each in numbers if (each.authority, each.value) not in own and each.type != "NNNLD")


def _read_unlinked(patient: tuple[Identifier, ...], message: Message, defaults: Defaults) -> list[PatientMerged]:
    """A37 names two patients in two PIDs: they are no longer one, whichever numbers the sender still gives both.

    That holds for both ways of writing each number: a merge may have joined them in the other one.
    """
    first, *others = message.all("PID")
    if read_patient(first, defaults) != patient:
        return []
    one = _spelled(patient[:1], defaults)
    for pid in others:
        numbers = read_patient(pid, defaults)
        other = _apart_from(one, _spelled((*numbers[:1], *_apart_from(patient, numbers[1:])), defaults))
        if other:
            at, path = event_time(message, defaults), pid.path(3)
            return [PatientMerged(patient=(each,), path=path, at=at, retired=other, undone=True) for each in one]
    return []


def _spelled(numbers: tuple[Identifier, ...], defaults: Defaults) -> tuple[Identifier, ...]:
    """Return these as sent and in their usual spelling, each once."""
    return tuple(dict.fromkeys(written for each in numbers for written in (each, usual_spelling(each, defaults))))


def _doubts(pid: Segment, header: Header) -> tuple[str, ...]:
    flags = []
    if has_invalid_bsn(pid, 3):
        flags.append("bsn_invalid")
    if pid.text(31).strip().upper() == "Y":
        flags.append("identity_unknown")
    if header.event in _VISIT_CANCELLED:
        flags.append("visit_cancelled")
    return tuple(flags)


@dataclass(frozen=True, slots=True)
class _Visit:
    """What PV1 says; all empty when there is none."""

    ward: str = ""
    number: str = ""
    patient_class: str = ""
    admitted_at: Moment | None = None
    discharged_at: Moment | None = None


def _read_visit(pv1: Segment | None, header: Header, defaults: Defaults) -> _Visit:
    if pv1 is None:
        return _Visit()
    discharged_at = None
    if header.event != _DISCHARGE_CANCELLED:
        discharged_at = next((at for text in pv1.texts(45) if (at := moment(text, defaults.zone))), None)
    return _Visit(
        ward=pv1.text(3).strip(),
        number=pv1.text(19).strip(),
        patient_class=pv1.text(2).strip().upper(),
        admitted_at=moment(pv1.text(44), defaults.zone),
        discharged_at=discharged_at,
    )


def _read_deceased(pid: Segment, died_at: Moment | None) -> bool | None:
    """PID-29 or PID-30; None when neither says anything, which changes nothing."""
    said = pid.text(30).strip().upper()
    if died_at is not None or said in ("Y", "J", "1", "TRUE"):
        return True
    if said in ("N", "0", "FALSE") or pid.is_null(30) or pid.is_null(29):
        return False
    return None


def read_name(segment: Segment, field: int) -> PersonName | None:
    """Return the legal name when the field has one, else its first."""
    count = segment.repetitions(field)
    if not count:
        return None
    repetition = next((each for each in range(1, count + 1) if segment.text(field, 7, repetition=each) == "L"), 1)
    name = PersonName(
        family=segment.text(field, 1, repetition=repetition).strip(),
        given=segment.text(field, 2, repetition=repetition).strip(),
    )
    return name if name.family or name.given else None


def read_date(text: str) -> tuple[date | None, tuple[str, ...]]:
    """Return a calendar day as written, in no zone; of a partial date its first day, and whether it was partial."""
    found = moment(text, UTC)
    digits = "".join(filter(str.isdecimal, text))[:8]
    if found is None:
        return None, ("unreadable_birth_date",) if text.strip('0" ') else ()
    if found.precision in ("year", "month"):
        return found.at.date(), ("partial_birth_date",)
    return date.fromisoformat(digits), ()  # the day as written, whatever its offset


def event_time(message: Message, defaults: Defaults) -> datetime | None:
    """EVN-2: when an admission, a merge or a discharge was recorded; None when the message does not say."""
    evn = message.first("EVN")
    at = moment(evn.text(2), defaults.zone) if evn else None
    return at.at if at else None
