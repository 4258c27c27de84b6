"""Fields named in the site file: a weight in a Z-segment, a feed's own contra-indications."""

from collections.abc import Iterator, Sequence

import msgspec

from clinical.codes import Coding
from clinical.events import Condition, Header, Observation
from clinical.identities import Identifier
from clinical.times import Moment
from parsers.chart.body_measures import HEIGHT, WEIGHT
from parsers.chart.observations import read_figure, ucum_of
from parsers.chart.patients import event_time
from parsers.defaults import Defaults, SiteField
from parsers.hl7.codes import read_codings, read_words
from parsers.hl7.identifiers import natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import stamp

_MEASURED = {"weight": WEIGHT, "height": HEIGHT}


def read_site_fields(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[Observation | Condition]:
    """Yield everything of one patient that stands in the fields the site file names."""
    at = event_time(message, defaults)
    taken = Moment(at=at, precision="second") if at else header.sent_at
    for segment in segments:
        for place in defaults.fields:
            if segment.name != place.segment or not segment.raw(place.field) or segment.is_null(place.field):
                continue
            if place.what == "diagnosis":
                yield from _diagnoses(segment, place, patient, defaults)
            elif event := _measurement(segment, place, patient, taken):
                yield event if at is None else msgspec.structs.replace(event, at=at)


def _measurement(
    segment: Segment, place: SiteField, patient: tuple[Identifier, ...], taken: Moment | None
) -> Observation | None:
    """Return a number in the unit the site file gives; it is of the moment the message speaks of."""
    value = segment.text(place.field, place.component).strip()
    comparator, number, flags = read_figure(value, is_numeric=True)
    if number is None:
        return None
    return Observation(
        patient=patient,
        path=segment.path(place.field),
        flags=(*flags, "time_assumed"),
        key=f"site/{place.what}/{stamp(taken)}",
        codings=(_MEASURED[place.what],),
        text=_MEASURED[place.what].display,
        value=value,
        comparator=comparator,
        number=number,
        unit=ucum_of(place.unit),
        taken=taken,
    )


def _diagnoses(
    segment: Segment, place: SiteField, patient: tuple[Identifier, ...], defaults: Defaults
) -> Iterator[Condition]:
    """Yield one condition for each repetition: a contra-indication or a problem, as the site file says."""
    for repetition in range(1, segment.repetitions(place.field) + 1):
        read = read_codings(segment, place.field, defaults, repetition)
        codings = tuple(
            coding if coding.system else Coding(system=place.system, code=coding.code, display=coding.display)
            for coding in read
        )
        text = read_words(segment, place.field, repetition)
        if codings or text:
            yield Condition(
                patient=patient,
                path=segment.path(place.field),
                key=natural_key("flag", codings, text, ""),
                category="flag",
                codings=codings,
                text=text,
            )
