"""The codes of a house as people look at them: how often each was seen, when last, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store.local_codes import LocalCode
from store.tables import feed, mention, message, patient
from store.work_tables import local_code, local_code_seen


class SeenCode(LocalCode, frozen=True, kw_only=True):
    """A local code with how often it was seen, and the newest message it was seen in, if that is there still."""

    messages: int
    message_id: int | None
    path: str | None
    control_id: str | None
    last_seen: datetime | None
    feed: str | None


@dataclass(frozen=True, slots=True)
class CodeFilter:
    """Which codes to list; what is empty leaves nothing out."""

    states: Sequence[str] = ()
    kinds: Sequence[str] = ()
    words: str = ""  # in the code, its system or the sender's words
    telling: bool = False  # only those whose words name a value set

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Give it as the database understands it."""
        wanted: list[sa.ColumnElement[bool]] = []
        if self.states:
            wanted.append(local_code.c.state.in_(self.states))
        if self.kinds:
            wanted.append(local_code.c.kind.in_(self.kinds))
        if self.telling:
            wanted.append(local_code.c.likely != "")
        if self.words:
            places = (local_code.c.code, local_code.c.display, local_code.c.system)
            wanted.append(sa.or_(*(place.icontains(self.words, autoescape=True) for place in places)))
        return wanted


def most_seen(connection: sa.Connection, wanted: CodeFilter, limit: int) -> list[SeenCode]:
    """List codes: those whose words name a value set first, then by how often they were seen."""
    seen = _seen(wanted.conditions())
    query = _with_example(seen).where(*wanted.conditions())
    order = ((local_code.c.likely == "").asc(), sa.func.coalesce(seen.c.messages, 0).desc(), local_code.c.id)
    return _read(connection, query.order_by(*order).limit(limit))


def newest(connection: sa.Connection, wanted: CodeFilter, before: int | None, limit: int) -> list[SeenCode]:
    """List codes, newest first, from a place in that list on."""
    conditions = wanted.conditions()
    if before is not None:
        conditions.append(local_code.c.id < before)
    page = sa.select(local_code.c.id).where(*conditions).order_by(local_code.c.id.desc()).limit(limit).subquery()
    chosen = local_code.c.id.in_(sa.select(page.c.id))
    return _read(connection, _with_example(_seen([chosen])).where(chosen).order_by(local_code.c.id.desc()))


def one(connection: sa.Connection, code_id: int) -> SeenCode | None:
    """Give one code, None when there is none of this number."""
    chosen = local_code.c.id == code_id
    return next(iter(_read(connection, _with_example(_seen([chosen])).where(chosen))), None)


def _read(connection: sa.Connection, query: sa.Select[*tuple[Any, ...]]) -> list[SeenCode]:
    return [SeenCode(**row) for row in connection.execute(query).mappings()]


def count(connection: sa.Connection, wanted: CodeFilter) -> int:
    """Count codes."""
    query = sa.select(sa.func.count()).select_from(local_code).where(*wanted.conditions())
    return connection.execute(query).scalar_one()


def _seen(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.Subquery:
    ids = sa.select(local_code.c.id).where(*conditions)
    seen = sa.select(
        local_code_seen.c.code_id,
        sa.func.count().label("messages"),
        sa.func.max(local_code_seen.c.message_id).label("last"),
    )
    return seen.where(local_code_seen.c.code_id.in_(ids)).group_by(local_code_seen.c.code_id).subquery("seen")


def _with_example(seen: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    """Each code with its figures, and the newest message it was seen in."""
    example = local_code_seen.alias("example")
    return (
        sa.select(
            local_code,
            sa.func.coalesce(seen.c.messages, 0).label("messages"),
            seen.c.last.label("message_id"),
            example.c.path,
            message.c.control_id,
            message.c.received_at.label("last_seen"),
            feed.c.name.label("feed"),
        )
        .select_from(local_code)
        .outerjoin(seen, seen.c.code_id == local_code.c.id)
        .outerjoin(example, sa.and_(example.c.code_id == seen.c.code_id, example.c.message_id == seen.c.last))
        .outerjoin(message, message.c.id == seen.c.last)
        .outerjoin(feed, feed.c.id == message.c.feed_id)
    )


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom a decision on a code touches."""

    messages: int  # that are processed again
    patients: int
    with_ivig: int  # of those, whose orders for IVIg are answered again


def reach(connection: sa.Connection, code_id: int) -> Reach:
    """Count the messages a code was seen in, and the patients they speak of."""
    seen = local_code_seen
    messages = sa.select(sa.func.count()).where(seen.c.code_id == code_id)
    people = (
        sa.select(patient.c.id, patient.c.has_ivig)
        .join(mention, mention.c.patient_id == patient.c.id)
        .join(seen, seen.c.message_id == mention.c.message_id)
        .where(seen.c.code_id == code_id)
        .distinct()
        .subquery()
    )
    counts = sa.select(sa.func.count(), sa.func.count().filter(people.c.has_ivig)).select_from(people)
    patients, with_ivig = connection.execute(counts).one()
    return Reach(connection.execute(messages).scalar_one(), patients, with_ivig)
