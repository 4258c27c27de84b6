"""Changing one's own password, which whoever was given one does first."""

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import URLEncodedBody
from litestar.response import Template

from inbox.http.pages import page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record, record_alone
from inbox.people.accounts import admit, change_password, check_password
from inbox.people.credentials import open_session
from inbox.people.passwords import fault_of
from inbox.people.permissions import Permission, needs
from inbox.people.sign_in_pages import session_cookie
from inbox.people.viewer import Viewer
from store.access_log import REFUSED
from store.engine import reading

Form = URLEncodedBody[dict[str, str]]


@get("/password", opt=needs(Permission.SESSION_OWN), include_in_schema=False, sync_to_thread=False)
def ask_password(request: AnyRequest) -> Template:
    """Ask for the password of now and the next."""
    _refuse_without(request)
    return page(request, "password.html", fault=None)


@post("/password", opt=needs(Permission.SESSION_OWN), include_in_schema=False, sync_to_thread=True)
def change_own_password(request: AnyRequest, data: Form) -> Response[Any]:
    """Change it: every other session of this account ends, and this one begins anew."""
    _refuse_without(request)
    parts, viewer = parts_of(request), request.user
    now, settings = parts.clock(), parts.settings
    old, new = data.get("old", ""), data.get("new", "")
    with reading(parts.engine) as connection:
        found = check_password(connection, viewer.name, old)
    with parts.engine.begin() as connection:
        account = admit(connection, viewer.name, found, now, viewer.source)
    fault = _fault(viewer.name, data) if account is not None else "wrong"
    if fault is not None or account is None:
        record_alone(parts, viewer, "change_password", what=fault or "", outcome=REFUSED)
        return page(request, "password.html", 422, fault=fault)
    with parts.engine.begin() as connection:
        change_password(connection, viewer.name, new)
        token = open_session(connection, account.id, now, settings.session_lifetime)
        record(connection, viewer, "change_password", now)
    answer = to_page(Viewer(viewer.name, viewer.role, viewer.source).home)
    answer.set_cookie(session_cookie(settings, token, int(settings.session_lifetime.total_seconds())))
    return answer


def _refuse_without(request: AnyRequest) -> None:
    if request.user.is_of_provider:
        raise NotFoundException("this account has no password here")


def _fault(name: str, data: dict[str, str]) -> str | None:
    old, new = data.get("old", ""), data.get("new", "")
    if new != data.get("again", ""):
        return "differ"
    return "same" if new == old else fault_of(new, name)
