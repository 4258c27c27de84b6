"""What proves who asks: the session of a person who signed in, and the token of a program.

Cookie and header hold a random token; the tables hold only its hash, so that it is shown once.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
import sqlalchemy as sa

from inbox.errors import AccountRefused
from inbox.people.names import look, readable, spelled
from inbox.people.permissions import ROLES
from inbox.people.preferences import Preferences, read_preferences
from store.sessions import CLOCK_AHEAD
from store.tables import session, user
from store.tables import token as tokens

SEEN_EVERY = timedelta(minutes=1)  # the time a session was last seen is written no more often


class SignedIn(msgspec.Struct, frozen=True):
    """Whose session it is, and when it was last used."""

    user_id: int
    name: str
    role: str
    language: str
    seen_at: datetime
    created_at: datetime
    expires_at: datetime
    must_change: bool
    has_second_factor: bool
    issuer: str | None  # the identity provider that vouched for the user
    preferences: Preferences


def hash_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return sha256(token.encode()).digest()


def open_session(
    connection: sa.Connection,
    user_id: int,
    now: datetime,
    lifetime: timedelta,
    *,
    provider_session: str | None = None,
    id_token: str | None = None,
) -> str:
    """Begin a session and give its token; sessions that have ended are cleared away.

    `provider_session` and `id_token` are the identity provider's number of the session and its sealed token.
    """
    connection.execute(sa.delete(session).where(session.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    row = {"token_hash": hash_of(token), "user_id": user_id, "created_at": now, "seen_at": now}
    row |= {"expires_at": now + lifetime, "provider_session": provider_session, "id_token": id_token}
    connection.execute(sa.insert(session).values(**row))
    return token


def find_session(connection: sa.Connection, token: str, now: datetime, idle: timedelta) -> SignedIn | None:
    """Return the active user of a session that has neither ended nor been left alone too long."""
    query = (
        sa.select(
            *(user.c.id, user.c.name, user.c.role, user.c.language, user.c.must_change),
            *(session.c.seen_at, session.c.created_at, session.c.expires_at),
            *(user.c.totp_secret.is_not(None).label("has_second_factor"), user.c.issuer, user.c.preferences),
        )
        .join(user, user.c.id == session.c.user_id)
        .where(
            session.c.token_hash == hash_of(token),
            session.c.expires_at > now,
            session.c.seen_at > now - idle,
            session.c.seen_at <= now + CLOCK_AHEAD,  # else the clock was set back, and it would last for longer
            user.c.active,
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    chosen = read_preferences(row.preferences)
    whose = (row.id, row.name, row.role, row.language, row.seen_at, row.created_at, row.expires_at)
    return SignedIn(*whose, row.must_change, row.has_second_factor, row.issuer, chosen)


def renew_session(
    connection: sa.Connection,
    token: str,
    user_id: int,
    expires_at: datetime,
    *,
    provider_session: str | None,
    id_token: str,
) -> bool:
    """Let a session go on because the provider vouches for its user again; return whether it is a session of hers."""
    hers = (session.c.token_hash == hash_of(token)) & (session.c.user_id == user_id)
    values = {"expires_at": expires_at, "provider_session": provider_session, "id_token": id_token}
    return connection.execute(sa.update(session).where(hers).values(**values)).rowcount == 1


def mark_seen(connection: sa.Connection, token: str, now: datetime) -> None:
    """Note that the session is in use."""
    connection.execute(sa.update(session).where(session.c.token_hash == hash_of(token)).values(seen_at=now))


def close_session(connection: sa.Connection, token: str) -> str | None:
    """End the session; return the sealed ID token of one that an identity provider opened."""
    ended = sa.delete(session).where(session.c.token_hash == hash_of(token)).returning(session.c.id_token)
    sealed: str | None = connection.execute(ended).scalar()
    return sealed


class Token(msgspec.Struct, frozen=True):
    """What is known of a token; not the token itself."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None
    expires_at: datetime | None
    scopes: str  # permissions of its role, separated by spaces; none: all of them


_TOKEN = tuple(tokens.c[name] for name in Token.__struct_fields__)


def create_token(
    connection: sa.Connection,
    name: str,
    role: str,
    now: datetime,
    *,
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
) -> str:
    """Make a token and give it, this once; or raise AccountRefused with what to change."""
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    if not name.strip() or readable(name) != spelled(name):
        raise AccountRefused("a token has a name of one line, which the record shows")
    if look(name) in {look(each) for each in connection.scalars(sa.select(user.c.name))}:
        raise AccountRefused("an account has this name, or one like it: the record could not tell them apart")
    for scope in scopes:
        if scope not in ROLES[role]:
            raise AccountRefused(f"{scope} is not a scope of this role, which has {', '.join(sorted(ROLES[role]))}")
    token = f"ivg_{secrets.token_urlsafe(32)}"
    row = {"name": spelled(name), "token_hash": hash_of(token), "role": role, "created_at": now}
    row |= {"scopes": " ".join(sorted(scopes)), "expires_at": expires_at}
    connection.execute(sa.insert(tokens).values(**row))
    return token


def revoke_token(connection: sa.Connection, name: str, now: datetime) -> int:
    """End every token of this name and say how many there were."""
    ended = sa.update(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(ended).rowcount


def every_token(connection: sa.Connection) -> list[Token]:
    """Return every token there was, by name, oldest first."""
    return [Token(*row) for row in connection.execute(sa.select(*_TOKEN).order_by(tokens.c.name, tokens.c.id))]


def find_token(connection: sa.Connection, token: str, now: datetime) -> Token | None:
    """Return a token that was not revoked and has not ended."""
    stands = sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    query = sa.select(*_TOKEN).where(tokens.c.token_hash == hash_of(token), tokens.c.revoked_at.is_(None), stands)
    row = connection.execute(query).one_or_none()
    return None if row is None else Token(*row)
