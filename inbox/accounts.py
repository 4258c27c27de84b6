"""Local accounts: who may sign in, with which password and role."""

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from inbox.errors import AccountRefused
from inbox.viewer import ROLES
from store.tables import user

SHORTEST_PASSWORD = 10


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash no password fits: a name that does not exist takes as long as one that does."""
    return _hasher().hash("nobody has this password")


def add_user(connection: sa.Connection, name: str, password: str, role: str, now: datetime, language: str = "") -> int:
    """Add an account, or raise AccountRefused with what to change. Without a language it follows the browser."""
    name = name.strip()
    if not name or len(name) > 100:
        raise AccountRefused("a name has 1 to 100 characters")
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    if len(password) < SHORTEST_PASSWORD:
        raise AccountRefused(f"a password has at least {SHORTEST_PASSWORD} characters")
    if connection.execute(sa.select(user.c.id).where(user.c.name == name)).first():
        raise AccountRefused("this name is taken")
    known = {"name": name, "role": role, "language": language, "created_at": now}
    row = known | {"password_hash": _hasher().hash(password)}
    return int(connection.execute(sa.insert(user).values(**row).returning(user.c.id)).scalar_one())


def check_password(connection: sa.Connection, name: str, password: str) -> sa.Row[Any] | None:
    """Give the active account of this name and password."""
    query = sa.select(user).where(user.c.name == name.strip(), user.c.active)
    found = connection.execute(query).one_or_none()
    try:
        _hasher().verify(found.password_hash if found else _nobody(), password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    return found


def user_names(connection: sa.Connection, at_least: str = "pharmacist") -> list[str]:
    """Give the active accounts that hold the role or a higher one, by name."""
    roles = ROLES[ROLES.index(at_least) :]
    query = sa.select(user.c.name).where(user.c.active, user.c.role.in_(roles)).order_by(user.c.name)
    return list(connection.scalars(query))


def speak(connection: sa.Connection, user_id: int, language: str) -> None:
    """Remember the language somebody chose."""
    connection.execute(sa.update(user).where(user.c.id == user_id).values(language=language))
