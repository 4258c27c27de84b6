"""Procedures: PR1."""

from collections.abc import Sequence

from clinical.events import Header, Procedure
from clinical.identities import Identifier
from parsers.chart.patients import event_time
from parsers.defaults import Defaults
from parsers.hl7.codes import read_diagnosed, read_words
from parsers.hl7.identifiers import entity_key, joined, natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import read_time

_WITHDRAWN = ("D", "X")  # PR1-20


def read_procedures(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Procedure]:
    """Return every PR1 of one patient that names something."""
    at = event_time(message, defaults)
    found = []
    for pr1 in (segment for segment in segments if segment.name == "PR1"):
        codings = read_diagnosed(pr1, defaults)
        text = joined(read_words(pr1, 3), pr1.whole(4))
        if not codings and not text:
            continue
        performed, doubts = read_time(pr1.text(5), defaults.zone)
        found.append(
            Procedure(
                patient=patient,
                path=pr1.path(3 if pr1.raw(3) else 4),
                at=at,
                flags=doubts,
                key=entity_key("procedure", pr1, 19, header) or natural_key("procedure", codings, text, pr1.text(5)),
                action="delete" if pr1.text(20).strip().upper() in _WITHDRAWN else "assert",
                codings=codings,
                text=text,
                performed=performed,
            )
        )
    return found
