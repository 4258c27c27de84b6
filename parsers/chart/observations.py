"""Laboratory results and measurements: OBX, wherever it stands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from clinical.events import Coding, Header, Identifier, Moment, Observation
from parsers.chart.measured import Measured, read_measured, read_unit
from parsers.chart.patients import event_time
from parsers.defaults import Defaults
from parsers.hl7.codes import read_coded
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment, read_time, stamp

Status = Literal["final", "preliminary", "corrected", "withdrawn", "no_value"]

# OBX-11 and OBR-25, table 0085 and 0123
_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("F", "U", "A", "V", "B"), "final"),
    "C": "corrected",
    **dict.fromkeys(("P", "R", "S", "I"), "preliminary"),
    **dict.fromkeys(("D", "W"), "withdrawn"),
    **dict.fromkeys(("X", "N", "O"), "no_value"),
}


@dataclass(slots=True)
class _Around:
    """The order an OBX stands under, for what it leaves open itself."""

    number: str = ""
    status: str = ""
    taken: tuple[str, ...] = ()  # OBR-7, SPM-17, OBR-22, as sent
    changed: datetime | None = None  # OBR-22, else ORC-9, else EVN-2


def read_observations(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Observation]:
    """Every OBX of one patient, also those under a medication order, an admission or a problem."""
    around = _Around(changed=event_time(message, defaults))
    found: list[Observation] = []
    for index, segment in enumerate(segments):
        if segment.name == "ORC":
            ordered = moment(segment.text(9), defaults.zone)
            around = _Around(changed=ordered.at if ordered else around.changed)
        elif segment.name == "OBR":
            around = _read_request(segment, segments[index + 1 :], around, defaults)
        elif segment.name == "OBX" and segment.raw(3):
            found.append(_read_observation(segment, patient, header, around, defaults))
    return found


def _read_request(obr: Segment, following: Sequence[Segment], before: _Around, defaults: Defaults) -> _Around:
    number = _entity(obr, 3) or _entity(obr, 2)
    changed = moment(obr.text(22), defaults.zone)
    sampled = next((segment.text(17) for segment in _until_next_request(following) if segment.name == "SPM"), "")
    return _Around(
        number=number,
        status=obr.text(25).strip().upper(),
        taken=tuple(text for text in (obr.text(7), sampled, obr.text(22)) if text),
        changed=changed.at if changed else before.changed,
    )


def _until_next_request(segments: Sequence[Segment]) -> Iterator[Segment]:
    for segment in segments:
        if segment.name in ("OBR", "ORC"):
            return
        yield segment


def _entity(segment: Segment, field: int) -> str:
    number = segment.text(field, 1).strip()
    return f"{segment.text(field, 2).strip()}|{number}" if number else ""


def _read_observation(
    obx: Segment, patient: tuple[Identifier, ...], header: Header, around: _Around, defaults: Defaults
) -> Observation:
    codings, text = read_coded(obx, 3, defaults)
    measured = read_measured(obx, defaults)
    status, flags = _status(obx, around, measured)
    taken, doubts = _taken(obx, around, header, defaults)
    return Observation(
        patient=patient,
        path=obx.path(5),
        at=around.changed,
        flags=flags + doubts + measured.flags,
        key=_key(obx, codings, text, around, taken),
        codings=codings,
        text=text,
        value=measured.value,
        comparator=measured.comparator,
        number=measured.number,
        unit=read_unit(obx),
        range=obx.whole(7).strip(),
        abnormal=obx.text(8).strip().upper(),
        status=status,
        taken=taken,
        value_codings=measured.codings,
    )


def _status(obx: Segment, around: _Around, measured: Measured) -> tuple[Status, tuple[str, ...]]:
    """OBX-11, and OBR-25 only when it is empty. A result without a value never overwrites one that has it."""
    sent = obx.text(11).strip().upper()
    status = _STATUSES.get(sent or around.status)
    flags = () if sent in _STATUSES else ("result_status",)
    if status in ("withdrawn", "no_value"):
        return status, flags
    if not measured.value and not measured.codings:
        return "no_value", flags
    return status or "final", flags


def _taken(obx: Segment, around: _Around, header: Header, defaults: Defaults) -> tuple[Moment | None, tuple[str, ...]]:
    """When it was measured: OBX-14, else the order's times, else the message's own, which is said."""
    for text in (obx.text(14), *around.taken):
        found, doubts = read_time(text, defaults.zone)
        if found is not None:
            return found, doubts
    return header.sent_at, ("time_assumed",) if header.sent_at else ()


def _key(obx: Segment, codings: tuple[Coding, ...], text: str, around: _Around, taken: Moment | None) -> str:
    """Order, test, sub-id and time: by these a corrected result finds the one it corrects."""
    test = f"{codings[0].system}:{codings[0].code}" if codings else " ".join(text.lower().split())
    return f"{around.number}/{test}/{obx.text(4).strip()}/{stamp(taken)}"
