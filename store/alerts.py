"""Alerts: one per order and stream, with its record, and what pharmacists decided.

Whoever changes an alert holds the lock of its patient, so the worker and a pharmacist never overwrite each other.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, TypedDict, Unpack

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from clinical.conclusions import StoredConclusion
from clinical.words import ABOUT_ORDER, PENDING, SETTLED, STATUSES, PriorityWord, Stream, TierWord
from store import due, tables
from store.due import OF_ALERT, NewDue
from store.engine import to_json
from store.orders import numbered
from store.recent import Recent
from store.rowsets import among, one_of, rowset
from store.tables import CONCLUSION

DESTINATIONS = "destinations"  # in the data of a line of the record: who must be notified of it


class Alert(msgspec.Struct, frozen=True):
    """What a pharmacist must know about one order, or about what came after it; one per order and stream."""

    id: int
    order_id: int
    stream: str  # order | pharmacovigilance
    patient_id: int
    assessment_id: int
    tier: str
    priority: str
    status: str
    badges: list[str]
    settled_signature: str | None  # what the pharmacist saw when settling it
    covered_by: int | None
    assigned_to: str | None
    opened_at: datetime
    changed_at: datetime
    due_at: datetime | None  # by when somebody must be on it, or the one who is must be done
    snoozed_until: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits for a pharmacist."""
        return self.status == "open"

    @property
    def is_pending(self) -> bool:
        """Whether it is on the list: nobody's yet, or under a name."""
        return self.status in PENDING

    @property
    def is_settled(self) -> bool:
        """Whether a pharmacist acknowledged or overrode it."""
        return self.status in SETTLED

    @property
    def is_resolved(self) -> bool:
        """Whether there is nothing left to report."""
        return self.status == "resolved"

    @property
    def is_about_order(self) -> bool:
        """Whether it is about the order itself, not about what came after the infusion."""
        return self.stream == ABOUT_ORDER


class AlertEvent(msgspec.Struct, frozen=True):
    """One line of an alert's record, as it was written."""

    id: int
    alert_id: int
    at: datetime
    kind: str
    actor: str
    reason: str | None
    note: str | None
    assessment_id: int | None
    data: dict[str, Any]

    def before(self, name: str) -> "AlertBefore":
        """Return what the alert was before this line, which is written under this name."""
        return msgspec.convert(self.data[name], AlertBefore)


class AlertBefore(msgspec.Struct, frozen=True):
    """What an alert was before an act or a moment that was due: a line of its record holds it, to put it back."""

    status: str
    settled_signature: str | None
    covered_by: int | None
    assigned_to: str | None = None  # not written by an older release where a follow-up put the alert on the list
    ended: list[int] = []  # what was due, and ended with the act
    planned: list[int] = []  # what the act planned

    @property
    def settlement(self) -> "Columns":
        """The columns that say how it was settled."""
        return {"status": self.status, "settled_signature": self.settled_signature, "covered_by": self.covered_by}


def before_change(alert: Alert, ended: Sequence[int] = (), planned: Sequence[int] = ()) -> dict[str, Any]:
    """Return what is written of an alert beside a change that may be taken back."""
    before = AlertBefore(
        alert.status, alert.settled_signature, alert.covered_by, alert.assigned_to, list(ended), list(planned)
    )
    written: dict[str, Any] = msgspec.to_builtins(before)
    return written


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an alert's record."""

    kind: str  # raised changed reopened resolved covered taken_on acknowledged overridden comment assigned snoozed ...
    at: datetime
    actor: str = "system"
    reason: str | None = None
    note: str | None = None
    assessment_id: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, and the line written when it was raised or changed."""

    alert_id: int
    event_id: int


class Columns(TypedDict, total=False):
    """The columns of an alert that can change."""

    assessment_id: int
    tier: str
    priority: str
    status: str
    badges: Sequence[str]
    settled_signature: str | None
    covered_by: int | None
    assigned_to: str | None


COLUMNS = tuple(tables.alert.c[name] for name in Alert.__struct_fields__)
_EVENT = tuple(tables.alert_event.c[name] for name in AlertEvent.__struct_fields__)


def of_orders(connection: sa.Connection, order_ids: Collection[int]) -> dict[tuple[int, str], Alert]:
    """Return the alerts of these orders, by order and stream."""
    rows = connection.execute(_of_orders(connection.dialect.name), {"ids": order_ids})
    return {(alert.order_id, alert.stream): alert for alert in (Alert(*row) for row in rows)}


@cache
def _of_orders(dialect: str) -> sa.Executable:
    return sa.select(*COLUMNS).where(one_of(dialect, tables.alert.c.order_id))


def of_patients(connection: sa.Connection, ids: Collection[int], statuses: Collection[str] = STATUSES) -> list[Alert]:
    """Return the alerts of these patients, oldest first."""
    query = _of_patients(connection.dialect.name)
    return [Alert(*row) for row in connection.execute(query, {"ids": ids, "statuses": statuses})]


@cache
def _of_patients(dialect: str) -> sa.Executable:
    alert = tables.alert
    query = sa.select(*COLUMNS).where(one_of(dialect, alert.c.patient_id), one_of(dialect, alert.c.status, "statuses"))
    return query.order_by(alert.c.id)


def covered_by(connection: sa.Connection, alert_id: int) -> list[Alert]:
    """Return the alerts that stand under what was settled at this one."""
    alert = tables.alert
    query = sa.select(*COLUMNS).where(alert.c.covered_by == alert_id, alert.c.status == "covered")
    return [Alert(*row) for row in connection.execute(query.order_by(alert.c.id))]


def get(connection: sa.Connection, alert_id: int) -> Alert | None:
    """Return one alert."""
    row = connection.execute(sa.select(*COLUMNS).where(tables.alert.c.id == alert_id)).one_or_none()
    return None if row is None else Alert(*row)


def update(connection: sa.Connection, alert_id: int, happening: Happening, **columns: Unpack[Columns]) -> Raised:
    """Change an alert, and add what happened to its record."""
    alert = tables.alert
    change = sa.update(alert).where(alert.c.id == alert_id).values(changed_at=happening.at, **columns)
    connection.execute(change)
    return Raised(alert_id, record(connection, alert_id, happening))


def record(connection: sa.Connection, alert_id: int, happening: Happening) -> int:
    """Add a line to the record of an unchanged alert; return its id."""
    return int(connection.execute(_RECORD, _line(alert_id, happening)).scalar_one())


def _line(alert_id: int, happening: Happening) -> dict[str, Any]:
    values = {name: getattr(happening, name) for name in ("kind", "at", "actor", "reason", "note", "assessment_id")}
    return {"alert_id": alert_id, "data": dict(happening.data)} | values


_RECORD = sa.insert(tables.alert_event).returning(tables.alert_event.c.id)


@dataclass(frozen=True, slots=True)
class AlertWrite:
    """A new alert, or a change of one that exists, with the line that its record gets."""

    happening: Happening
    columns: Columns
    order_id: int
    patient_id: int
    stream: str
    alert_id: int | None = None  # None: it is new
    dues: Sequence[NewDue] = ()  # of a new one: what is due with it, whatever alert they name


def write(connection: sa.Connection, writes: Sequence[AlertWrite]) -> list[Raised]:
    """Raise and change alerts, each once, and add to their records; in few statements, however many alerts."""
    new = [each for each in writes if each.alert_id is None]
    raise_all = _raise_at_once if connection.dialect.name == "postgresql" else _raise_in_turn
    raised = iter(raise_all(connection, new) if new else ())
    changed = iter(_change_all(connection, [each for each in writes if each.alert_id is not None]))
    return [next(raised if each.alert_id is None else changed) for each in writes]


def _change_all(connection: sa.Connection, writes: Sequence[AlertWrite]) -> list[Raised]:
    _change(connection, writes)
    lines = [_line(each.alert_id or 0, each.happening) for each in writes]
    events = connection.execute(_RECORD_ALL, lines).scalars() if lines else ()
    return [Raised(line["alert_id"], event_id) for line, event_id in zip(lines, events, strict=True)]


def _raise_in_turn(connection: sa.Connection, writes: Sequence[AlertWrite]) -> list[Raised]:
    ids = connection.execute(_INSERT, [_new_row(each) for each in writes]).scalars().all()
    events = connection.execute(
        _RECORD_ALL, [_line(alert_id, each.happening) for alert_id, each in zip(ids, writes, strict=True)]
    ).scalars()
    due.add(
        connection, [replace(new, alert_id=id_) for id_, each in zip(ids, writes, strict=True) for new in each.dues]
    )
    return [Raised(alert_id, event_id) for alert_id, event_id in zip(ids, events, strict=True)]


def _raise_at_once(connection: sa.Connection, writes: Sequence[AlertWrite]) -> list[Raised]:
    """Raise alerts with their lines and what is due, on PostgreSQL: each part is a parameter, the place joins them."""
    new, lines, dues = [], [], []
    for place, each in enumerate(writes):
        row = _new_row(each)
        new.append(row | {"place": place, "badges": to_json(row["badges"])})
        line = _line(0, each.happening)
        own = {"order_id": each.order_id, "stream": each.stream, "place": place}
        lines.append(line | own | {"data": to_json(line["data"])})
        dues += [due.row(one) | own | {"data": to_json(one.data)} for one in each.dues]
    parameters = {"alerts": to_json(new), "lines": to_json(lines), "dues": to_json(dues)}
    found = connection.execute(_raise(bool(dues)), parameters)
    made = {(order_id, stream): Raised(alert_id, event_id) for order_id, stream, alert_id, event_id in found}
    return [made[each.order_id, each.stream] for each in writes]


@cache
def _raise(with_dues: bool) -> sa.Executable:
    alert, event = tables.alert, tables.alert_event
    raised = _insert_from(alert, "alerts", {"badges"})
    raised_rows = raised.returning(alert.c.id, alert.c.order_id, alert.c.stream).cte("raised")
    line = _insert_from(event, "lines", {"data"}, raised_rows).returning(event.c.id, event.c.alert_id).cte("line")
    columns = raised_rows.c.order_id, raised_rows.c.stream, raised_rows.c.id, line.c.id
    query = sa.select(*columns).join_from(raised_rows, line, line.c.alert_id == raised_rows.c.id)
    return query.add_cte(_insert_from(tables.due, "dues", {"data"}, raised_rows).cte("planned")) if with_dues else query


def _insert_from(table: sa.Table, rows: str, json: Collection[str], raised: sa.CTE | None = None) -> postgresql.Insert:
    """Return the statement that adds the rows of a parameter, in their order; those of a new alert get its number."""
    own = [column for column in table.c if column.name != "id"]
    types: dict[str, Any] = {each.name: sa.Text() if each.name in json else each.type for each in own}
    types |= {"place": sa.Integer(), "order_id": sa.BigInteger(), "stream": sa.Text()}
    given = rowset("postgresql", types, rows)
    values: dict[str, Any] = {each.name: given.c[each.name] for each in own}
    values |= {name: sa.cast(given.c[name], sa.JSON) for name in json}
    if raised is None:
        news = sa.select(*values.values()).select_from(given)
    else:
        values["alert_id"] = raised.c.id
        same = (raised.c.order_id == given.c.order_id) & (raised.c.stream == given.c.stream)
        news = sa.select(*values.values()).join_from(given, raised, same)
    insert = postgresql.insert(table)
    return insert.from_select(list(values), news.order_by(given.c.place), include_defaults=False)


def _new_row(write: AlertWrite) -> dict[str, Any]:
    at = write.happening.at
    keys = {"order_id": write.order_id, "patient_id": write.patient_id, "stream": write.stream}
    by = min((each.due_at for each in write.dues if each.kind in OF_ALERT), default=None)
    new = {"settled_signature": None, "covered_by": None, "opened_at": at, "changed_at": at, "due_at": by}
    return {**new, **keys, **write.columns}


def _change(connection: sa.Connection, writes: Sequence[AlertWrite]) -> None:
    """Change alerts that exist: one statement for all that change in the same columns."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for each in writes:
        values = {"changed_at": each.happening.at, **each.columns}
        alike[tuple(sorted(values))].append({"which": each.alert_id} | {f"new_{key}": values[key] for key in values})
    for names, rows in alike.items():
        changed: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        connection.execute(
            sa.update(tables.alert).where(tables.alert.c.id == sa.bindparam("which")).values(changed), rows
        )


_INSERT = sa.insert(tables.alert).returning(tables.alert.c.id, sort_by_parameter_order=True)
_RECORD_ALL = sa.insert(tables.alert_event).returning(tables.alert_event.c.id, sort_by_parameter_order=True)


def settled_at(connection: sa.Connection, alert_id: int) -> datetime | None:
    """Return when a pharmacist last settled an alert; other orders may stand under what was planned then."""
    event = tables.alert_event
    query = sa.select(sa.func.max(event.c.id)).where(
        event.c.alert_id == alert_id, event.c.kind.in_(("acknowledged", "overridden"))
    )
    return connection.execute(sa.select(event.c.at).where(event.c.id == query.scalar_subquery())).scalar()


def events_of(connection: sa.Connection, alert_id: int) -> list[AlertEvent]:
    """Return the record of an alert, oldest first."""
    event = tables.alert_event.c
    query = sa.select(*_EVENT).where(event.alert_id == alert_id).order_by(event.id)
    return [AlertEvent(*row) for row in connection.execute(query)]


def events_of_each(connection: sa.Connection, alerts: Collection[int], *, holding: str) -> dict[int, list[AlertEvent]]:
    """Return the records of those of these alerts that hold a line of this kind, each oldest first."""
    return _by_alert(connection.execute(_events_of_each(connection.dialect.name), {"ids": alerts, "holding": holding}))


@cache
def _events_of_each(dialect: str) -> sa.Executable:
    event, line = tables.alert_event, tables.alert_event.alias("line")
    these = sa.select(line.c.alert_id).where(one_of(dialect, line.c.alert_id), line.c.kind == sa.bindparam("holding"))
    return sa.select(*_EVENT).where(event.c.alert_id.in_(these)).order_by(event.c.id)


def records_of(connection: sa.Connection, alerts: Collection[int]) -> dict[int, list[AlertEvent]]:
    """Return the record of each of these alerts, oldest first."""
    event = tables.alert_event.c
    query = sa.select(*_EVENT).where(event.alert_id.in_(sorted(alerts))).order_by(event.id)
    return _by_alert(connection.execute(query)) if alerts else {}


def _by_alert(rows: Iterable[Any]) -> dict[int, list[AlertEvent]]:
    found: dict[int, list[AlertEvent]] = {}
    for row in rows:
        found.setdefault(row.alert_id, []).append(AlertEvent(*row))
    return found


def events_numbered(connection: sa.Connection, ids: Collection[int]) -> list[AlertEvent]:
    """Return these lines of the records of alerts."""
    rows = connection.execute(sa.select(*_EVENT).where(tables.alert_event.c.id.in_(sorted(ids)))) if ids else ()
    return [AlertEvent(*row) for row in rows]


def patients_of(connection: sa.Connection, ids: Collection[int]) -> dict[int, int]:
    """Return the patient of each of these alerts."""
    query = sa.select(tables.alert.c.id, tables.alert.c.patient_id).where(tables.alert.c.id.in_(sorted(ids)))
    return {row.id: row.patient_id for row in connection.execute(query)} if ids else {}


def has_later(connection: sa.Connection, alert_id: int, event_id: int, kinds: Collection[str]) -> bool:
    """Return whether a line of one of these kinds follows this one in the record of an alert."""
    event = tables.alert_event
    query = sa.select(event.c.id).where(event.c.alert_id == alert_id, event.c.id > event_id, event.c.kind.in_(kinds))
    return connection.execute(query.limit(1)).first() is not None


def of_same_act(connection: sa.Connection, act: AlertEvent, patient_ids: Collection[int]) -> list[int]:
    """Return the other alerts of these patients with which somebody did the same in the same transaction."""
    event, alert = tables.alert_event, tables.alert
    query = (
        sa.select(alert.c.id)
        .join(event, event.c.alert_id == alert.c.id)
        .where(among(connection, alert.c.patient_id, patient_ids), event.c.at == act.at, event.c.kind == act.kind)
        .where(event.c.actor == act.actor, alert.c.id != act.alert_id)
    )
    return sorted(set(connection.execute(query).scalars()))


class NewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """An alert overridden for a coded reason, which stands for the patient."""

    patient_id: int
    alert_id: int
    signature: str  # the findings it covers
    reason: str
    note: str
    made_by: str
    made_at: datetime
    valid_until: datetime | None


class Decision(NewDecision, frozen=True, kw_only=True):
    """A decision as stored."""

    id: int


def insert_decision(connection: sa.Connection, new: NewDecision) -> None:
    """Store what a pharmacist decided for a patient."""
    connection.execute(sa.insert(tables.decision).values(msgspec.structs.asdict(new)))


def end_decisions(connection: sa.Connection, alert_id: int, now: datetime) -> None:
    """Let what was decided on this alert be valid no longer: it was taken back."""
    decision = tables.decision
    valid = sa.or_(decision.c.valid_until.is_(None), decision.c.valid_until > now)
    connection.execute(sa.update(decision).where(decision.c.alert_id == alert_id, valid).values(valid_until=now))


def valid_decisions(connection: sa.Connection, patient_ids: Collection[int], now: datetime) -> list[Decision]:
    """Return the valid decisions for these patients, newest first."""
    decision = tables.decision
    query = sa.select(decision).where(
        among(connection, decision.c.patient_id, patient_ids),
        sa.or_(decision.c.valid_until.is_(None), decision.c.valid_until > now),
    )
    return [Decision(**row) for row in connection.execute(query.order_by(decision.c.id.desc())).mappings()]


class AlertInBrief(msgspec.Struct, frozen=True):
    """The facts about one line of an alert's record that may leave the hospital."""

    id: int  # of the line
    alert_id: int
    kind: str
    at: datetime
    stream: Stream
    tier: TierWord
    priority: PriorityWord
    ward: str
    starts_at: datetime | None  # of the order
    ends_at: datetime | None
    data: dict[str, Any]

    @property
    def runs_since(self) -> datetime | None:
        """When the order began, if it had begun and not ended when the line was written."""
        has_begun = self.stream == ABOUT_ORDER and self.starts_at is not None and self.starts_at <= self.at
        return self.starts_at if has_begun and (self.ends_at is None or self.ends_at > self.at) else None


def in_brief(connection: sa.Connection, event_ids: Collection[int]) -> dict[int, AlertInBrief]:
    """Return, for each line of an alert's record, the facts that may leave the hospital."""
    event, alert, patient, order = tables.alert_event, tables.alert, tables.patient, tables.medication_order
    query: sa.Select[Any] = (
        sa.select(
            event.c.id,
            event.c.alert_id,
            event.c.kind,
            event.c.at,
            alert.c.stream,
            alert.c.tier,
            alert.c.priority,
            sa.func.coalesce(patient.c.demographics["ward"].as_string(), "").label("ward"),
            order.c.starts_at,
            order.c.ends_at,
            event.c.data,
        )
        .join(alert, alert.c.id == event.c.alert_id)
        .join(patient, patient.c.id == alert.c.patient_id)
        .join(order, order.c.id == alert.c.order_id)
        .where(event.c.id.in_(sorted(event_ids)))
    )
    return {row.id: AlertInBrief(*row) for row in connection.execute(query)}


class ConcludedAlert(Alert, frozen=True):
    """An alert with its conclusion and the state of its order."""

    conclusion: StoredConclusion
    knowledge: str
    order_state: str
    order_ends_at: datetime | None

    @property
    def starts_at(self) -> datetime | None:
        """When the order starts, as it was judged."""
        start = self.conclusion.order.start
        return datetime.fromisoformat(start) if start else None


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """The alerts to list; an empty collection stands for all, None for any assignee."""

    statuses: Collection[str] = ()
    tiers: Collection[str] = ()
    patients: Collection[int] | None = None
    order: str = ""
    since: datetime | None = None
    streams: Collection[str] = ()


class Conclusions:
    """The conclusions that were read last: an answer is never rewritten or removed.

    A database that lost its last moments, as a standby that takes over may, gives their numbers again. So a conclusion
    is held for the alert as it stood, by the time of its last change, and not by the number of the answer alone.
    """

    def __init__(self, most: int) -> None:
        """Hold at most so many."""
        self._held: Recent[tuple[int, datetime], tuple[StoredConclusion, str]] = Recent(most)

    def of(self, connection: sa.Connection, answers: Mapping[int, datetime]) -> dict[int, tuple[StoredConclusion, str]]:
        """Return the conclusion of each of these answers, and by which knowledge it was drawn.

        Each answer comes with the time at which the alert that stands on it last changed.
        """
        held = {number: self._held.get((number, changed)) for number, changed in answers.items()}
        found = {number: each for number, each in held.items() if each is not None}
        new = [number for number in held if number not in found]
        for row in connection.execute(_conclusions(connection.dialect.name), {"ids": new}) if new else ():
            found[row.id] = row.conclusion, row.knowledge
            self._held.put((row.id, answers[row.id]), found[row.id])
        return found


@cache
def _conclusions(dialect: str) -> sa.Executable:
    answer = tables.assessment
    return sa.select(answer.c.id, CONCLUSION, answer.c.knowledge).where(one_of(dialect, answer.c.id))


_ORDER = (tables.medication_order.c.state, tables.medication_order.c.ends_at)
_CONCLUDED = (CONCLUSION, tables.assessment.c.knowledge)


def _alerts() -> sa.Select[Any]:
    return (
        sa.select(*COLUMNS, *_CONCLUDED, *_ORDER)
        .join(tables.assessment, tables.assessment.c.id == tables.alert.c.assessment_id)
        .join(tables.medication_order, tables.medication_order.c.id == tables.alert.c.order_id)
    )


def list_alerts(
    connection: sa.Connection,
    wanted: AlertFilter,
    before: int | None,
    limit: int | None,
    conclusions: Conclusions | None = None,
) -> list[ConcludedAlert]:
    """Alerts with their conclusions, newest first, older than the alert `before`; without a limit, all of them.

    Conclusions that are held already are not read again.
    """
    query = _wanted(wanted).order_by(tables.alert.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tables.alert.c.id < before)
    if conclusions is None:
        return _read_alerts(connection, query)
    rows = connection.execute(query.with_only_columns(*COLUMNS, *_ORDER)).all()
    found = conclusions.of(connection, {row.assessment_id: row.changed_at for row in rows})
    values: Iterable[tuple[Any, ...]] = ((*row[:-2], *found[row.assessment_id], *row[-2:]) for row in rows)
    return [ConcludedAlert(*each) for each in values]


def _read_alerts(connection: sa.Connection, query: sa.Select[Any]) -> list[ConcludedAlert]:
    return [ConcludedAlert(*row) for row in connection.execute(query)]


def _wanted(wanted: AlertFilter) -> sa.Select[Any]:
    query = _alerts()
    if wanted.statuses:
        query = query.where(tables.alert.c.status.in_(wanted.statuses))
    if wanted.streams:
        query = query.where(tables.alert.c.stream.in_(wanted.streams))
    if wanted.tiers:
        query = query.where(tables.alert.c.tier.in_(wanted.tiers))
    if wanted.patients is not None:
        query = query.where(tables.alert.c.patient_id.in_(wanted.patients))
    if wanted.order:  # by id, or SQLite reads every alert to find the newest of one order
        query = query.where(
            tables.alert.c.order_id.in_(sa.select(tables.medication_order.c.id).where(numbered(wanted.order)))
        )
    if wanted.since is not None:
        query = query.where(tables.alert.c.changed_at >= wanted.since)
    return query


def find_alert(connection: sa.Connection, alert_id: int) -> ConcludedAlert | None:
    """Return one alert with what was concluded."""
    return next(iter(_read_alerts(connection, _alerts().where(tables.alert.c.id == alert_id))), None)


def concluded(connection: sa.Connection, ids: Collection[int]) -> list[ConcludedAlert]:
    """Return these alerts with what was concluded."""
    return _read_alerts(connection, _alerts().where(tables.alert.c.id.in_(sorted(ids)))) if ids else []


def assign_alert(connection: sa.Connection, alert_id: int, user: str | None) -> None:
    """Record who works on the alert. This is not a change: it does not extend what was settled."""
    connection.execute(sa.update(tables.alert).where(tables.alert.c.id == alert_id).values(assigned_to=user))


def count_open(connection: sa.Connection) -> dict[tuple[str, str], int]:
    """Count the open alerts by stream and tier."""
    query = sa.select(tables.alert.c.stream, tables.alert.c.tier, sa.func.count().label("how_many")).where(
        tables.alert.c.status == "open"
    )
    rows = connection.execute(query.group_by(tables.alert.c.stream, tables.alert.c.tier))
    return {(row.stream, row.tier): row.how_many for row in rows}
