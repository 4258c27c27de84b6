"""Judging of orders that are not placed yet: the stored history with what the request adds, and nothing written.

Whose history it is follows from the rules of the feed: the numbers of the Patient resource, what was merged and parted,
and a citizen number only where one person carries it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from clinical.identities import CITIZEN_NUMBERS, MergeStatement, Name, Person, is_citizen_number
from history.drafts import (
    DraftRequest,
    JudgedDrafts,
    PatientUnknown,
    beside_stored,
    drafts_among,
    numbers_of_drafts,
    patient_in,
    read_drafts,
)
from history.messages import gather
from history.person import PersonHistory, judge, people_among, people_in
from rules.knowledge import Knowledge
from store import merges, patients
from worker.histories import histories_of, history_as_of
from worker.local_codes import knowledge_now
from worker.worker import Worker


def judge_drafts(worker: Worker, connection: sa.Connection, request: DraftRequest) -> JudgedDrafts:
    """Answer the drafts; where there are none, every order of the patient.

    Raises UnreadableMessage for a resource that cannot be read, and PatientUnknown.
    """
    knowledge, site = knowledge_now(worker.up_to_date(), connection), worker.site
    name = patient_in(request, site)
    messages = read_drafts(request, knowledge, site)
    people = people_in(messages, knowledge)
    sent = next((each for each in people if name in each.identities), PersonHistory([name], []))
    sent = replace(sent, history_received=sent.history_received or request.tells_conditions)
    reported = [merge.statement for merge in gather(messages, knowledge).merges]
    statements = [each for each in reported if not is_citizen_number(each.survivor)]  # these lead on to their carrier
    found = _found(connection, name, sent, statements)
    if not found.members and not request.names_patient:
        raise PatientUnknown
    root = (found.root or min(found.members)) if found.members else None
    numbers = numbers_of_drafts(request, site)
    only = numbers.values() if numbers else None  # a prescriber waits: the other orders have their answers already
    judged = judge(_whole(connection, knowledge, request, sent, found, root), knowledge, site, only)
    return JudgedDrafts(judged, drafts_among(judged.answers, numbers), root)


def _whole(
    connection: sa.Connection,
    knowledge: Knowledge,
    request: DraftRequest,
    sent: PersonHistory,
    found: "_FoundPatient",
    root: int | None,
) -> PersonHistory:
    """Return what was sent with what is stored."""
    behind = history_as_of(connection, request.at)
    if root is None:
        return replace(sent, history_as_of=behind, is_unclear=sent.is_unclear or found.is_unclear)
    rows = patients.of_ids(connection, found.members)
    (stored,) = histories_of(connection, [Person(root, found.members)], rows, behind)
    whole = beside_stored(stored, sent, request, knowledge)
    return replace(whole, is_unclear=whole.is_unclear or found.is_unclear)


@dataclass(frozen=True, slots=True)
class _FoundPatient:
    """The identities in the store that are this person."""

    members: frozenset[int]
    root: int | None
    is_unclear: bool


def _found(
    connection: sa.Connection, name: Name, sent: PersonHistory, statements: Sequence[MergeStatement[Name]]
) -> _FoundPatient:
    """Find the person by her numbers, as a message with these numbers would."""
    hospital = [each for each in sent.identities if not is_citizen_number(each)]
    ids = set(patients.found(connection, hospital).values()) if hospital else set()
    rows = merges.connected(connection, ids) if ids else {}
    person = _person_after(name, sent, rows, statements)
    stored = {row.name: id_ for id_, row in rows.items()}
    members = frozenset(stored[each] for each in person.members if each in stored)
    # Whoever is left behind was this person until the request said otherwise.
    unclear = person.in_circle or bool(rows.keys() - members)
    for number in sorted(each for each in {*sent.identities, *sent.numbers} if is_citizen_number(each)):
        same, is_shared = _by_citizen_number(connection, number, members, alone=number in sent.identities)
        members, unclear = members | same, unclear or is_shared
    return _FoundPatient(members, stored.get(person.root), unclear)


def _person_after(
    name: Name, sent: PersonHistory, rows: Mapping[int, merges.Identity], statements: Sequence[MergeStatement[Name]]
) -> Person[Name]:
    """Return the person of this name once what the request says of its numbers stands beside the stored merges."""
    stored = [
        MergeStatement(rows[id_].name, rows[pointer.target].name, pointer.version)
        for id_, pointer in merges.pointing(rows).items()
    ]
    every = [*stored, *statements]
    own = {*sent.identities, *(row.name for row in rows.values())}
    names = own.union(*((each.retired, each.survivor) for each in every))
    return next(each for each in people_among(names, every, {}) if name in each.members)


def _by_citizen_number(
    connection: sa.Connection, number: Name, members: frozenset[int], *, alone: bool
) -> tuple[frozenset[int], bool]:
    """Return whom a citizen number adds, and whether several people carry it.

    A number that is an identity of its own leads to the only person who carries it. Two patients of the hospital with
    one number stay two.
    """
    ids = patients.named(connection, number[1], CITIZEN_NUMBERS)
    others = [person for person in merges.persons(connection, ids) if not person.members & members] if ids else []
    own = patients.found(connection, [number]).get(number)
    if alone and len(others) == 1 and not members:
        return others[0].members, False
    if others == [Person(own, frozenset({own}))]:  # named by this number alone, and carried by nobody else
        return others[0].members, False
    is_identity = alone or own is not None
    return frozenset(), is_identity and bool(others)
