"""Who is looking, and what their role lets them do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar.connection import ASGIConnection

from inbox.people.permissions import HOMES, ROLES, Permission
from inbox.people.preferences import DEFAULT, Preferences


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, or a program with a token."""

    name: str
    role: str
    source: str  # the address the request came from
    language: str = ""
    user_id: int | None = None  # None for a token
    on_behalf: str = ""  # the person or system for whom a program asks
    must_change: bool = False  # the password, before anything else
    must_enrol: bool = False  # an authenticator, before anything else but the password
    has_second_factor: bool = False
    preferences: Preferences = DEFAULT
    is_of_provider: bool = False  # an identity provider vouches for the person, who has no password here
    session_began_at: datetime | None = None
    check_due: bool = False  # the provider is to be asked again whether it vouches for her
    is_break_glass: bool = False  # an account for an emergency, which every page says
    scopes: frozenset[str] = frozenset()  # of a token: all that it may use of its role; none: everything

    @property
    def home(self) -> str:
        """The page to begin with."""
        if self.must_change:
            return "/password"
        return "/second-factor" if self.must_enrol else self.home_once_enrolled

    @property
    def home_once_enrolled(self) -> str:
        """The page to begin with for whoever need not first secure the account."""
        return next((path for permission, path in HOMES if self._role_allows(permission)), "/sign-in")

    def may(self, permission: Permission | str) -> bool:
        """Return whether the role allows this, and the token too; a page that asks for no permission of ours fails."""
        permission = Permission(permission)
        if (self.must_change or self.must_enrol) and permission is not Permission.SESSION_OWN:
            return False
        return self._role_allows(permission)

    def _role_allows(self, permission: Permission) -> bool:
        return permission in ROLES.get(self.role, ()) and (not self.scopes or permission in self.scopes)


def source_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the address a request came from."""
    return connection.client.host if connection.client else ""
