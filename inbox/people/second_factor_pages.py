"""The page on which somebody begins to sign in with the codes of an authenticator beside the password."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import URLEncodedBody
from litestar.response import Template

from inbox.http.forms import FORM_HEADER, form_token
from inbox.http.pages import page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record, record_alone
from inbox.people.accounts import admit, check_password
from inbox.people.credentials import open_session
from inbox.people.permissions import Permission, needs
from inbox.people.sealed import seal, unseal
from inbox.people.second_factor import enrol, is_enrolled, new_secret, picture_of
from inbox.people.sign_in_pages import session_cookie
from store.access_log import REFUSED
from store.engine import reading

OFFERED: Final = "offered second factor"
STANDS: Final = timedelta(minutes=15)

Form = URLEncodedBody[dict[str, str]]


class Offered(msgspec.Struct, frozen=True):
    """A secret that was shown to somebody and is not in use yet."""

    user_id: int
    secret: str
    at: datetime


@get("/second-factor", opt=needs(Permission.SESSION_OWN), include_in_schema=False, sync_to_thread=True)
def show_second_factor(request: AnyRequest) -> Template:
    """Show a new secret to scan; or that there is one already, which only an administrator takes away."""
    parts, user_id = parts_of(request), _account(request)
    with reading(parts.engine) as connection:
        if is_enrolled(connection, user_id):
            return page(request, "second_factor.html", offered=None, codes=None)
    return _offer(request, Offered(user_id, new_secret(), parts.clock()), 200)


@post("/second-factor", opt=needs(Permission.SESSION_OWN), include_in_schema=False, sync_to_thread=True)
def confirm_second_factor(request: AnyRequest, data: Form) -> Template:
    """Begin to ask for codes, once somebody has given the password and shown that the authenticator gives codes.

    The password: whoever found a session open could otherwise lock its owner out. The session begins anew.
    """
    parts, viewer, user_id, now = parts_of(request), request.user, _account(request), parts_of(request).clock()
    settings, offered = parts.settings, _read_offered(request, data.get("offered", ""), user_id, now)
    with reading(parts.engine) as connection:
        if is_enrolled(connection, user_id):
            return page(request, "second_factor.html", offered=None, codes=None)
        proved = check_password(connection, viewer.name, data.get("password", ""))
    if offered is None:
        return _offer(request, Offered(user_id, new_secret(), now), 422, fault="wrong")
    with parts.engine.begin() as connection:
        admitted = admit(connection, viewer.name, proved, now, viewer.source)
        codes = None
        if admitted is not None:
            codes = enrol(connection, user_id, settings.secret, offered.secret, data.get("code", ""), now)
        if codes is not None:
            token = open_session(connection, user_id, now, settings.session_lifetime)
            record(connection, viewer, "second_factor_begin", now)
    if codes is None:
        fault = "wrong" if admitted is not None else "password"
        record_alone(parts, viewer, "second_factor_begin", what=fault, outcome=REFUSED)
        return _offer(request, offered, 422, fault=fault)
    answer = page(request, "second_factor.html", session=token, offered=None, codes=codes)
    answer.headers[FORM_HEADER] = form_token(request, token)
    answer.set_cookie(session_cookie(settings, token, int(settings.session_lifetime.total_seconds())))
    return answer


def _read_offered(request: AnyRequest, sealed: str, user_id: int, now: datetime) -> Offered | None:
    """Return the secret that was shown to this account within the last minutes."""
    text = unseal(parts_of(request).settings.secret, OFFERED, sealed)
    offered = msgspec.json.decode(text, type=Offered) if text is not None else None
    if offered is None or offered.user_id != user_id or not timedelta(0) <= now - offered.at <= STANDS:
        return None
    return offered


def _offer(request: AnyRequest, offered: Offered, status: int, *, fault: str = "") -> Template:
    settings = parts_of(request).settings
    sealed = seal(settings.secret, OFFERED, msgspec.json.encode(offered).decode())
    picture = picture_of(offered.secret, request.user.name, settings.site_name)
    spaced = " ".join(offered.secret[at : at + 4] for at in range(0, len(offered.secret), 4))
    shown = {"picture": picture, "typed": spaced, "sealed": sealed}
    return page(request, "second_factor.html", status, offered=shown, codes=None, fault=fault)


def _account(request: AnyRequest) -> int:
    viewer = request.user
    if viewer.is_of_provider or viewer.user_id is None:
        raise NotFoundException("this account has no second factor here")
    return viewer.user_id
