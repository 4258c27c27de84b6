"""Procedure: what was done; what is only planned, or was not done, is no history."""

from collections.abc import Iterator

from clinical.events import Procedure
from parsers.chart.natural_keys import natural_key
from parsers.fhir.elements import Resource, codings, first_moment, part, text, where, words

PLANNED = frozenset({"preparation"})
_NEVER = frozenset({"entered-in-error", "not-done"})


def read_procedure(resource: Resource) -> Iterator[Procedure]:
    """The procedure, unless it names nothing."""
    concept = part(resource.body, "code")
    coded, said = codings(concept, resource.defaults), words(concept)
    status = text(resource.body, "status")
    if not coded and not said and status not in _NEVER:
        return
    performed, doubts = first_moment(resource.body, "performed", resource.defaults)
    yield Procedure(
        patient=resource.patient,
        path=where(resource, "code", concept),
        flags=doubts,
        key=resource.name or natural_key("procedure", coded, said, text(resource.body, "performedDateTime")),
        action="delete" if status in _NEVER else "assert",
        codings=coded,
        text=said,
        performed=performed,
    )
