"""Local accounts: who may sign in, with which password and role."""

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from inbox.errors import AccountRefused
from inbox.people.names import look, readable, spelled
from inbox.people.passwords import LONGEST, SHORTEST, fault_of
from inbox.people.permissions import ROLES, Permission, roles_with
from store.sessions import CLOCK_AHEAD
from store.tables import failed_sign_in, session, token, user

FREE_TRIES = 5  # wrong passwords in a row for one account before their source waits
MOST_TRIES = 100  # for one account, at most FREE_TRIES of each source, before every other source waits too
FORGOTTEN_AFTER = timedelta(days=1)  # since the last wrong password of a source
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)


class Account(msgspec.Struct, frozen=True):
    """Somebody who may sign in."""

    id: int
    name: str
    role: str
    language: str
    active: bool
    created_at: datetime
    must_change: bool  # the password, before anything else
    issuer: str | None = None  # of somebody whom an identity provider vouches for

    @property
    def is_local(self) -> bool:
        """Whether it has a password here."""
        return self.issuer is None


ACCOUNT: tuple[sa.Column[Any], ...] = tuple(user.c[name] for name in Account.__struct_fields__)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    """Return a hash no password fits: a name that does not exist takes as long as one that does."""
    return _hasher().hash("nobody has this password")


def add_user(
    connection: sa.Connection,
    name: str,
    password: str,
    role: str,
    now: datetime,
    language: str = "",
    *,
    must_change: bool = False,
) -> int:
    """Add an account, or raise AccountRefused with what to change. Without a language it follows the browser."""
    name = spelled(name)
    if not name or len(name) > 100:
        raise AccountRefused("a name has 1 to 100 characters")
    if readable(name) != name:
        raise AccountRefused("a name is one line of signs that can be seen, with single blanks")
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    _check_password(password, name)
    if look(name) in {look(each) for each in connection.scalars(sa.select(user.c.name))}:
        raise AccountRefused("this name is taken, or looks like one that is")
    if look(name) in {look(each) for each in connection.scalars(sa.select(token.c.name))}:
        raise AccountRefused("a token has this name, or one like it: the record could not tell them apart")
    known = {"name": name, "role": role, "language": language, "created_at": now, "must_change": must_change}
    row = known | {"password_hash": _hasher().hash(password)}
    return int(connection.execute(sa.insert(user).values(**row).returning(user.c.id)).scalar_one())


def every_user(connection: sa.Connection) -> list[Account]:
    """Return every account, by name."""
    return [Account(*row) for row in connection.execute(sa.select(*ACCOUNT).order_by(user.c.name))]


def change_password(connection: sa.Connection, name: str, password: str, *, must_change: bool = False) -> None:
    """Give an account another password; every session of the old one ends, and nobody waits any longer."""
    _check_password(password, name)
    _refuse_unless_local(connection, name)
    user_id = _change(connection, name, password_hash=_hasher().hash(password), must_change=must_change)
    connection.execute(sa.delete(failed_sign_in).where(failed_sign_in.c.user_id == user_id))
    end_sessions(connection, user_id)


def change_role(connection: sa.Connection, name: str, role: str) -> None:
    """Give an account another role; it holds from the next request on."""
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    _refuse_unless_local(connection, name)
    _change(connection, name, role=role)


def end_account(connection: sa.Connection, name: str) -> None:
    """Let nobody sign in with this account any more, and sign out who did. What was done with it stays."""
    end_sessions(connection, _change(connection, name, active=False))


def resume_account(connection: sa.Connection, name: str) -> None:
    """Let an account that was ended be used again."""
    _change(connection, name, active=True)


def _change(connection: sa.Connection, name: str, **columns: object) -> int:
    changed = sa.update(user).where(user.c.name == name.strip()).values(**columns).returning(user.c.id)
    found = connection.execute(changed).scalar_one_or_none()
    if found is None:
        raise AccountRefused(f"nobody signs in as {name}; who does: ivigilant user list")
    return int(found)


def _refuse_unless_local(connection: sa.Connection, name: str) -> None:
    """Refuse to change what the identity provider says: the next sign-in would change it back."""
    if connection.scalar(sa.select(user.c.issuer).where(user.c.name == name.strip())) is not None:
        raise AccountRefused("this account has its role from the identity provider, and no password here")


def end_sessions(connection: sa.Connection, user_id: int) -> None:
    """Sign an account out everywhere."""
    connection.execute(sa.delete(session).where(session.c.user_id == user_id))


def _check_password(password: str, name: str) -> None:
    match fault_of(password, name):
        case "too_short" | "too_long":
            raise AccountRefused(f"a password has {SHORTEST} to {LONGEST} characters")
        case "common":
            raise AccountRefused("this password, or one like it, is among the first that are tried; choose another")


def check_password(connection: sa.Connection, name: str, password: str) -> Account | None:
    """Return the active account of this name and password."""
    is_local = user.c.issuer.is_(None)
    query = sa.select(user.c.password_hash, *ACCOUNT).where(_named(name), user.c.active, is_local)
    found = connection.execute(query.order_by(*_exactly(name))).first()
    try:
        _hasher().verify(found.password_hash if found else _nobody(), password)
    except (VerifyMismatchError, InvalidHashError):
        return None
    return Account(*found[1:]) if found else None


def admit(
    connection: sa.Connection,
    name: str,
    found: Account | None,
    now: datetime,
    source: str,
    *,
    is_half: bool = False,
) -> Account | None:
    """Let in who gave the right password (`found`), unless this source must wait; count a wrong one.

    The count is of this account and this source, so that whoever guesses keeps only their own machine out; a new
    source waits too once very many have guessed. While a source waits nothing is counted, so that guessing does not
    make it wait for longer and longer. Who is halfway (`is_half`) must still show a code: wrong ones before are not
    forgotten for a right password, or it could be followed by any number of them.
    """
    query = sa.select(user.c.id).where(_named(name), user.c.active, user.c.issuer.is_(None))
    user_id = connection.scalar(query.order_by(*_exactly(name)).with_for_update())
    if user_id is None:
        return None
    failed, of_account = failed_sign_in.c, failed_sign_in.c.user_id == user_id
    is_over = (failed.failed_at < now - FORGOTTEN_AFTER) | (failed.failed_at > now + CLOCK_AHEAD)
    connection.execute(sa.delete(failed_sign_in).where(of_account, is_over))
    columns = (failed.source, failed.failures, failed.waits_until)
    rows = {row.source: row for row in connection.execute(sa.select(*columns).where(of_account))}
    here = rows.get(source)
    if here is None and sum(min(row.failures, FREE_TRIES) for row in rows.values()) >= MOST_TRIES:
        return None
    if here is not None and here.waits_until is not None and here.waits_until > now:
        return None
    if is_half and found is not None:
        return found
    connection.execute(sa.delete(failed_sign_in).where(of_account, failed.source == source))
    if found is None:
        failures = 1 + (here.failures if here is not None else 0)
        waits = now + _wait(failures) if failures >= FREE_TRIES else None
        row = {"user_id": user_id, "source": source, "failures": failures, "failed_at": now, "waits_until": waits}
        connection.execute(sa.insert(failed_sign_in).values(**row))
    return found


def _named(typed: str) -> sa.ColumnElement[bool]:
    """The account of this name as it is kept now, or as it was typed when names were kept so."""
    return user.c.name.in_((spelled(typed), typed.strip()))


def _exactly(typed: str) -> tuple[sa.ColumnElement[int]]:
    return (sa.case((user.c.name == typed.strip(), 0), else_=1),)


def _wait(failures: int) -> timedelta:
    doubled: int = 2 ** min(failures - FREE_TRIES, 10)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def password_mark(connection: sa.Connection, user_id: int) -> str:
    """Return what changes with the password of an account, and tells nothing of it."""
    stored = connection.scalar(sa.select(user.c.password_hash).where(user.c.id == user_id)) or ""
    return sha256(stored.encode()).hexdigest()


def active_account(connection: sa.Connection, name: str) -> Account | None:
    """Return the active account of this name."""
    found = connection.execute(sa.select(*ACCOUNT).where(user.c.name == name, user.c.active)).one_or_none()
    return Account(*found) if found else None


def account_typed(connection: sa.Connection, typed: str) -> str:
    """Return the name of the account that was meant, active or not; "" when there is none."""
    return connection.scalar(sa.select(user.c.name).where(_named(typed)).order_by(*_exactly(typed))) or ""


def user_names(connection: sa.Connection, permission: Permission = Permission.ALERTS_ACT) -> list[str]:
    """Return the active accounts whose role allows this, by name."""
    named = sa.select(user.c.name).where(user.c.active, user.c.role.in_(roles_with(permission)))
    query = named.order_by(user.c.name)
    return list(connection.scalars(query))


def names_of_accounts(connection: sa.Connection, accounts: Collection[int]) -> dict[int, str]:
    """Return the names of accounts by their number."""
    if not accounts:
        return {}
    found = connection.execute(sa.select(user.c.id, user.c.name).where(user.c.id.in_(accounts)))
    return {row.id: row.name for row in found}


def speak(connection: sa.Connection, user_id: int, language: str) -> None:
    """Remember the language somebody chose."""
    connection.execute(sa.update(user).where(user.c.id == user_id).values(language=language))
