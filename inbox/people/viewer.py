"""Who is looking, and what their role lets them do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler

ROLES = ("reader", "pharmacist", "admin")  # each may do what those before it may


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, or a program with a token."""

    name: str
    role: str
    source: str  # the address the request came from
    language: str = ""
    user_id: int | None = None  # None for a token
    on_behalf: str = ""  # the person or system for whom a program asks

    def may(self, role: str) -> bool:
        """Return whether this role, or a higher one, is held."""
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


def needs(role: str) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    """Return a guard that lets pass who holds the role."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        viewer: Viewer = connection.user
        if not viewer.may(role):
            raise PermissionDeniedException(f"the role {role} is needed")

    return guard


def source_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the address a request came from."""
    return connection.client.host if connection.client else ""
