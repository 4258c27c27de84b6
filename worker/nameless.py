"""Messages that say nobody's number: left to a human when they hold what a rule can use, answered when it is IVIg."""

from collections.abc import Iterator

import msgspec

from clinical.events import AnyEvent, MedicationGiven, MedicationOrdered, PatientMerged, PatientSeen, Reading
from clinical.identities import Identifier
from history.products import product_of
from parsers.errors import UnreadableMessage
from rules.knowledge import Knowledge
from worker.record import keeps

AUTHORITY = "no patient number"  # of an identity that one message makes for itself
FLAG = "no_patient_number"


def take_in(error: UnreadableMessage, name: str, knowledge: Knowledge) -> Reading | None:
    """The reading to go on with, or None when a human must look.

    Only who is not named can be done without: of a message that is unreadable otherwise, the rest may be wrong too.
    An IVIg order must have an answer, so it gets an identity of its own, made of `name`. What no rule can use is left
    out, as it is for a patient with a number; when nothing else was said the message is ignored.
    """
    if error.reason != "no_patient":
        return None
    nameless = [event for event in error.reading.events if not event.patient]
    told = [event for event in nameless if not isinstance(event, PatientSeen | PatientMerged)]
    if any(_is_ivig(event, knowledge) for event in told):
        identity = (Identifier(authority=AUTHORITY, value=name),)
        return _with(error.reading, tuple(_named(error.reading, identity)))
    if any(keeps(knowledge, event) for event in told):
        return None
    named = tuple(event for event in error.reading.events if event.patient)
    return _with(error.reading, named, ignored="" if named else error.reason)


def name_of(control_id: str, body_hash: bytes) -> str:
    """What a message calls its own patient: the same when it is sent again, another for every other message."""
    return f"{control_id or '?'}/{body_hash.hex()[:8]}"


def _is_ivig(event: AnyEvent, knowledge: Knowledge) -> bool:
    return isinstance(event, MedicationOrdered | MedicationGiven) and product_of(knowledge, event).is_ivig


def _named(reading: Reading, identity: tuple[Identifier, ...]) -> Iterator[AnyEvent]:
    for event in reading.events:
        if event.patient:
            yield event
        else:
            yield msgspec.structs.replace(event, patient=identity, flags=(*event.flags, FLAG))


def _with(reading: Reading, events: tuple[AnyEvent, ...], ignored: str = "") -> Reading:
    return Reading(reading.header, events, ignored, (*reading.flags, FLAG), reading.not_understood)
