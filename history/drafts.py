"""Orders that are not placed yet, with what their sender has on record of the patient.

They are read like a message of a feed, and put beside the stored history for as long as the answer takes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.identities import Name
from history.choices import Site
from history.entries import Entry
from history.messages import Envelope, ReadMessage, take_up
from history.order_answers import OrderAnswer
from history.person import PersonAnswers, PersonHistory
from history.products import is_answered, product_of
from parsers.errors import UnreadableMessage
from parsers.fhir.elements import numbered_by
from parsers.fhir.reading import BUNDLE
from parsers.reading import read
from rules.knowledge import Knowledge

Json = Mapping[str, Any]
ORDER = "MedicationRequest"
_NOT_STORED = 0  # the number of a message that is not kept
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class DraftEntry:
    """One resource, and the address by which others of the request may point to it (`fullUrl`), or ""."""

    resource: Json
    url: str = ""


@dataclass(frozen=True)
class DraftRequest:
    """What somebody is about to order for one patient, in FHIR R4; no drafts when a chart is only looked at."""

    feed: str  # whose settings the resources are read with
    patient: str  # the id of the Patient at the sender
    drafts: Sequence[DraftEntry]  # each MedicationRequest with an id, and the Medications they point to
    known: Sequence[
        DraftEntry
    ]  # what the sender has on record, the Patient included, without older forms of the drafts
    at: datetime
    tells_conditions: bool = False  # the sender reports every condition on record, even if there is none

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of the drafts."""
        resources = (each.resource for each in self.drafts)
        return frozenset(str(each["id"]) for each in resources if each.get("resourceType") == ORDER)

    @property
    def names_patient(self) -> bool:
        """Whether the Patient was sent along."""
        return any(each.resource.get("resourceType") == "Patient" for each in self.known)


class PatientUnknown(Exception):
    """Neither the store nor the request says who the patient is; ask for the Patient resource."""


@dataclass(frozen=True, slots=True)
class JudgedDrafts:
    """The person, with the answers about the drafts; where there are none, the answer to every order of hers."""

    judged: PersonAnswers
    drafts: Mapping[str, OrderAnswer]  # by the id of the draft
    root: int | None  # the patient's row; None where the store does not know her


def sender_of(request: DraftRequest, site: Site) -> str:
    """Return the authority that numbers the resources of this sender."""
    return numbered_by(site.defaults_of(request.feed))


def patient_in(request: DraftRequest, site: Site) -> Name:
    """Return the identity by which the request names its patient."""
    return sender_of(request, site), request.patient


def numbers_of_drafts(request: DraftRequest, site: Site) -> dict[str, str]:
    """Return the number by which each draft is known as an order, by its id."""
    return {each: f"{sender_of(request, site)}|{ORDER}/{each}" for each in sorted(request.ids)}


def drafts_among(answers: Sequence[OrderAnswer], numbers: Mapping[str, str]) -> dict[str, OrderAnswer]:
    """Return the answers about the drafts with these numbers, by their ids."""
    return {
        each: answer
        for answer in answers
        if not answer.is_surveillance
        for each, number in numbers.items()
        if number in answer.order.numbers
    }


def read_drafts(request: DraftRequest, knowledge: Knowledge, site: Site) -> list[ReadMessage]:
    """Read a request as a message of this moment; UnreadableMessage counts what is known first, then the drafts."""
    entries = [*request.known, *(replace(each, resource=_as_ordered(each.resource)) for each in request.drafts)]
    written = [{"resource": each.resource} | ({"fullUrl": each.url} if each.url else {}) for each in entries]
    raw = _encoder.encode({"resourceType": BUNDLE, "entry": written})
    envelope = Envelope(
        message_id=_NOT_STORED,
        control_id="",
        body_hash=sha256(raw).digest(),
        message_time=request.at,
        received_at=request.at,
        feed=request.feed,
    )
    reading = read(raw, site.defaults_of(request.feed))
    found = take_up(envelope, reading, knowledge, site)
    if isinstance(found, ReadMessage):
        return [found]
    if found.state == "parked":  # of an order a person would look; a prescriber is told at once
        raise UnreadableMessage(found.reason, found.detail or "", reading)
    return []


def _as_ordered(draft: Json) -> Json:
    """Return a draft as the order it becomes when it is signed."""
    return {**draft, "status": "active", "intent": "order"} if draft.get("resourceType") == ORDER else draft


def beside_stored(
    stored: PersonHistory, sent: PersonHistory, request: DraftRequest, knowledge: Knowledge
) -> PersonHistory:
    """Return the stored history with what the request adds: drafts, and medicines of which the store says nothing."""
    drafts = tuple(f"|{ORDER}/{each}" for each in request.ids)
    medicines = _Medicines.of(stored.entries, knowledge)
    added = [each for each in sent.entries if _is_draft(each, drafts) or not medicines.hold(each, knowledge)]
    return replace(
        stored,
        identities=list(dict.fromkeys([*stored.identities, *sent.identities])),
        entries=_latest([*stored.entries, *added]),
        demographics=_demographics(stored, sent),
        numbers={*stored.numbers, *sent.numbers},
        history_received=stored.history_received or sent.history_received,
        is_unclear=stored.is_unclear or sent.is_unclear,
    )


def _latest(entries: Sequence[Entry]) -> list[Entry]:
    """Return the latest entry of each thing, oldest version first; every event of an order is one of its own."""
    latest: dict[object, Entry] = {}
    for index, each in enumerate(entries):
        key = getattr(each.event, "key", index)
        held = latest.get((type(each.event), key))
        if held is None or held.version < each.version:
            latest[type(each.event), key] = each
    return sorted(latest.values(), key=lambda each: (each.version, each.event.path))


def _demographics(stored: PersonHistory, sent: PersonHistory) -> dict[str, Any]:
    """Return what the store knows, and what only the request says; a death counts whoever reports it."""
    deceased = {"deceased": True} if sent.demographics.get("deceased") else {}
    return {**sent.demographics, **stored.demographics, **deceased}


def _is_draft(entry: Entry, drafts: tuple[str, ...]) -> bool:
    return isinstance(entry.event, MedicationOrdered) and entry.event.keys.filler.endswith(drafts)


@dataclass(frozen=True, slots=True)
class _Medicines:
    """The medicines of which the store has an order or a dose: the same from a request would count twice."""

    codes: frozenset[tuple[str, str]]
    immunoglobulin: bool

    @classmethod
    def of(cls, entries: Sequence[Entry], knowledge: Knowledge) -> "_Medicines":
        events = list(_medicines(entries))
        codes = frozenset((coding.system, coding.code) for event in events for coding in event.codings)
        return cls(codes, any(is_answered(knowledge, product_of(knowledge, event)) for event in events))

    def hold(self, entry: Entry, knowledge: Knowledge) -> bool:
        """Return whether the store speaks of this medicine."""
        event = entry.event
        if not isinstance(event, MedicationOrdered | MedicationGiven):
            return False
        if is_answered(knowledge, product_of(knowledge, event)):
            return self.immunoglobulin
        return not self.codes.isdisjoint((coding.system, coding.code) for coding in event.codings)


def _medicines(entries: Sequence[Entry]) -> Iterator[MedicationOrdered | MedicationGiven]:
    for entry in entries:
        if isinstance(entry.event, MedicationOrdered | MedicationGiven):
            yield entry.event
