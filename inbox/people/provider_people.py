"""People whom the identity provider vouches for: who they are here, what they may do, and when their sessions end.

Somebody is the pair of issuer and subject. The name is for reading: the record refers to it, so that it is given at the
first sign-in, is nobody else's, and stays. A local account of the same name is somebody else.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inbox.people.accounts import ACCOUNT, Account
from inbox.people.names import look, readable
from inbox.people.provider import ProviderSettings
from store.rowsets import insert_or
from store.tables import session, user

LONGEST_NAME: Final = 60
NOTHING_FITS: Final = "!"  # in place of the hash of a password
_TRIES: Final = 20


def role_of(settings: ProviderSettings, claims: Mapping[str, Any]) -> str | None:
    """Return the role of the first group of the site file that somebody is in; None for somebody in none of them."""
    claim = _claim(claims, settings.groups_claim)
    given = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    groups = {each for each in given if isinstance(each, str)}
    return next((role for group, role in settings.roles if group in groups), None)


def name_of(settings: ProviderSettings, claims: Mapping[str, Any]) -> str:
    """Return what to call somebody: one line without signs that cannot be seen."""
    for claim in (settings.name_claim, "preferred_username", "sub"):
        value = _claim(claims, claim)
        if isinstance(value, str) and (name := readable(value)[:LONGEST_NAME].strip()):
            return name
    return "?"


def admit_person(
    connection: sa.Connection, settings: ProviderSettings, claims: Mapping[str, Any], role: str, now: datetime
) -> tuple[Account, str]:
    """Return the account of somebody with the role that she has from now on, and the role before ("" when new)."""
    whose = (user.c.issuer == settings.issuer) & (user.c.subject == claims["sub"])
    for _ in range(_TRIES):
        found = connection.execute(sa.select(*ACCOUNT).where(whose).with_for_update()).one_or_none()
        if found is not None:
            before = Account(*found)
            if before.active and before.role != role:
                connection.execute(sa.update(user).where(user.c.id == before.id).values(role=role))
            return Account(*connection.execute(sa.select(*ACCOUNT).where(whose)).one()), before.role
        name = _free_name(connection, name_of(settings, claims), settings.name)
        row = {"name": name, "password_hash": NOTHING_FITS, "role": role, "language": "", "created_at": now}
        row |= {"issuer": settings.issuer, "subject": claims["sub"]}
        insert = insert_or(connection.dialect.name, user).on_conflict_do_nothing()
        added = connection.execute(insert.values(**row).returning(*ACCOUNT)).one_or_none()
        if added is not None:  # else another took the name, or is this person, at the same moment
            return Account(*added), ""
    raise RuntimeError("no name could be found that nobody has")


def end_sessions(connection: sa.Connection, issuer: str, subject: str, number: str = "") -> list[Account]:
    """End the sessions that the provider says are over, and return whose they were.

    They are those of a subject, of the provider's number of a session, or of both; one of the two may be empty.
    """
    if not subject and not number:
        raise ValueError("whose sessions?")
    which = [user.c.issuer == issuer]
    if subject:
        which.append(user.c.subject == subject)
    if number:  # a session whose number the provider never told may be this one
        of_session = session.c.provider_session == number
        unnumbered = session.c.provider_session.is_(None) if subject else sa.false()
        which.append(sa.or_(of_session, unnumbered))
    joined = session.join(user, user.c.id == session.c.user_id)
    query = sa.select(session.c.token_hash, *ACCOUNT).select_from(joined).where(*which)
    found = connection.execute(query).all()
    ended = [row.token_hash for row in found]
    connection.execute(sa.delete(session).where(session.c.token_hash.in_(ended)))
    people = {row.id: Account(*row[1:]) for row in found}
    return [people[number] for number in sorted(people)]


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim by its name, or by a path such as `realm_access.roles`."""
    if path in claims:
        return claims[path]
    value: Any = claims
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _free_name(connection: sa.Connection, name: str, provider: str) -> str:
    taken = {look(each) for each in connection.scalars(sa.select(user.c.name))}
    if look(name) not in taken:
        return name
    numbered = (f"{name} ({provider}{f' {number}' if number > 1 else ''})" for number in range(1, len(taken) + 2))
    return next(each for each in numbered if look(each) not in taken)
