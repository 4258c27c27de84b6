"""`/fhir`: what was concluded, what it came from and who looked, for systems that read FHIR R4."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec
from litestar import Response, Router, post, route
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath

from inbox.fhir import audit_events, detected_issues, provenances
from inbox.fhir.asking import Pairs, formats_in, is_pretty, is_strict, pairs_of, read_search, refuse_unless_known
from inbox.fhir.capability import capability_statement
from inbox.fhir.formats import format_of
from inbox.fhir.kinds import FoundResource, ResourceKind, Search
from inbox.fhir.outcomes import PATH
from inbox.fhir.references import Resource
from inbox.fhir.searching import bundle_of, read_one
from inbox.http.api_requests import id_of, language_of
from inbox.http.forms import UNSIGNED
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record_alone
from inbox.people.authentication import TokenAuthentication
from inbox.people.permissions import ANYONE, Permission, needs
from store.engine import snapshot

KINDS: Final = (audit_events.KIND, detected_issues.KIND, provenances.KIND)
LARGEST_FORM: Final = 64 * 1024  # bytes of a search
_FORM: Final = "application/x-www-form-urlencoded"
_OF_LOG: Final = audit_events.KIND.name
_LONGEST: Final = 400  # of what was asked of the log, in a line of it


class FormNotServed(HTTPException):
    """A search that is posted is a form."""

    status_code = 415


@route("/metadata", http_method=["GET", "HEAD"], opt={ANYONE: True}, include_in_schema=False, sync_to_thread=True)
def metadata(request: AnyRequest) -> Response[bytes]:
    """Return what is served here, to anybody: it says nothing of a patient, and clients ask before they sign in."""
    pairs = pairs_of(request.scope["query_string"])
    statement = capability_statement(_address(request) + PATH, parts_of(request).settings.site_name, KINDS)
    return _answer(request, pairs, statement)


def _search_route(kind: ResourceKind, permission: Permission) -> list[Any]:
    """Return the routes of one kind: a read, and a search by address or by form."""

    @route(f"/{kind.name}", http_method=["GET", "HEAD"], opt=needs(permission), include_in_schema=False)
    async def search(request: AnyRequest) -> Response[bytes]:
        """Search by the parameters of the address."""
        return await asyncio.to_thread(_search, request, kind, pairs_of(request.scope["query_string"]))

    @post(f"/{kind.name}/_search", opt=needs(permission), status_code=200, include_in_schema=False)
    async def search_by_form(request: AnyRequest) -> Response[bytes]:
        """Search by the parameters of a form, so that no number of a patient stands in an address."""
        pairs = pairs_of(request.scope["query_string"])
        body = await request.body()
        if body and request.content_type[0] != _FORM:
            raise FormNotServed(f"send the parameters as {_FORM}")
        return await asyncio.to_thread(_search, request, kind, pairs, pairs_of(body))

    @route(
        f"/{kind.name}/{{number:str}}",
        http_method=["GET", "HEAD"],
        opt=needs(permission),
        include_in_schema=False,
        sync_to_thread=True,
    )
    def read(request: AnyRequest, number: FromPath[str]) -> Response[bytes]:
        """Return one resource; 304 when the client has this version already."""
        return _read(request, kind, number)

    return [search, search_by_form, read]


def _search(
    request: AnyRequest, kind: ResourceKind, in_address: Pairs, in_form: Sequence[tuple[str, str]] = ()
) -> Response[bytes]:
    parts, pairs = parts_of(request), [*in_address, *in_form]
    _format(request, pairs)  # refused before anybody is looked up
    asked = read_search(kind, pairs, parts.settings.secret, strict=is_strict(request.headers.getall("Prefer", [])))
    with snapshot(parts.engine) as connection:
        search = _search_of(request, connection, in_address)
        bundle, found = bundle_of(search, kind, asked)
    _record(request, kind, search, found, asked.used)
    return _answer(request, pairs, bundle)


def _read(request: AnyRequest, kind: ResourceKind, number: str) -> Response[bytes]:
    parts, pairs = parts_of(request), pairs_of(request.scope["query_string"])
    _format(request, pairs)
    refuse_unless_known(pairs, is_strict(request.headers.getall("Prefer", [])))
    with snapshot(parts.engine) as connection:
        found = read_one(_search_of(request, connection), kind, id_of(number))
    if found is None:
        raise NotFoundException(f"there is no such {kind.name}")
    what = f"{kind.plural[:-1]} {found.id}"
    record_alone(parts, request.user, kind.viewed, patients=[found.patient_id], what=what)
    meta = found.resource["meta"]
    changed = format_datetime(datetime.fromisoformat(meta["lastUpdated"]).astimezone(UTC), usegmt=True)
    tag = f'W/"{meta["versionId"]}"'
    headers = {"ETag": tag, "Last-Modified": changed, "Vary": "Accept, Accept-Language"}
    if _has_already(request.headers.getall("If-None-Match", []), meta["versionId"]):
        return Response(b"", status_code=304, headers=headers, media_type=_format(request, pairs))
    return _answer(request, pairs, found.resource, headers)


def _has_already(sent: list[str], version: str) -> bool:
    tags = {tag.strip().removeprefix("W/").strip('"') for text in sent for tag in text.split(",")}
    return bool({version, "*"} & tags)


def _search_of(request: AnyRequest, connection: Any, in_address: Sequence[tuple[str, str]] = ()) -> Search:
    parts, language = parts_of(request), language_of(request)
    settings = parts.settings
    return Search(
        connection=connection,
        address=_address(request),
        language=language,
        words=parts.words[language],
        site=settings.site_name,
        zone=settings.zone,
        masked=settings.masked_authorities,
        secret=settings.secret,
        now=parts.clock(),
        in_address=in_address,
    )


def _address(request: AnyRequest) -> str:
    return (parts_of(request).settings.base_url or str(request.base_url)).rstrip("/")


def _record(request: AnyRequest, kind: ResourceKind, search: Search, found: list[FoundResource], asked: Pairs) -> None:
    """Write a line for each patient who was asked for or shown; of the log itself only for those who were asked for.

    A line for each patient in the lines that are shown would make the log grow with every look at it.
    """
    if kind.name == _OF_LOG:
        shown: set[int] = set()
        what = " ".join(f"{name}={value}" for name, value in asked if not _names_whom(name))[:_LONGEST]
    else:
        shown = {each.patient_id for each in found if each.patient_id is not None}
        ids = sorted(each.id for each in found if each.resource["resourceType"] == kind.name)
        what = f"{kind.plural} {' '.join(map(str, ids))}".strip()
    whom = sorted(search.patients | shown)
    record_alone(parts_of(request), request.user, kind.listed, patients=whom or [None], what=what)


def _names_whom(name: str) -> bool:
    return name.startswith(("patient", "entity"))


def _answer(
    request: AnyRequest, pairs: Pairs, resource: Resource, headers: dict[str, str] | None = None
) -> Response[bytes]:
    content = msgspec.json.encode(resource)
    if is_pretty(pairs):
        content = msgspec.json.format(content, indent=2)
    return Response(content, status_code=200, media_type=_format(request, pairs), headers=headers)


def _format(request: AnyRequest, pairs: Pairs) -> str:
    return format_of(",".join(request.headers.getall("Accept", [])), formats_in(pairs))


routers: Final = (
    Router(PATH, route_handlers=[metadata]),
    Router(
        PATH,
        route_handlers=[
            *_search_route(detected_issues.KIND, Permission.ALERTS_READ),
            *_search_route(provenances.KIND, Permission.ALERTS_READ),
            *_search_route(audit_events.KIND, Permission.ACCESS_READ),
        ],
        middleware=[TokenAuthentication],
        opt={UNSIGNED: True},
        request_max_body_size=LARGEST_FORM,
    ),
)
