"""The one place where it is checked whether a viewer may do what is asked."""

import asyncio
import re

from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from inbox.http.parts import AnyConnection, Parts, parts_of
from inbox.people.access import record_alone
from inbox.people.authentication import viewer_of
from inbox.people.permissions import ANYONE, NEEDED, Permission
from inbox.people.viewer import Viewer
from store.access_log import REFUSED

_OUR_PATH = re.compile(r"[A-Za-z0-9_/.-]{1,200}")  # else what somebody typed


class PasswordDue(PermissionDeniedException):
    """The account has a password that another gave it; show the page that changes it."""

    page = "/password"


class SecondFactorDue(PasswordDue):
    """The role needs a second factor; show the page that begins with one."""

    page = "/second-factor"


async def authorise(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    """Let a request pass whose viewer may make it; a route that does not say what it needs lets nobody pass."""
    method = connection.scope.get("method", "")
    if handler.opt.get(ANYONE) or method == "OPTIONS":
        return
    needed, viewer = handler.opt.get(NEEDED), viewer_of(connection)
    path = connection.url.path
    what = f"{method} {path if _OUR_PATH.fullmatch(path) else ''}".strip()
    if needed is None or viewer is None:
        raise PermissionDeniedException("nobody may do this")
    if viewer.must_change and needed is not Permission.SESSION_OWN:
        raise PasswordDue
    if viewer.must_enrol and needed is not Permission.SESSION_OWN:
        raise SecondFactorDue
    if not viewer.may(needed):
        await asyncio.to_thread(require, parts_of(connection), viewer, needed, what)


def require(parts: Parts, viewer: Viewer, permission: Permission, what: str) -> None:
    """Refuse what the viewer may not do, and record that it was tried."""
    if not viewer.may(permission):
        record_alone(parts, viewer, permission, what=what, outcome=REFUSED)
        raise PermissionDeniedException(f"the permission {permission} is needed")
