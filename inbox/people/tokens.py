"""Tokens for programs: `Authorization: Bearer …`. Only a hash is kept, so a token is shown once."""

import secrets
from datetime import datetime

import msgspec
import sqlalchemy as sa

from inbox.errors import AccountRefused
from inbox.people.sessions import hash_of
from inbox.people.viewer import ROLES
from store.tables import token as tokens


class Token(msgspec.Struct, frozen=True):
    """What is known of a token; not the token itself."""

    name: str
    role: str
    created_at: datetime
    revoked_at: datetime | None


_TOKEN = tuple(tokens.c[name] for name in Token.__struct_fields__)


def create_token(connection: sa.Connection, name: str, role: str, now: datetime) -> str:
    """Make a token and give it, this once; or raise AccountRefused with what to change."""
    if role not in ROLES:
        raise AccountRefused(f"the role is one of {', '.join(ROLES)}")
    if not name.strip():
        raise AccountRefused("a token has a name, which the record shows")
    token = f"ivg_{secrets.token_urlsafe(32)}"
    row = {"name": name.strip(), "token_hash": hash_of(token), "role": role, "created_at": now}
    connection.execute(sa.insert(tokens).values(**row))
    return token


def revoke_token(connection: sa.Connection, name: str, now: datetime) -> int:
    """End every token of this name and say how many there were."""
    ended = sa.update(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    return connection.execute(ended).rowcount


def every_token(connection: sa.Connection) -> list[Token]:
    """Give every token there was, by name, oldest first."""
    return [Token(*row) for row in connection.execute(sa.select(*_TOKEN).order_by(tokens.c.name, tokens.c.id))]


def find_token(connection: sa.Connection, token: str) -> Token | None:
    """Give a token that was not revoked."""
    query = sa.select(*_TOKEN).where(tokens.c.token_hash == hash_of(token), tokens.c.revoked_at.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else Token(*row)
