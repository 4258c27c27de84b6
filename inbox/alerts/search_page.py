"""The search for a patient or order, by number or by name and day of birth. All of it is posted, so that no address,
log or history holds it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.params import URLEncodedBody
from litestar.response import Template

from clinical.identities import Person
from history.messages import Fields
from history.person import displayed_name, latest_fields
from inbox.alerts.inbox_page import cards_of
from inbox.http.pages import language_of, page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record
from inbox.people.permissions import Permission, needs
from store import merges, patient_terms, patients
from store.alerts import AlertFilter, ConcludedAlert, list_alerts
from store.assessments import StoredAssessment, list_assessments
from store.engine import reading
from store.merges import SourcedStatement, patients_named

Form = URLEncodedBody[dict[str, str]]
MOST = 50  # people who are shown of those with such a name
LONGEST = 200  # letters of a name that are looked for
_DATE = re.compile(r"\b(?:\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{4}-\d{2}-\d{2})\b")


@get("/search", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=False)
def ask(request: AnyRequest) -> Template:
    """Ask for a number, or a name."""
    return page(request, "search.html", asked=PatientQuery(), found=None)


@post("/search", opt=needs(Permission.ALERTS_READ), status_code=200, include_in_schema=False, sync_to_thread=True)
def show_found(request: AnyRequest, data: Form) -> Response[Any]:
    """Show who has this number, or this name and day of birth; of one patient, or an order, the alerts and answers."""
    parts, asked = parts_of(request), _asked(data)
    with reading(parts.engine) as connection:
        found = _search(connection, asked, parts.settings.rows_per_page)
    what = f"{len(found.whom)} found by {'name' if found.by_name else 'number'}"
    with parts.engine.begin() as connection:  # never what was asked: it may be anybody's
        record(connection, request.user, "search", parts.clock(), patients=found.whom or [None], what=what)
    cards = cards_of(parts, found.alerts, language_of(request), parts.clock())
    return page(request, "search.html", asked=asked, found=found, cards=cards, most=MOST)


@dataclass(frozen=True, slots=True)
class PatientQuery:
    """What was filled in; a word that is nobody's number is looked for as a name."""

    number: str = ""
    name: str = ""
    born: date | None = None
    is_both: bool = False  # a number, and beside it a name or a day of birth


def _asked(data: Mapping[str, str]) -> PatientQuery:
    number, name = data.get("number", "").strip(), data.get("name", "").strip()
    born = _day(data.get("born", ""))
    if not name and any(letter.isalpha() for letter in number):
        written = _DATE.search(number)
        born = born or (_day(written[0]) if written else None)
        return PatientQuery(number, _DATE.sub(" ", number).strip()[:LONGEST], born)
    has_person = bool(patient_terms.words_of(name) or born)
    return PatientQuery(number, name[:LONGEST], born, is_both=bool(number) and has_person)


def _day(text: str) -> date | None:
    """Return the day, written as a form sends it or as the Dutch write it; None when it is none."""
    parts = [int(part) for part in re.findall(r"\d+", text)[:3]]
    if len(parts) < 3:
        return None
    year, month, day = parts if parts[0] > 31 else reversed(parts)
    try:
        return date(year, month, day)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """One person who was found, with the demographics of all numbers."""

    person: Person[int]
    fields: Fields

    @property
    def name(self) -> str:
        """The name as a ward list writes it."""
        return displayed_name(self.fields)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Who was found, and of one patient or an order the alerts, the answers and the merged numbers."""

    people: Sequence[FoundPerson]
    alerts: Sequence[ConcludedAlert] = ()
    answers: Sequence[StoredAssessment] = ()
    spoken: Sequence[SourcedStatement] = ()
    by_name: bool = False
    is_cut: bool = False  # there are more with such a name
    is_missed: bool = False  # nobody has the number beside which the name stood
    differs: bool = False  # who has the number has another name or day of birth

    @property
    def whom(self) -> list[int]:
        """Every identity that the page is about."""
        members = {member for each in self.people for member in each.person.members}
        beside = {row.patient_id for row in self.alerts} | {row.patient_id for row in self.answers}
        return sorted(members | beside)

    @property
    def is_one(self) -> bool:
        """Whether it is about one patient or order, of which more is shown."""
        return len(self.people) == 1 or not self.by_name


def _search(connection: sa.Connection, asked: PatientQuery, limit: int) -> SearchResult:
    """Look for the number first, as a patient's and as an order's; then for the name and the day of birth."""
    ids = patients_named(connection, asked.number) if asked.number else set()
    alerts, answers = _of(connection, ids, asked.number, limit)
    if ids or alerts or answers:
        found = SearchResult(found_people(connection, ids), alerts, latest_answers(answers))
        if asked.is_both and not patient_terms.find(connection, asked.name, asked.born, 1, found.whom):
            found = replace(found, differs=True)
        return _with_merges(connection, found)
    nobody = SearchResult((), by_name=bool(asked.name or asked.born), is_missed=asked.is_both)
    ids = set(patient_terms.find(connection, asked.name, asked.born, MOST + 1))
    people = found_people(connection, ids)[:MOST]
    if len(people) != 1:
        return replace(nobody, people=people, is_cut=len(ids) > MOST)
    alerts, answers = _of(connection, set(people[0].person.members), "", limit)
    one = replace(nobody, people=people, alerts=alerts, answers=latest_answers(answers))
    return _with_merges(connection, one)


def _with_merges(connection: sa.Connection, found: SearchResult) -> SearchResult:
    members = {member for each in found.people for member in each.person.members}
    spoken = merges.by_pair(merges.among_members(connection, members))
    return replace(found, spoken=list(spoken.values()))


def found_people(connection: sa.Connection, ids: Collection[int]) -> list[FoundPerson]:
    """Return the people behind these identities, by name."""
    persons = merges.persons(connection, ids) if ids else []
    rows = patients.of_ids(connection, {member for each in persons for member in each.members})
    people = [
        FoundPerson(
            each,
            latest_fields(
                (row.demographics, row.demographics_versions)
                for row in sorted((rows[member] for member in each.members), key=lambda row: row.name)
            ),
        )
        for each in persons
    ]
    return sorted(people, key=lambda each: (patient_terms.words_of(each.name), each.person.root))


def _of(
    connection: sa.Connection, patients: set[int], number: str, limit: int
) -> tuple[list[ConcludedAlert], list[StoredAssessment]]:
    """Return the alerts and answers of the patients, or of the order, that have this number."""
    if patients:
        wanted = AlertFilter(patients=patients)
        return list_alerts(connection, wanted, None, limit), list_assessments(connection, patients, "", None, limit)
    if not number:
        return [], []
    of_order = list_alerts(connection, AlertFilter(order=number), None, limit)
    return of_order, list_assessments(connection, None, number, None, limit)


def latest_answers(answers: Sequence[StoredAssessment]) -> list[StoredAssessment]:
    """Return the newest answer for each order and stream; they come newest first."""
    newest: dict[tuple[int, str], StoredAssessment] = {}
    for row in answers:
        newest.setdefault((row.order_id, row.stream), row)
    return list(newest.values())
