"""Received messages: whom they are about, what a history keeps of them, and how it is treated. No database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from clinical.events import (
    Allergy,
    AnyEvent,
    Condition,
    MedicationGiven,
    MedicationOrdered,
    Observation,
    PatientMerged,
    PatientSeen,
    Procedure,
    Reading,
)
from clinical.identities import Identifier, MergeStatement, Name
from clinical.versions import BESIDE, SPELLED, version_of
from history.choices import Site
from history.entries import NewEntry
from history.orders import CONFIRMATION_NEEDED
from history.products import is_answered, product_of
from parsers.chart.patients import BESIDE as GIVEN_BESIDE
from parsers.chart.patients import SPELLING
from parsers.chart.reasons import STATED_AS_REASON
from parsers.errors import UnreadableMessage
from parsers.hl7.identifiers import is_national
from rules.knowledge import Knowledge
from rules.mentions import NARRATIVES

Fields = dict[str, Any]

IMPORT = "import"  # the feed of a first load
NO_PATIENT_NUMBER = "no_patient_number"  # flag on a reading, and on events of a patient invented for one message
LONGEST_NUMBER = 250  # characters of a number or of its authority; a longer one is a text in the wrong place
_LONGEST_KEY = 2_000  # bytes of what tells one entry from another; PostgreSQL indexes 2,704 at most
_LONGEST_CHARACTER = 4  # bytes in UTF-8
_LONG_PATIENT_NUMBER = "long_patient_number"
ONE_MESSAGE = "no patient number"  # authority of an identity invented for one message


@dataclass(frozen=True, slots=True)
class Envelope:
    """What we know about a received message besides its content."""

    message_id: int
    control_id: str
    body_hash: bytes
    message_time: datetime | None
    received_at: datetime
    feed: str
    test: bool = False


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A received message and what it says, each event flagged with how it is to be treated."""

    message_id: int
    control_id: str
    body_hash: bytes
    message_time: datetime | None
    reading: Reading
    again: bool = False  # it was processed before: judge again, even if the history does not change

    def numbered(self, message_id: int) -> "ReadMessage":
        """Return it under the number that it was stored with."""
        return ReadMessage(
            message_id, self.control_id, self.body_hash, self.message_time, self.reading, again=self.again
        )

    def version(self, event: AnyEvent) -> str:
        """Return the version of an event; an undated one took effect when it was sent."""
        return version_of(event.at or self.message_time, self.message_time, self.control_id, self.body_hash)


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """The reason a message adds nothing to any history: it is ignored, or a person must look at it."""

    state: Literal["ignored", "parked"]
    reason: str
    detail: str | None = None


def take_up(
    envelope: Envelope, reading: Reading | UnreadableMessage, knowledge: Knowledge, site: Site
) -> ReadMessage | NotRecorded:
    """Return what to record of a message, or the reason to record nothing."""
    if isinstance(reading, UnreadableMessage):
        rescued = rescue(reading, own_name(envelope.control_id, envelope.body_hash), knowledge)
        if rescued is None:
            return NotRecorded("parked", reading.reason, reading.path)
        reading = rescued
    if reading.ignored:
        return NotRecorded("ignored", reading.ignored)
    refused = too_long(reading, knowledge)
    if refused is not None:
        return refused
    return ReadMessage(
        message_id=envelope.message_id,
        control_id=envelope.control_id,
        body_hash=envelope.body_hash,
        message_time=envelope.message_time,
        reading=_flagged(reading, _treatment(envelope, site)),
    )


def too_long(reading: Reading, knowledge: Knowledge) -> NotRecorded | None:
    """Return the first number that no index can hold: cut short, it could be that of another patient or order."""
    for event in reading.events:
        reason = _long_number(event)
        if reason and (reason == _LONG_PATIENT_NUMBER or is_kept(event, knowledge)):
            return NotRecorded("parked", reason, event.path)
    return None


def _long_number(event: AnyEvent) -> str:
    for each in event.patient:
        if _is_too_long(each):
            return _LONG_PATIENT_NUMBER
    if isinstance(event, PatientMerged) and any(map(_is_too_long, event.retired)):
        return _LONG_PATIENT_NUMBER
    if isinstance(event, (MedicationOrdered, MedicationGiven)) and _has_long_number(event):
        return "long_order_number"
    key: str = getattr(event, "key", "")
    is_short = len(key) * _LONGEST_CHARACTER <= _LONGEST_KEY
    return "" if is_short or len(key.encode("utf-8", "replace")) <= _LONGEST_KEY else "long_entry_number"


def _has_long_number(event: MedicationOrdered | MedicationGiven) -> bool:
    return any(len(part) > LONGEST_NUMBER for number in event.keys.numbers() for part in number.split("|", 1))


def _is_too_long(number: Identifier) -> bool:
    return len(number.value) > LONGEST_NUMBER or len(number.authority) > LONGEST_NUMBER


def _treatment(envelope: Envelope, site: Site) -> tuple[str, ...]:
    """Return the flags for every event of a message; an imported one is old, whatever its date."""
    flags = []
    if envelope.test:
        flags.append("test")
    if is_imported(envelope.feed) or _is_old(envelope, site):
        flags.append("replay")
    if envelope.feed in site.stops_need_confirmation:
        flags.append(CONFIRMATION_NEEDED)
    return tuple(flags)


def is_imported(feed: str) -> bool:
    """Return whether this feed is a first load: `import`, or `import` and the name of a source."""
    return feed.partition(" ")[0] == IMPORT


def _is_old(envelope: Envelope, site: Site) -> bool:
    sent = envelope.message_time
    return sent is not None and envelope.received_at - sent > site.replay_after


def _flagged(reading: Reading, flags: tuple[str, ...]) -> Reading:
    """Return the reading with these flags on every event, so that folding orders needs no other source."""
    if not flags:
        return reading
    events = tuple(msgspec.structs.replace(event, flags=(*event.flags, *flags)) for event in reading.events)
    return Reading(reading.header, events, reading.ignored, reading.flags, reading.not_understood)


def rescue(error: UnreadableMessage, name: str, knowledge: Knowledge) -> Reading | None:
    """Return the reading to continue with when a message names no patient, or None when a person must look.

    If a message is unreadable for another reason, the rest may be wrong too. An IVIg order must have an answer, so
    it gets an identity of its own, made of `name`. What no rule can use is left out, as it is for a patient with a
    number; when nothing else was said the message is ignored.
    """
    if error.reason != "no_patient":
        return None
    unnamed = [event for event in error.reading.events if not event.patient]
    clinical = [event for event in unnamed if not isinstance(event, (PatientSeen, PatientMerged))]
    if any(_is_ivig(event, knowledge) for event in clinical):
        identity = (Identifier(authority=ONE_MESSAGE, value=name),)
        return _rescued(error.reading, tuple(_named(error.reading, identity)))
    if any(is_kept(event, knowledge) for event in clinical if not _asks(event)):
        return None
    named = tuple(event for event in error.reading.events if event.patient)
    return _rescued(error.reading, named, ignored="" if named else error.reason)


_ASKING = frozenset({"RF", "SS", "SR"})  # ORC-1: an analyser asks for its worklist, or for the status of an order


def _asks(event: AnyEvent) -> bool:
    """Return whether the message is only a query and reports nothing about an order."""
    return isinstance(event, MedicationOrdered) and event.source == "control" and event.control in _ASKING


def own_name(control_id: str, body_hash: bytes) -> str:
    """Return a name for an unnamed patient: the same if the message is sent again, different for any other."""
    return f"{control_id or '?'}/{body_hash.hex()[:8]}"


def _is_ivig(event: AnyEvent, knowledge: Knowledge) -> bool:
    return isinstance(event, (MedicationOrdered, MedicationGiven)) and product_of(knowledge, event).is_ivig


def _named(reading: Reading, identity: tuple[Identifier, ...]) -> Iterator[AnyEvent]:
    for event in reading.events:
        if event.patient:
            yield event
        else:
            yield msgspec.structs.replace(event, patient=identity, flags=(*event.flags, NO_PATIENT_NUMBER))


def _rescued(reading: Reading, events: tuple[AnyEvent, ...], ignored: str = "") -> Reading:
    return Reading(reading.header, events, ignored, (*reading.flags, NO_PATIENT_NUMBER), reading.not_understood)


def identities_in(messages: Iterable[ReadMessage]) -> set[Name]:
    """Return every identity the messages mention, including those they retire."""
    return {name for message in messages for event in message.reading.events for name in _identities(event)}


def _identities(event: AnyEvent) -> Iterator[Name]:
    if event.patient:
        yield identity_of(event.patient)
    if isinstance(event, PatientMerged):
        yield from _retired_by(event)


def identity_of(identifiers: Sequence[Identifier]) -> Name:
    """Return the number a patient goes by: the first."""
    return identifiers[0].authority, identifiers[0].value


def numbers_in(messages: Iterable[ReadMessage]) -> set[Name]:
    """Return every number the messages know a patient by."""
    events = (event for message in messages for event in message.reading.events)
    return {(each.authority, each.value) for event in events for each in event.patient}


def _retired_by(event: PatientMerged) -> tuple[Name, ...]:
    """Return every number that is retired, or was retired by mistake."""
    return tuple((each.authority, each.value) for each in event.retired if not is_national(each))


@dataclass(frozen=True, slots=True)
class MergeReport:
    """One statement of a message about two identities, and where it stands."""

    statement: MergeStatement[Name]
    message_id: int
    path: str


@dataclass(slots=True)
class Gathered:
    """The events of several messages, sorted by what is done with them, each with its identity."""

    entries: list[NewEntry] = field(default_factory=list)
    demographics: list[tuple[Name, str, Fields]] = field(default_factory=list)  # each with its version
    merges: list[MergeReport] = field(default_factory=list)
    numbers: set[tuple[Name, str, Name]] = field(default_factory=set)  # a number, its type, its identity
    with_ivig: set[Name] = field(default_factory=set)
    with_history: set[Name] = field(default_factory=set)  # a diagnosis, problem or allergy was sent, kept or not


def gather(messages: Iterable[ReadMessage], knowledge: Knowledge) -> Gathered:
    """Sort the events of these messages; the same for a database and for a dry run."""
    gathered = Gathered()
    for message in messages:
        for event in message.reading.events:
            _sort(gathered, message, event, knowledge)
    return gathered


def together(parts: Iterable[Gathered]) -> Gathered:
    """Return what several messages say, each gathered alone, as if they were gathered together."""
    gathered = Gathered()
    for part in parts:
        gathered.entries += part.entries
        gathered.demographics += part.demographics
        gathered.merges += part.merges
        gathered.numbers |= part.numbers
        gathered.with_ivig |= part.with_ivig
        gathered.with_history |= part.with_history
    return gathered


def _sort(gathered: Gathered, message: ReadMessage, event: AnyEvent, knowledge: Knowledge) -> None:
    identity, version = identity_of(event.patient), message.version(event)
    for each in event.patient:
        gathered.numbers.add(((each.authority, each.value), each.type, identity))
    if isinstance(event, PatientSeen):
        gathered.demographics.append((identity, version, demographics_in(event)))
        return
    if isinstance(event, PatientMerged):
        gathered.merges.extend(_merges(message, event, version))
        return
    if _tells_history(event, knowledge):
        gathered.with_history.add(identity)
    if not is_kept(event, knowledge):
        return
    if isinstance(event, (MedicationOrdered, MedicationGiven)) and is_answered(knowledge, product_of(knowledge, event)):
        gathered.with_ivig.add(identity)
    gathered.entries.append(
        NewEntry(
            identity=identity,
            kind=kind_of(event),
            key=_natural_key(event, version),
            version=version,
            event=event,
            message_id=message.message_id,
            control_id=message.control_id,
            deleted=getattr(event, "action", "assert") == "delete",
        )
    )


def _tells_history(event: AnyEvent, knowledge: Knowledge) -> bool:
    """Return whether the event says anything of the past; the reason for an order only says that there is one."""
    if isinstance(event, Observation):
        return event.value != "" and any(NARRATIVES in knowledge.sets_of(coding) for coding in event.codings)
    return isinstance(event, (Condition, Allergy)) and STATED_AS_REASON not in event.flags


_UNREPORTED = {SPELLING: SPELLED, GIVEN_BESIDE: BESIDE}  # a merge that no message reported comes before any that is


def _merges(message: ReadMessage, event: PatientMerged, version: str) -> Iterator[MergeReport]:
    """Yield each pair in it: a merge has a direction, an un-merge names two patients in either order."""
    survivor = identity_of(event.patient)
    version = next((since for flag, since in _UNREPORTED.items() if flag in event.flags), version)
    for retired in _retired_by(event):
        for one, other in [(retired, survivor), (survivor, retired)] if event.undone else [(retired, survivor)]:
            yield MergeReport(MergeStatement(one, other, version, event.undone), message.message_id, event.path)


def demographics_in(seen: PatientSeen) -> Fields:
    """Return the demographics in the message, without fields it leaves empty."""
    fields: Fields = {
        "family": seen.name.family if seen.name else "",
        "given": seen.name.given if seen.name else "",
        "birth_date": seen.birth_date.isoformat() if seen.birth_date else "",
        "sex": seen.sex,
        "ward": seen.ward,
        "visit": seen.visit,
        "patient_class": seen.patient_class,
    }
    filled = {name: value for name, value in fields.items() if value}
    if seen.deceased is not None:
        filled["deceased"] = seen.deceased
    return filled


def is_kept(event: AnyEvent, knowledge: Knowledge) -> bool:
    """Return whether a rule can use it. What names no product is kept, a control or a dose: its order may count."""
    if isinstance(event, MedicationOrdered) and (event.source == "control" or not (event.codings or event.text)):
        return True
    if isinstance(event, (PatientSeen, PatientMerged)):
        return False
    if isinstance(event, (MedicationOrdered, MedicationGiven)) and is_answered(knowledge, product_of(knowledge, event)):
        return True
    if isinstance(event, Observation):
        if event.status == "no_value":  # it must not take the place of a value (INTERFACE 3.6)
            return False
        return knowledge.keeps((*event.codings, *event.value_codings), "")
    return knowledge.keeps(event.codings, event.text)


def kind_of(event: AnyEvent) -> str:
    """Return the word for the kind of event, as it is stored."""
    return str(type(event).__struct_config__.tag)


def _natural_key(event: AnyEvent, version: str) -> str:
    """Return the key of the thing it is about. Each event of an order has its own key: the fold needs them all."""
    if isinstance(event, (Condition, Procedure, Allergy, Observation, MedicationGiven)):
        return event.key
    return f"{version}|{event.path}"
