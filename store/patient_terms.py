"""The terms by which people find a patient: the words of the name, without case and accents, and the day of birth.

They follow the latest demographics: whoever stores these replaces the terms, in the same transaction.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from store import tables
from store.engine import to_json
from store.rowsets import PARAMETER, Types, among, insert_or, one_of, rowset

FIELDS = ("family", "given", "birth_date")  # the demographics that terms are made of
LONGEST_WORD = 60  # letters that are compared: PostgreSQL indexes no text of more than 2,704 bytes
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_LAST = "\U0010ffff"  # sorts behind every letter that can follow
_TERM: Types = {"patient_id": sa.BigInteger(), "term": sa.Text()}


def words_of(text: str) -> list[str]:
    """Return the words of a name as they are compared: `Müller-van den Berg` is muller, van, den, berg.

    A longer word is compared by its beginning.
    """
    spelled = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    bare = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    words = "".join(letter if letter.isalnum() else " " for letter in bare).split()
    return [word[:LONGEST_WORD] for word in words]


_PARTICLES = frozenset(
    words_of(
        "af al am an at au auf aus bij da das de dei del della den der des di do don dos du el en het in "
        "la le les lo los op over te ten ter tot uijt uit van vd vde vom von voor zu zum zur"
    )
)


def replace(connection: sa.Connection, people: Mapping[int, Mapping[str, Any]]) -> None:
    """Store the terms of these patients, who must be locked, by their demographics."""
    if not people:
        return
    rows = {"ids": sorted(people), PARAMETER: to_json(term_rows(people))}
    for statement in (delete_terms(connection.dialect.name), insert_terms(connection.dialect.name)):
        connection.execute(statement, rows)


def term_rows(people: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the terms of these patients as the statements below take them."""
    return [{"patient_id": id_, "term": term} for id_ in sorted(people) for term in sorted(set(_terms(people[id_])))]


@cache
def delete_terms(dialect: str, rows: str = PARAMETER, ids: str = "ids") -> sa.Delete:
    """Return the statement that removes what is not among these rows of the terms of these patients."""
    term, given = tables.patient_term, rowset(dialect, _TERM, rows)
    same = (given.c.patient_id == term.c.patient_id) & (given.c.term == term.c.term)
    return sa.delete(term).where(one_of(dialect, term.c.patient_id, ids), ~sa.exists().where(same))


@cache
def insert_terms(dialect: str, rows: str = PARAMETER) -> sa.Insert:
    """Return the statement that adds these rows, of which some may be there."""
    given = sa.select(rowset(dialect, _TERM, rows)).where(sa.true())
    insert = insert_or(dialect, tables.patient_term).from_select(list(_TERM), given, include_defaults=False)
    return insert.on_conflict_do_nothing()


def forget(connection: sa.Connection, ids: Collection[int]) -> None:
    """Remove the terms of these patients."""
    term = tables.patient_term
    connection.execute(sa.delete(term).where(among(connection, term.c.patient_id, ids)))


def find(
    connection: sa.Connection, name: str, born: date | None, limit: int, of: Collection[int] | None = None
) -> list[int]:
    """Return the identities whose names have words that begin with each of these, born on that day; none for nothing.

    With `of` only these identities are looked at.
    Particles are left out where another word stands beside them: `van den Berg` is found as Berg.
    """
    words = words_of(name)
    telling = {word for word in words if word not in _PARTICLES} or set(words)
    wanted = sorted(telling, key=lambda word: (-len(word), word))  # the longest is the rarest
    if not wanted and born is None:
        return []
    term = tables.patient_term
    first = _begins(term, wanted.pop(0)) if born is None else term.c.term == born.isoformat()
    query = sa.select(term.c.patient_id).where(first).distinct()
    for word in wanted:
        other = term.alias()
        query = query.where(sa.exists().where(other.c.patient_id == term.c.patient_id, _begins(other, word)))
    if of is not None:
        query = query.where(among(connection, term.c.patient_id, of))
    return list(connection.execute(query.order_by(term.c.patient_id).limit(limit)).scalars())


def _begins(term: sa.FromClause, word: str) -> sa.ColumnElement[bool]:
    return (term.c.term >= word) & (term.c.term < word + _LAST)


def _terms(fields: Mapping[str, Any]) -> Iterator[str]:
    yield from {*words_of(fields.get("family", "")), *words_of(fields.get("given", ""))}
    if fields.get("birth_date"):
        yield fields["birth_date"]
