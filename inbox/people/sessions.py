"""Sessions of people who signed in. The cookie holds a random token; the table holds its hash."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
import sqlalchemy as sa

from store.tables import session, user

SEEN_EVERY = timedelta(minutes=1)  # a sign of life is written no more often


class SignedIn(msgspec.Struct, frozen=True):
    """Whose session it is, and when it was last used."""

    user_id: int
    name: str
    role: str
    language: str
    seen_at: datetime


def hash_of(token: str) -> bytes:
    """Give what is kept of a token."""
    return sha256(token.encode()).digest()


def open_session(connection: sa.Connection, user_id: int, now: datetime, lifetime: timedelta) -> str:
    """Begin a session and give its token; sessions that have ended are cleared away."""
    connection.execute(sa.delete(session).where(session.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    row = {"token_hash": hash_of(token), "user_id": user_id, "created_at": now, "seen_at": now}
    connection.execute(sa.insert(session).values(**row, expires_at=now + lifetime))
    return token


def find_session(connection: sa.Connection, token: str, now: datetime, idle: timedelta) -> SignedIn | None:
    """Give the active user of a session that has neither ended nor been left alone too long."""
    query = (
        sa.select(user.c.id, user.c.name, user.c.role, user.c.language, session.c.seen_at)
        .join(user, user.c.id == session.c.user_id)
        .where(
            session.c.token_hash == hash_of(token),
            session.c.expires_at > now,
            session.c.seen_at > now - idle,
            user.c.active,
        )
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else SignedIn(*row)


def mark_seen(connection: sa.Connection, token: str, now: datetime) -> None:
    """Note that the session is in use."""
    connection.execute(sa.update(session).where(session.c.token_hash == hash_of(token)).values(seen_at=now))


def close_session(connection: sa.Connection, token: str) -> None:
    """End the session."""
    connection.execute(sa.delete(session).where(session.c.token_hash == hash_of(token)))
