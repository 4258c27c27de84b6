"""Why a patient came (PV2-3) or an order changed (ORC-16), when it names a thrombosis: a hint, never more."""

from collections.abc import Sequence

from clinical.events import Condition
from clinical.identities import Identifier
from parsers.chart.certainty import certainty_of
from parsers.chart.certainty_words import THROMBOSIS
from parsers.chart.patients import event_time
from parsers.defaults import Defaults
from parsers.hl7.codes import read_codings, read_words
from parsers.hl7.identifiers import natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment

_FIELDS = {"PV2": 3, "ORC": 16}


def read_reasons(
    message: Message,
    patient: tuple[Identifier, ...],
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Condition]:
    """Reasons that name a thrombosis, as suspicions; one that denies it, or tells of a relative, says so.

    Other reasons are left alone: that a feed sends them does not mean that it sends diagnoses.
    """
    found = []
    for segment in segments:
        field = _FIELDS.get(segment.name)
        text = read_words(segment, field) if field and segment.raw(field) else ""
        if not field or not THROMBOSIS.search(text):
            continue
        certainty = certainty_of(text)
        ordered = moment(segment.text(9), defaults.zone) if segment.name == "ORC" else None
        codings = read_codings(segment, field, defaults)
        found.append(
            Condition(
                patient=patient,
                path=segment.path(field),
                at=ordered.at if ordered else event_time(message, defaults),
                flags=("stated_as_reason",),
                key=natural_key("reason", codings, text, ""),
                category="diagnosis",
                codings=codings,
                text=text,
                certainty="suspected" if certainty == "confirmed" else certainty,
            )
        )
    return found
