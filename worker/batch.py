"""A batch of messages, from rows to alerts, under the patients' locks and inside the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from clinical.identities import Person, is_citizen_number
from history.choices import Site
from history.evidence import AwaitedResult, evidence_of
from history.judged import JudgedHistory, judge_history
from history.order_answers import why_unanswered
from history.person import PersonAnswers, PersonHistory
from rules.knowledge import Knowledge
from store import alerts, deliveries, due, facts, merges, orders, patients
from store.alerts import DESTINATIONS, AlertEvent, Columns, Happening
from store.charts import read_charts
from store.deliveries import NewDelivery
from store.due import Due
from store.facts import FactTuple
from store.locks import LockedPeople, lock_named
from store.patients import KnownPatient
from worker.answers import StoredPerson, store_answers
from worker.histories import complete_until, outlines, sharing_a_number, standing_among
from worker.judged_ahead import JudgedAhead, LongHistory
from worker.memory import HistoryMemory, KeptHistory, Recalled, holding
from worker.raise_alerts import Effects, raise_alerts, resolve_unanswered
from worker.record import MessageContent, Touched, fact_row, record

_TURNS = frozenset({"raised", "reopened", "changed", "taken_on", "acknowledged", "overridden", "undone"})


@dataclass(frozen=True, slots=True)
class Judge:
    """What judging needs besides the history: the knowledge, the hospital's choices, and the time."""

    knowledge: Knowledge
    site: Site
    now: datetime
    most_facts: int | None = None  # to judge in this transaction; above it LongHistory is raised
    ahead: JudgedAhead | None = None
    memory: HistoryMemory | None = None  # of histories to start from
    recalled: Recalled | None = None  # those of them that still hold, by the batch at hand


def record_and_judge(connection: sa.Connection, judging: Judge, contents: Sequence[MessageContent]) -> Effects:
    """Add the content of the messages to the history, and answer again every IVIg order it may affect."""
    names = {name for each in contents for name in each.names}
    locked = lock_named(connection, names, {number for each in contents for number in each.numbers})
    if judging.ahead is not None and not judging.ahead.holds(connection, judging.knowledge, contents):
        judging = replace(judging, ahead=None)
    judging = replace(judging, recalled=_recalled(judging.memory, contents, locked))
    touched = record(connection, contents, locked.ids, locked.rows)
    touched.history.update(locked.ids[name] for each in contents if each.message.again for name in each.names)
    return judge_again(connection, judging, touched)


def judge_again(connection: sa.Connection, judging: Judge, touched: Touched) -> Effects:
    """Answer again the IVIg orders of these patients, who must be locked."""
    people, rows = _people_with_orders(connection, touched)
    if not people:
        return Effects()
    members = {member for each in people for member in each.members}
    # Of those who were judged ahead, or are judged from memory, the facts are not read again.
    known = judging.recalled.kept.keys() if judging.recalled is not None else ()
    unknown = {member for each in people if each.members not in known for member in each.members}
    most, of_facts = judging.most_facts, unknown if judging.ahead is None else set[int]()
    charts = read_charts(connection, members, of_facts, None if most is None else most + 1)
    if most is not None and len(charts.facts) > most:
        raise LongHistory
    is_shared = touched.rows is None or any(is_citizen_number(row.name) for row in rows.values())
    unclear = sharing_a_number(connection, people) if is_shared else frozenset[int]()
    as_of = complete_until(charts.oldest_waiting, judging.now)
    found = outlines(people, rows, charts.numbers, charts.statements, unclear, as_of)
    stored = store_answers(connection, _judged(connection, judging, found, charts.facts, of_facts), charts, judging.now)
    done = raise_alerts(connection, judging.site, judging.knowledge.terms, stored, charts.alerts, judging.now)
    waiting = [
        each for each in stored if not done.alerted.isdisjoint(each.person.members)
    ]  # a new alert awaits nothing
    done.include(_answer_follow_ups(connection, judging.knowledge, waiting, judging.now))
    reasons: dict[int, str] = {}
    for each in stored:
        if each.gone:
            why = why_unanswered(each.person.entries, judging.knowledge)
            reasons |= {order_id: why.get(key, "order_withdrawn") for order_id, key in each.gone.items()}
    done.include(resolve_unanswered(connection, reasons, judging.now))
    done.answers = sum(len(each.answers) for each in stored)
    done.kept = judging.recalled.new if judging.recalled is not None else {}
    return done


def _recalled(
    memory: HistoryMemory | None, contents: Sequence[MessageContent], locked: LockedPeople
) -> Recalled | None:
    """Return the histories in memory that still hold, before the content is added."""
    if memory is None:
        return None
    versions = {id_: row.facts_version for id_, row in locked.rows.items()}
    recalled = Recalled(holding(memory.of(locked.rows), versions))
    members = {member for people in recalled.kept for member in people}
    entries = (entry for each in contents for entry in each.gathered.entries)
    recalled.expect(fact_row(one, locked.ids[one.identity]) for one in entries if locked.ids[one.identity] in members)
    return recalled


def _judged(
    connection: sa.Connection,
    judging: Judge,
    people: Sequence[PersonHistory],
    rows: Sequence[FactTuple],
    of_facts: Collection[int],
) -> list[PersonAnswers]:
    """Return the answers of these people: as judged ahead, from memory, or from their facts.

    `rows` are those of `of_facts`; where others turn out to be needed they are read.
    """
    found = {each.members: _without_reading(judging, each) for each in people}
    left = [each for each in people if found[each.members] is None]
    missing = {member for each in left for member in each.members}.difference(of_facts)
    if missing and judging.most_facts is not None and facts.are_more_than(connection, missing, judging.most_facts):
        raise LongHistory
    every = [*rows, *facts.of_patients(connection, missing)] if missing else rows
    for outline, standing in zip(left, standing_among(left, every), strict=True):
        found[outline.members] = judge_history(outline, standing, judging.knowledge, judging.site)
    judged = {members: each for members, each in found.items() if each is not None}
    if judging.memory is not None and judging.recalled is not None:
        _remember(connection, judging.memory, judging.recalled, judged)
    return [judged[each.members].as_answers for each in people]


def _without_reading(judging: Judge, outline: PersonHistory) -> JudgedHistory | None:
    """Return the judged history of a person, where the stored one need not be read."""
    found = judging.ahead.answer(outline) if judging.ahead is not None else None
    if found is not None or judging.recalled is None:
        return found
    return judging.recalled.judge(outline, judging.knowledge, judging.site)


def _remember(
    connection: sa.Connection, memory: HistoryMemory, recalled: Recalled, judged: Mapping[frozenset[int], JudgedHistory]
) -> None:
    """Note the long ones of these histories for the memory, with how often their facts have changed.

    That is counted from now on, of those for whom it was not counted before.
    """
    new = {
        members: each
        for members, each in judged.items()
        if members not in recalled.new and len(each.standing.entries) >= memory.least
    }
    if not new:
        return
    ids = {member for members in new for member in members}
    facts.watch(connection, ids)
    versions = facts.versions(connection, ids)
    for members, each in new.items():
        recalled.new[members] = KeptHistory(each, {member: versions[member] for member in members})


def _people_with_orders(
    connection: sa.Connection, touched: Touched
) -> tuple[list[Person[int]], Mapping[int, KnownPatient]]:
    """Return everybody whose orders may need another answer, and the rows of all identities."""
    ids = touched.history | touched.people
    rows = touched.rows
    if rows is None:
        people = merges.persons(connection, merges.merge_set(connection, ids))
    else:
        people = merges.persons_among(rows, merges.with_spellings(rows, ids))
    if rows is None:
        rows = patients.of_ids(connection, {member for person in people for member in person.members})
    # A patient split off may keep orders but nothing that could be IVIg.
    with_orders = orders.owners(connection, rows.keys()) if touched.people else frozenset()
    found = [
        person
        for person in people
        if any(rows[member].has_ivig for member in person.members) or person.members & with_orders
    ]
    return found, rows


def _answer_follow_ups(
    connection: sa.Connection, knowledge: Knowledge, people: Sequence[StoredPerson], now: datetime
) -> Effects:
    """End the follow-ups of these people that a result answers; the people are locked."""
    members = {member: each.person for each in people for member in each.person.members}
    done = Effects()
    for each in due.awaited(connection, members) if members else []:
        alert = alerts.get(connection, each.alert_id)
        if alert is None:
            continue
        entries = members[alert.patient_id].entries
        found = evidence_of(each.look_at, each.created_at, entries, knowledge)
        if found is not None:
            done.include(Effects([each.alert_id], _end_follow_up(connection, each, found, now)))
    return done


def _end_follow_up(connection: sa.Connection, each: Due, found: AwaitedResult, now: datetime) -> list[int]:
    """Write what answered it; an alert that is on the list for nothing else is settled again as it was.

    Return the deliveries: who was told that it came back is told that it went.
    """
    columns: Columns = {}
    put_back = _put_back_by(alerts.events_of(connection, each.alert_id), each)
    if put_back is not None:
        columns = put_back.before("before").settlement
        due.settle(connection, [each.alert_id], ("take_on", "step", "snooze"), "followed_up", now)
    due.answer(connection, each.id, "result", now)
    heard = deliveries.heard_of(connection, [each.alert_id]).get(each.alert_id, []) if columns else []
    data = {
        "why": "result",
        "look_at": each.look_at,
        "value": f"{found.value} {found.unit}".strip(),
        "at": found.taken_at.isoformat(),
        "message": found.message,
        "message_id": str(found.message_id),
        "path": found.path,
    }
    line = Happening("followed_up", now, data=data | ({DESTINATIONS: heard} if heard else {}))
    event = alerts.update(connection, each.alert_id, line, **columns).event_id
    return deliveries.enqueue(connection, [NewDelivery(each.alert_id, event, place, now) for place in heard], now)


def _put_back_by(events: Sequence[AlertEvent], each: Due) -> AlertEvent | None:
    """Return the line that put the alert on the list for this follow-up, if nothing else happened to it since."""
    last = next((event for event in reversed(events) if event.kind in _TURNS), None)
    is_it = last is not None and last.kind == "reopened" and last.data.get("due") == each.id and "before" in last.data
    return last if is_it else None
