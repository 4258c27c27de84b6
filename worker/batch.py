"""A batch of messages, from rows to alerts, under the patients' locks and inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from clinical.identities import Person
from history.choices import Site
from history.messages import ReadMessage, identities_in, numbers_in
from history.order_answers import why_unanswered
from history.person import judge
from rules.knowledge import Knowledge
from store import merges, message_queries, orders, patients
from store.locks import lock_numbers, lock_people
from store.patients import KnownPatient
from worker.answers import store_answers
from worker.follow_ups import answer_follow_ups
from worker.histories import histories_of
from worker.raise_alerts import Effects, raise_alerts, resolve_unanswered
from worker.record import Touched, record

BEHIND = timedelta(seconds=10)  # a delay of the history longer than this is mentioned with every answer


@dataclass(frozen=True, slots=True)
class Judge:
    """What judging needs besides the history: the knowledge, the hospital's choices, and the time."""

    knowledge: Knowledge
    site: Site
    now: datetime


def record_and_judge(connection: sa.Connection, judging: Judge, messages: Sequence[ReadMessage]) -> Effects:
    """Add the content of the messages to the history, and answer again every IVIg order it may affect."""
    names = identities_in(messages)
    ids = patients.identities(connection, names)
    carried = lock_numbers(connection, names, numbers_in(messages))
    lock_people(connection, carried.union(ids.values()))
    touched = record(connection, judging.knowledge, messages, ids)
    touched.history.update(ids[name] for name in identities_in(message for message in messages if message.again))
    return judge_again(connection, judging, touched)


def judge_again(connection: sa.Connection, judging: Judge, touched: Touched) -> Effects:
    """Answer again the IVIg orders of these patients, who must be locked."""
    people, rows = _people_with_orders(connection, touched)
    if not people:
        return Effects()
    histories = histories_of(connection, people, rows, _history_as_of(connection, judging.now))
    answers = [judge(history, judging.knowledge, judging.site) for history in histories]
    stored = store_answers(connection, answers, judging.now)
    done = raise_alerts(connection, judging.site, stored, judging.now)
    waiting = [
        each for each in stored if not done.alerted.isdisjoint(each.person.members)
    ]  # a new alert awaits nothing
    done.alerts += answer_follow_ups(connection, judging.knowledge, waiting, judging.now)
    reasons: dict[int, str] = {}
    for each in stored:
        if each.gone:
            why = why_unanswered(each.person.entries, judging.knowledge)
            reasons |= {order_id: why.get(key, "order_withdrawn") for order_id, key in each.gone.items()}
    done.alerts += resolve_unanswered(connection, reasons, judging.now)
    done.answers = sum(len(each.answers) for each in stored)
    return done


def _people_with_orders(
    connection: sa.Connection, touched: Touched
) -> tuple[list[Person[int]], dict[int, KnownPatient]]:
    """Return everybody whose orders may need another answer, and the rows of all identities."""
    people = merges.persons(connection, touched.history | touched.people)
    rows = patients.of_ids(connection, {member for person in people for member in person.members})
    # A patient split off may keep orders but nothing that could be IVIg.
    with_orders = orders.owners(connection, rows.keys()) if touched.people else frozenset()
    found = [
        person
        for person in people
        if any(rows[member].has_ivig for member in person.members) or person.members & with_orders
    ]
    return found, rows


def _history_as_of(connection: sa.Connection, now: datetime) -> datetime | None:
    """Up to when the history is complete, when the history lane is behind; None when it is not."""
    age = message_queries.oldest_received_age(connection, now, message_queries.HISTORY_LANES)
    return None if age is None or age < BEHIND else now - age
