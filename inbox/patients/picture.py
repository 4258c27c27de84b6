"""What is on record about one person, read for a page: the picture of it, and the table that holds the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
import structlog
from markupsafe import Markup

from history.choices import Site
from history.chronology import Chronology, chronology_of
from history.entries import decode
from history.person import PersonHistory, latest_fields
from inbox.http.notation import Notation
from inbox.http.parts import Parts
from inbox.patients.drawing import Start, drawings, words_after, words_of_use
from rules.facts import Provenance
from store import facts, merges, patients

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One line of the table that holds what the picture shows."""

    at: datetime | None
    when: str
    lane: str
    name: str
    source: Provenance | None


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """The drawing, and the table that holds the same."""

    svg: Markup
    table: list[PictureRow]


def history_of(connection: sa.Connection, patient_id: int) -> PersonHistory | None:
    """Return what is on record of the person behind a patient's row; None when this release cannot read it."""
    (person,) = merges.persons(connection, {patient_id})
    rows = patients.of_ids(connection, person.members)
    own = sorted((rows[member] for member in person.members), key=lambda row: row.name)
    others = [row.name for row in own if row.id != person.root]
    try:
        entries = decode(facts.of_patients(connection, person.members))
    except msgspec.ValidationError:  # of another release: the alert is shown all the same, without its picture
        log.exception("history.unreadable", patient=patient_id)
        return None
    return PersonHistory(
        identities=[rows[person.root].name, *others],
        entries=entries,
        demographics=latest_fields((row.demographics, row.demographics_versions) for row in own),
        members=person.members,
    )


def picture_of(
    person: PersonHistory | None, parts: Parts, notation: Notation, now: datetime, start: Start | None = None
) -> ShownPicture:
    """Draw one person at this moment; around the start of an order when the page is about one."""
    if person is None:
        return ShownPicture(Markup(), [])
    site = Site(zone=parts.settings.zone)
    chronology: Chronology = chronology_of(person, parts.knowledge, site, now)
    return ShownPicture(drawings(chronology, notation, now, start), table_of(chronology, notation))


def start_of(at: datetime | None, ordered_minutes: int | None, advised_minutes: int | None) -> Start | None:
    """Return the start that a picture is drawn around; None for an order without one."""
    if at is None:
        return None
    ordered, advised = (
        None if each is None else timedelta(minutes=each) for each in (ordered_minutes, advised_minutes)
    )
    return Start(at, ordered, advised)


def table_of(chronology: Chronology, notation: Notation) -> list[PictureRow]:
    """Return everything that the picture shows, the newest first; what has no date last."""
    words = notation.words
    rows = [
        PictureRow(
            dose.at,
            notation.moment(dose.at),
            "ivig",
            words(
                "picture.given" if dose.given else "picture.planned",
                dose=notation.figure(dose.grams, "g") if dose.grams else words("unknown"),
            ),
            dose.source,
        )
        for dose in chronology.doses
    ]
    for event in chronology.thromboses:
        after = words_after(notation, event.days_after)
        doubt = words.code("certainty", "suspected") if event.is_suspected else ""
        name = ", ".join(part for part in (event.name, after, doubt) if part)
        when = notation.known(event.at, event.precision) or words("moment.undated")
        rows.append(PictureRow(event.at, when, "thrombosis", name, event.source))
    for use in chronology.uses:
        name = words_of_use(notation, use)
        when = notation.moment(use.begins) or words("moment.undated")
        when += f" – {notation.moment(use.ends)}" if use.ends else ""
        rows.append(PictureRow(use.begins, when, "cover", name, use.source))
    rows += [
        PictureRow(each.at, notation.moment(each.at), "inr", notation.figure(each.value), each.source)
        for each in chronology.readings
    ]
    return sorted(rows, key=lambda row: (row.at is not None, row.at.timestamp() if row.at else 0.0), reverse=True)
