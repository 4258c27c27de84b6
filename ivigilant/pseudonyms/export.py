"""Stored messages written for a test system: chosen, pseudonymised, and a report of what became of each field."""

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clinical.identities import Name
from history.choices import Site
from ivigilant.pseudonyms.forms import identifying_in
from ivigilant.pseudonyms.keyed import Pseudonyms
from ivigilant.pseudonyms.messages import Asked, FieldCounts, Identifying, rewrite
from ivigilant.pseudonyms.resources import rewrite_resource
from ivigilant.pseudonyms.vocabulary import vocabulary
from parsers.errors import ParserError
from parsers.fhir.reading import is_resource
from store import merges, message_queries, patients, tables
from store.canary import of_senders
from store.messages import raw_of
from store.patients import KnownPatient
from store.rowsets import among

PAGE = 500
REPORT = "report.csv"
RESOURCES = "resources.ndjson"
SEVERAL = 3  # messages or patients from which on a name is not that of a person


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are exported."""

    feed: str = ""
    since: datetime | None = None
    until: datetime | None = None
    patients: Collection[int] | None = None  # every identity of these; None: of everybody
    count: int | None = None  # the first so many


@dataclass(slots=True)
class Exported:
    """What was written and what was left out."""

    messages: int = 0
    resources: int = 0
    unreadable: int = 0
    withheld: int = 0  # something that identifies somebody would have left
    emptied_texts: int = 0
    fields: FieldCounts = field(default_factory=FieldCounts)


def chosen(connection: sa.Connection, wanted: Wanted) -> list[int]:
    """Return the messages that are exported, in order of arrival: those that were processed and have a text."""
    message, feed, mention = tables.message, tables.feed, tables.mention
    query = sa.select(message.c.id).where(message.c.state == "processed", message.c.pruned_at.is_(None), of_senders())
    if wanted.feed:
        query = query.where(message.c.feed_id.in_(sa.select(feed.c.id).where(feed.c.name == wanted.feed)))
    if wanted.since is not None:
        query = query.where(message.c.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(message.c.received_at < wanted.until)
    if wanted.patients is not None:
        about = sa.select(mention.c.message_id).where(among(connection, mention.c.patient_id, wanted.patients))
        query = query.where(message.c.id.in_(about))
    query = query.order_by(message.c.id)
    return list(connection.execute(query if wanted.count is None else query.limit(wanted.count)).scalars())


def people_in(connection: sa.Connection, ids: Collection[int]) -> set[int]:
    """Return the identities that these messages mention."""
    found: set[int] = set()
    for some in _pages(ids):
        found = found.union(*message_queries.patients_of(connection, some).values())
    return found


def left_out(connection: sa.Connection, wanted: Wanted) -> int:
    """Return how many messages of the time are not exported: never read, or without a text."""
    message = tables.message
    query = sa.select(sa.func.count()).where(
        (message.c.state != "processed") | message.c.pruned_at.is_not(None), of_senders()
    )
    if wanted.since is not None:
        query = query.where(message.c.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(message.c.received_at < wanted.until)
    return int(connection.execute(query).scalar_one())


def export(
    connection: sa.Connection,
    ids: Collection[int],
    folder: Path,
    site: Site,
    pseudonyms: Pseudonyms,
    now: datetime,
    *,
    texts: bool = False,
    report: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Write each of these messages to a file of the folder, named so that they are replayed in order of arrival."""
    today, known = now.astimezone(site.zone).date(), _systems(connection, site)
    people = _People(connection)
    asked = Asked(pseudonyms, vocabulary(), today, people.person_of, people.words_of, known, texts)
    done, message, feed = Exported(), tables.message, tables.feed
    query = sa.select(message.c.id, message.c.raw, feed.c.name).join(feed, feed.c.id == message.c.feed_id)
    width = len(str(len(ids)))
    for some in _pages(ids):
        rows = connection.execute(query.where(among(connection, message.c.id, some)).order_by(message.c.id))
        for row in rows:
            _write(row, folder, width, asked, site, done)
            report(done.messages + done.resources + done.unreadable + done.withheld)
    _write_report(folder / REPORT, done)
    return done


def _write(row: Any, folder: Path, width: int, asked: Asked, site: Site, done: Exported) -> None:
    raw, defaults = raw_of(row), site.defaults_of(row.name)
    number = done.messages + 1
    try:
        if is_resource(raw):
            line = rewrite_resource(raw, asked, defaults, done.fields)
            with (folder / RESOURCES).open("ab") as lines:
                lines.write(line + b"\n")
            done.resources += 1
            return
        written = rewrite(raw, number, asked, defaults, done.fields)
    except ParserError:
        done.unreadable += 1
    except Identifying:
        done.withheld += 1
    else:
        (folder / f"{number:0{width}d}.hl7").write_bytes(written)
        done.messages = number


class _People:
    """Whom the store knows: which person a number is, merged ones as one, and what tells who that is."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._person: dict[Name, str] = {}
        self._words: dict[str, frozenset[str]] = {}

    def person_of(self, name: Name) -> str:
        """Return the person of this number: the same for all that were merged, as they are now."""
        if name not in self._person:
            found = patients.found(self._connection, [name])
            people = merges.persons(self._connection, found.values()) if found else []
            if people:
                rows = patients.of_ids(self._connection, people[0].members)
                root = "|".join(rows[people[0].root].name)
                self._person.update({row.name: root for row in rows.values()})
                self._words[root] = self._words_of(rows)
            self._person.setdefault(name, "|".join(name))
        return self._person[name]

    def words_of(self, person: str) -> frozenset[str]:
        """Return the names, numbers and dates that tell who this person is."""
        return self._words.get(person, frozenset())

    def _words_of(self, rows: Mapping[int, KnownPatient]) -> frozenset[str]:
        texts = [row.value for row in rows.values()]
        texts += [each.value for each in patients.numbers_of(self._connection, rows)]
        for row in rows.values():
            born = str(row.demographics.get("birth_date") or "")
            texts += [str(row.demographics.get(part) or "") for part in ("family", "given")]
            texts += [born, born.replace("-", ""), "-".join(reversed(born.split("-")))]
        return frozenset(identifying_in(texts))


def _systems(connection: sa.Connection, site: Site) -> frozenset[str]:
    """Return the names of who sends and of who gives out numbers: those of the site file, and those that several have.

    What one message alone says may be anything, the name of a person too.
    """
    message, patient = tables.message, tables.patient
    found: set[str] = set()
    for column in (message.c.sending_application, message.c.sending_facility, patient.c.authority):
        several = sa.select(column).group_by(column).having(sa.func.count() >= SEVERAL)
        found |= set(connection.execute(several).scalars())
    for each in (*site.defaults.values(), *([site.of_unknown] if site.of_unknown is not None else [])):
        found |= {each.authority, *each.mrn_authorities, *each.authorities, *each.authorities.values()}
        found |= set(each.code_systems)
    return frozenset(found)


def _write_report(file: Path, done: Exported) -> None:
    """Write how often which field was kept, moved, replaced, scrubbed, emptied or dropped."""
    with file.open("w", newline="") as opened:
        lines = csv.writer(opened, lineterminator="\n")
        lines.writerow(["field", "what", "times"])
        lines.writerows([path, what, count] for (path, what), count in sorted(done.fields.of.items()))


def _pages(ids: Collection[int]) -> Iterator[list[int]]:
    ordered = sorted(ids)
    yield from (ordered[start : start + PAGE] for start in range(0, len(ordered), PAGE))
