"""Reading of what a prescriber's system sends: whose order, and what stands beside it; else what is wrong and where."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from litestar.exceptions import ClientException, HTTPException

from history.drafts import ORDER, DraftEntry, DraftRequest
from parsers.errors import UnreadableMessage
from parsers.fhir.elements import part, parts, target, text

Json = dict[str, Any]
Read = TypeVar("Read")

MOST_RESOURCES = 5000
ENDED = ("cancelled", "completed", "entered-in-error", "stopped")
ABOUT_THE_SEARCH = frozenset(
    {"fullUrl", "id", "link", "search", "response"}
)  # all that an entry without a resource has
_PLACE = re.compile(r"Bundle\.entry\[(\d+)\]\.resource(.*)")


class Precondition(HTTPException):
    """Something that the answer cannot do without was not sent along."""

    status_code = 412


class HookRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a request, as far as it is read."""

    hook: str
    hook_instance: str
    context: Json
    prefetch: dict[str, Json | None] | None = None
    fhir_server: str | None = None

    @property
    def instance(self) -> str:
        """The number of the ask, which the client makes up."""
        return self.hook_instance.replace("\0", "")[:100]

    @property
    def patient(self) -> str:
        """The id of the patient at the client's server."""
        return _text(self.context, "patientId").removeprefix("Patient/")

    @property
    def user(self) -> str:
        """Who works there."""
        return _text(self.context, "userId")

    @property
    def sent_along(self) -> Mapping[str, Json | None]:
        """What the client has on record, by the name that discovery gave it."""
        return self.prefetch or {}


_decoder = msgspec.json.Decoder(HookRequest, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class SentResource:
    """One resource of a request, where it stands, and its address."""

    body: Json
    place: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class HookPatient:
    """The patient of a request: the id at the client's server, and the numbers of the Patient that was sent along."""

    id: str
    server: str
    numbers: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, body: HookRequest) -> "HookPatient":
        patient = body.sent_along.get("patient") or {}
        numbers = frozenset((text(each, "system"), text(each, "value")) for each in parts(patient, "identifier"))
        return cls(body.patient, _base(body.fhir_server or ""), numbers)

    def has(self, number: Mapping[str, Any]) -> bool:
        """Return whether this Identifier is one of the numbers."""
        return bool(text(number, "value")) and (text(number, "system"), text(number, "value")) in self.numbers

    def is_at(self, reference: str) -> bool:
        """Return whether a reference is to the Patient; with an address of its own, at the client's server alone."""
        kind, number = target(reference)
        if number != self.id or kind not in ("Patient", ""):
            return False
        return "://" not in reference or (
            kind == "Patient" and _base(reference.rpartition("/Patient/")[0]) == self.server
        )


@dataclass(frozen=True, slots=True)
class HookQuestion:
    """A request that was read: whose order, what of it was selected, and for whom the cards are."""

    request: DraftRequest
    places: tuple[str, ...]  # of each resource, as the client knows it, in the order in which they are read
    selected: frozenset[str]
    user: str
    instance: str


def decoded(decoder: msgspec.json.Decoder[Read], raw: bytes) -> Read:
    """Return a body, or refuse what cannot be read."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else "it cannot be read as JSON"
        raise wrong("body", reason) from None


def read_request(raw: bytes, service: str, hook: str) -> HookRequest:
    """Return what is asked of a service, of whom and by whom, or refuse it."""
    body = decoded(_decoder, raw)
    if body.hook != hook:
        raise wrong("hook", f"{service} answers {hook}")
    for name in ("patientId", "userId"):
        _text(body.context, name)
    return body


def question_of(body: HookRequest, feed: str, now: datetime) -> HookQuestion:
    """Return the drafts and what is known of the patient, or refuse what is about somebody else."""
    patient = HookPatient.of(body)
    drafts = list(_drafts(body.context, patient)) if body.hook != "patient-view" else []
    ids = {each.body["id"] for each in drafts if each.body["resourceType"] == ORDER}
    known = [
        each
        for each in _prefetched(body.sent_along, patient)
        if each.body["resourceType"] != ORDER or each.body.get("id") not in ids
    ]
    if len(drafts) + len(known) > MOST_RESOURCES:
        raise wrong("prefetch", f"there are more than {MOST_RESOURCES} resources")
    request = DraftRequest(
        feed,
        patient.id,
        [DraftEntry(each.body, each.url) for each in drafts],
        [DraftEntry(each.body, each.url) for each in known],
        now,
        "conditions" in body.sent_along,
    )
    return HookQuestion(
        request,
        tuple(each.place for each in (*known, *drafts)),
        _selected(body.context, request) if body.hook == "order-select" else request.ids,
        body.user,
        body.instance,
    )


def _text(context: Json, name: str) -> str:
    value = text(context, name)[:200]
    if not value:
        raise wrong(f"context.{name}", "is needed")
    return value


def _base(address: str) -> str:
    """Return the address of a server, to compare: without the protocol and a final slash."""
    host, slash, path = address.partition("://")[2].strip().rstrip("/").partition("/")
    return f"{host.lower()}{slash}{path}"


def _drafts(context: Json, patient: HookPatient) -> Iterator[SentResource]:
    bundle = context.get("draftOrders")
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise wrong("context.draftOrders", "should be a Bundle")
    for index, each in enumerate(_entries(bundle, "context.draftOrders")):
        if each.body["resourceType"] in (ORDER, "Medication") and not _is_taken_back(each.body):
            yield replace(each, body=_of_patient(_numbered(each, index), patient, each.place))


def _is_taken_back(draft: Json) -> bool:
    """Return whether an order will not be given: judged along, it could end a live one that has a number of it."""
    return draft["resourceType"] == ORDER and draft.get("status") in ENDED


def _prefetched(prefetch: Mapping[str, Json | None], patient: HookPatient) -> Iterator[SentResource]:
    for key, resource in sorted(prefetch.items()):
        place = f"prefetch.{key}"
        if resource is None:
            continue
        if not isinstance(resource.get("resourceType"), str):
            raise wrong(place, "should be a resource")
        for each in (
            _entries(resource, place, is_found=True)
            if resource["resourceType"] == "Bundle"
            else [SentResource(resource, place)]
        ):
            if each.body["resourceType"] != "OperationOutcome":
                yield replace(each, body=_of_patient(each.body, patient, each.place))


def _entries(bundle: Json, place: str, *, is_found: bool = False) -> Iterator[SentResource]:
    """Yield each resource of a bundle, and where it stands; of what was found, an entry may hold none."""
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise wrong(f"{place}.entry", "should be a list")
    for index, entry in enumerate(entries):
        where = f"{place}.entry[{index}].resource"
        if is_found and _holds_nothing(entry):
            continue
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise wrong(where, "should be a resource")
        url = entry.get("fullUrl")
        yield SentResource(resource, where, url if isinstance(url, str) else "")


def _holds_nothing(entry: Any) -> bool:
    """Return whether an entry of a search only says how it went, or where something stands that was not sent."""
    return isinstance(entry, dict) and bool(entry) and ABOUT_THE_SEARCH.issuperset(entry)


def _numbered(draft: SentResource, index: int) -> Json:
    """Return a draft with an id, by which it is told from the others."""
    own = draft.body.get("id")
    return {**draft.body, "id": own if isinstance(own, str) and own else target(draft.url)[1] or f"draft-{index}"}


def _of_patient(resource: Json, patient: HookPatient, place: str) -> Json:
    """Return the resource with whom it is about, or refuse one that is about somebody else."""
    kind = resource.get("resourceType")
    if kind == "Patient":
        if resource.get("id", patient.id) != patient.id:
            raise wrong(f"{place}.id", "is not the patient of context.patientId")
        return {**resource, "id": patient.id}
    if kind == "Medication":
        return resource
    name = "patient" if kind == "AllergyIntolerance" else "subject"
    about = resource.get(name)
    if isinstance(about, dict) and not _is_about(resource, about, patient):
        raise wrong(f"{place}.{name}", "is not the patient of context.patientId")
    return {**resource, name: {"reference": f"Patient/{patient.id}"}}


def _is_about(resource: Json, about: Json, patient: HookPatient) -> bool:
    """Return whether a reference is to the patient: by its id, else by a number that the Patient has too."""
    reference = text(about, "reference")
    if reference.startswith("#"):
        inside = (each for each in parts(resource, "contained") if f"#{text(each, 'id')}" == reference)
        return any(patient.has(number) for each in inside for number in parts(each, "identifier"))
    if reference:
        return patient.is_at(reference)
    return "identifier" not in about or patient.has(part(about, "identifier"))


def _selected(context: Json, request: DraftRequest) -> frozenset[str]:
    selections = context.get("selections")
    if not isinstance(selections, list) or not all(isinstance(each, str) for each in selections):
        raise wrong("context.selections", "should be a list of references to draftOrders")
    return request.ids & {target(each)[1] for each in selections}


def unreadable(error: UnreadableMessage, places: Sequence[str]) -> HTTPException:
    """Return what could not be read, with its place in the client's own request."""
    found = _PLACE.match(error.path)
    path = f"{places[int(found[1])]}{found[2]}" if found else error.path
    if error.reason == "medication_elsewhere":
        return Precondition(f"{path}: the Medication is needed, in draftOrders or contained")
    return wrong(path, error.reason)


def wrong(where: str, what: str) -> ClientException:
    """Return the refusal of a request, with what is wrong and where."""
    return ClientException(f"{where}: {what}", extra=[{"key": where, "message": what}])
