"""Local accounts: who may sign in, with which password and role."""

from datetime import datetime
from functools import cache

import msgspec
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from inbox.errors import AccountRefused
from inbox.people.viewer import ROLES
from store.tables import session, user

SHORTEST_PASSWORD = 10


class Account(msgspec.Struct, frozen=True):
    """Somebody who may sign in."""

    id: int
    name: str
    role: str  # reader | pharmacist | admin
    language: str
    active: bool
    created_at: datetime


_ACCOUNT = tuple(user.c[name] for name in Account.__struct_fields__)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """Return a hash no password fits: a name that does not exist takes as long as one that does."""
    return _hasher().hash("nobody has this password")


def add_user(connection: sa.Connection, name: str, password: str, role: str, now: datetime, language: str = "") -> int:
    """Add an account, or raise AccountRefused with what to change. Without a language it follows the browser."""
    name = name.strip()
    if not name or len(name) > 100:
        raise AccountRefused("a name has 1 to 100 characters")
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    _check_length(password)
    if connection.execute(sa.select(user.c.id).where(user.c.name == name)).first():
        raise AccountRefused("this name is taken")
    known = {"name": name, "role": role, "language": language, "created_at": now}
    row = known | {"password_hash": _hasher().hash(password)}
    return int(connection.execute(sa.insert(user).values(**row).returning(user.c.id)).scalar_one())


def every_user(connection: sa.Connection) -> list[Account]:
    """Return every account, by name."""
    return [Account(*row) for row in connection.execute(sa.select(*_ACCOUNT).order_by(user.c.name))]


def change_password(connection: sa.Connection, name: str, password: str) -> None:
    """Give an account another password; every session of the old one ends."""
    _check_length(password)
    _end_sessions(connection, _change(connection, name, password_hash=_hasher().hash(password)))


def change_role(connection: sa.Connection, name: str, role: str) -> None:
    """Give an account another role; it holds from the next request on."""
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    _change(connection, name, role=role)


def end_account(connection: sa.Connection, name: str) -> None:
    """Let nobody sign in with this account any more, and sign out who did. What was done with it stays."""
    _end_sessions(connection, _change(connection, name, active=False))


def resume_account(connection: sa.Connection, name: str) -> None:
    """Let an account that was ended be used again."""
    _change(connection, name, active=True)


def _change(connection: sa.Connection, name: str, **columns: object) -> int:
    changed = sa.update(user).where(user.c.name == name.strip()).values(**columns).returning(user.c.id)
    found = connection.execute(changed).scalar_one_or_none()
    if found is None:
        raise AccountRefused(f"nobody signs in as {name}; who does: ivigilant user list")
    return int(found)


def _end_sessions(connection: sa.Connection, user_id: int) -> None:
    connection.execute(sa.delete(session).where(session.c.user_id == user_id))


def _check_length(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise AccountRefused(f"a password has at least {SHORTEST_PASSWORD} characters")


def check_password(connection: sa.Connection, name: str, password: str) -> Account | None:
    """Return the active account of this name and password."""
    query = sa.select(user.c.password_hash, *_ACCOUNT).where(user.c.name == name.strip(), user.c.active)
    found = connection.execute(query).one_or_none()
    try:
        _hasher().verify(found.password_hash if found else _nobody(), password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    return Account(*found[1:]) if found else None


def is_account(connection: sa.Connection, name: str) -> bool:
    """Return whether there is an account of this name, active or not."""
    return connection.execute(sa.select(user.c.id).where(user.c.name == name)).first() is not None


def user_names(connection: sa.Connection, at_least: str = "pharmacist") -> list[str]:
    """Return the active accounts that hold the role or a higher one, by name."""
    roles = ROLES[ROLES.index(at_least) :]
    query = sa.select(user.c.name).where(user.c.active, user.c.role.in_(roles)).order_by(user.c.name)
    return list(connection.scalars(query))


def speak(connection: sa.Connection, user_id: int, language: str) -> None:
    """Remember the language somebody chose."""
    connection.execute(sa.update(user).where(user.c.id == user_id).values(language=language))
