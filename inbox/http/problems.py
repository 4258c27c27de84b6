"""Errors as answers: a problem document for a program, a page for a person."""

import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Redirect

from inbox.errors import (
    ActRefused,
    AlertChanged,
    AlertMissing,
    AlertSettled,
    CodeChanged,
    CodeMissing,
    InboxError,
    MergeChanged,
    MergeMissing,
    MessageMissing,
    MessagePruned,
    MessageWaiting,
    TrialFindingMissing,
)
from inbox.fhir import outcomes
from inbox.http.api_shapes import ProblemShape
from inbox.http.forms import FormRefused
from inbox.http.pages import error_page, to_sign_in
from inbox.people.authentication import CheckDue
from inbox.people.authorisation import PasswordDue

PROGRAMS = ("/api/", "/cds-services", "/fhir", "/health/", "/metrics", "/schema")
MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]


def described(*statuses: int) -> dict[int, ResponseSpec]:
    """Describe these answers of the API in its schema as the problem documents that they are."""
    return {
        status: ResponseSpec(
            ProblemShape,
            generate_examples=False,
            description=HTTPStatus(status).description or HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
        )
        for status in statuses
    }


LISTED = described(400, 401, 403, 500, 503)  # of a list
FOUND = LISTED | described(404)  # of one thing
ACTED = FOUND | described(409)  # of an act on it


def for_http(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Answer what Litestar or a guard refused."""
    if isinstance(error, CheckDue):
        return Redirect(f"/sign-in/provider?{urlencode({'next': error.wanted, 'silent': '1'})}", status_code=303)
    if isinstance(error, NotAuthorizedException) and not _is_program(request):
        return to_sign_in(request)
    if isinstance(error, PasswordDue):
        return Redirect(error.page, status_code=303)
    if isinstance(error, FormRefused):
        return _form_expired(request)
    faults = [_fault(fault) for fault in error.extra] if isinstance(error.extra, list) else []
    detail = error.detail if error.status_code < 500 else ""
    return _answer(request, error.status_code, detail=detail, errors=faults, headers=error.headers)


def _form_expired(request: AnyRequest) -> Response[Any]:
    """Answer a form whose token is not of this session: the next page brings a new one."""
    return to_sign_in(request) if request.url.path == "/sign-in" else _answer(request, 403)


def for_inbox(request: AnyRequest, error: InboxError) -> Response[Any]:
    """Answer what the inbox itself refused."""
    match error:
        case AlertMissing() | MessageMissing() | CodeMissing() | MergeMissing() | TrialFindingMissing():
            return _answer(request, 404, detail=str(error))
        case AlertSettled():
            at = error.at.isoformat() if error.at else ""
            settled = {"status": error.status, "by": error.by, "at": at}
            return _answer(request, 409, kind="already-settled", detail=str(error), settled=settled)
        case CodeChanged():
            at = error.at.isoformat() if error.at else ""
            settled = {"status": error.state, "by": error.by, "at": at}
            return _answer(request, 409, kind="already-decided", detail=str(error), settled=settled)
        case AlertChanged():
            return _answer(request, 409, kind="alert-changed", detail=str(error))
        case MessageWaiting():
            return _answer(request, 409, kind="already-waiting", detail=str(error))
        case MergeChanged():
            return _answer(request, 409, kind="merge-changed", detail=str(error))
        case MessagePruned():
            return _answer(request, 409, kind="text-removed", detail=str(error))
        case ActRefused():
            fault = {"field": error.field, "message": error.fault}
            return _answer(request, 400, kind="not-acceptable", detail=str(error), errors=[fault])
    return _answer(request, 400, detail=str(error))


def for_database(request: AnyRequest, error: sa.exc.OperationalError) -> Response[Any]:
    """Answer when the database cannot be reached: it may be there again in a moment."""
    log.error("inbox.database_unreachable", error=type(error.orig).__name__)
    return _answer(request, 503, detail="the database cannot be reached", headers={"Retry-After": "5"})


def for_unfit(request: AnyRequest, error: sa.exc.DataError) -> Response[Any]:
    """Answer a text or number that no row can hold, such as a zero byte: what was asked was wrong, not we."""
    log.info("inbox.unfit", error=type(error.orig).__name__, route=request.scope.get("path_template", ""))
    return _answer(request, 400, detail="a text or number is not one that can be stored or looked for")


def for_anything(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer a fault of ours. Its message may hold a patient, so the log gets its kind and the place only."""
    where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
    log.error("inbox.fault", error=type(error).__name__, where=where, route=request.scope.get("path_template", ""))
    return _answer(request, 500)


def _fault(fault: Any) -> dict[str, str]:
    known = fault if isinstance(fault, dict) else {"message": str(fault)}
    return {"field": str(known.get("key", "")), "message": str(known.get("message", ""))}


def _is_program(request: AnyRequest) -> bool:
    return request.url.path.startswith(PROGRAMS)


def _answer(
    request: AnyRequest, status: int, *, kind: str = "", headers: dict[str, Any] | None = None, **said: Any
) -> Response[Any]:
    if not _is_program(request):
        return error_page(request, status, headers)
    if outcomes.is_fhir(request.url.path):
        return _outcome(status, (headers or {}) | outcomes.challenge(status, request.headers), **said)
    problem = ProblemShape(
        type=f"urn:ivigilant:problem:{kind}" if kind else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        **said,
    )
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def _outcome(
    status: int,
    headers: dict[str, Any],
    *,
    detail: str = "",
    errors: Sequence[dict[str, str]] = (),
    **_: Any,
) -> Response[Any]:
    """Answer a FHIR client as its standard says."""
    content = outcomes.outcome(status, HTTPStatus(status).phrase, detail, errors)
    return Response(content, status_code=status, media_type=outcomes.MEDIA_TYPE, headers=headers)


HANDLERS: dict[int | type[Exception], Any] = {
    HTTPException: for_http,
    InboxError: for_inbox,
    sa.exc.OperationalError: for_database,
    sa.exc.DataError: for_unfit,
    500: for_anything,
}
