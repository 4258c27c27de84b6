"""The shapes of the JSON API, as docs/api.md describes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import KwargDefinition

from clinical.words import CHANNELS, FOUND_TIERS, PRIORITIES, STATUSES, STREAMS, TIERS
from store import local_codes, message_queries

Item = TypeVar("Item")
Pair = tuple[float, float]


def one_of(words: Iterable[str]) -> KwargDefinition:
    """Describe a text that is one of these words, as the schema says it."""
    return KwargDefinition(schema_extra={"enum": list(words)})


Text = Annotated[str, msgspec.Meta(min_length=1)]
FoundTierName = Annotated[str, one_of(FOUND_TIERS)]
TierName = Annotated[str, one_of(TIERS)]
ChannelName = Annotated[str, one_of(CHANNELS)]
PriorityName = Annotated[str, one_of(PRIORITIES)]
StatusName = Annotated[str, one_of(STATUSES)]
StreamName = Annotated[str, one_of(STREAMS)]


class PatientNumber(msgspec.Struct, frozen=True):
    """One number of the patient and who gave it; of a citizen service number its end, for most who ask."""

    authority: str
    value: str


class PatientShape(msgspec.Struct, frozen=True, kw_only=True):
    """The patient as she was known when the order was judged."""

    identifiers: list[PatientNumber] = []
    name: str = ""
    birth_date: str | None = None
    sex: str = ""
    ward: str = ""


class OrderShape(msgspec.Struct, frozen=True, kw_only=True):
    """The order that was judged; a quantity is [low, high], or null when it cannot be known."""

    placer: str = ""
    filler: str = ""
    product: str = ""
    dose_g: Pair | None = None
    dose_g_per_kg: Pair | None = None
    rate_g_per_h: Pair | None = None
    start: str | None = None
    state: str = ""


class FactShape(msgspec.Struct, frozen=True, kw_only=True):
    """One thing known of the patient, with the message (control id) and field it was read from."""

    kind: str = ""
    code: str = ""
    system: str = ""
    display: str = ""
    value: str = ""
    unit: str = ""
    at: str | None = None
    precision: str = ""
    message: str = ""
    message_id: str = ""
    path: str = ""


class FindingShape(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired, and why, in the language that was asked for."""

    rule: str
    version: int
    tier: FoundTierName
    channel: ChannelName
    title: str
    because: str
    facts: list[FactShape]
    evidence: list[str]


class PointShape(msgspec.Struct, frozen=True, kw_only=True):
    """One risk factor of the patient, or one trait of the plan, and what it weighs."""

    name: str
    title: str
    points: int
    of: Annotated[str, one_of(("patient", "plan"))]


class PointsShape(msgspec.Struct, frozen=True, kw_only=True):
    """What the risk factors and the plan weigh together, and from how many different factors it comes."""

    patient: int
    total: int
    factors: int
    counted: list[PointShape]


class AlertShape(msgspec.Struct, frozen=True, kw_only=True):
    """What a pharmacist must know about one order."""

    id: str
    patient_id: str  # for `/patients`
    stream: StreamName
    tier: TierName
    channel: ChannelName
    priority: PriorityName
    status: StatusName
    badges: list[str]
    assigned_to: str | None
    due_at: datetime | None  # by when somebody must be on it, or whoever is must be done
    snoozed_until: datetime | None
    text: dict[str, str]  # by language
    opened_at: datetime
    changed_at: datetime
    patient: PatientShape
    order: OrderShape
    points: PointsShape | None  # null of an answer that was given before there were points
    findings: list[FindingShape]
    now: list[str]  # of the advice, what is to be done now; three lines at most
    advice: list[str]
    does: list[list[str]]  # which acts each line of the advice is
    protection: str  # the anticoagulant in use, and how well it protects
    missing: list[str]
    knowledge: str
    assessment: str


class FollowUpShape(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks at again, and when; it comes back by itself."""

    id: str
    alert: str
    due_at: datetime
    look_at: str
    note: str = ""
    planned_by: str
    planned_at: datetime


class TickShape(msgspec.Struct, frozen=True):
    """Who ticked a line of the advice, and when."""

    by: str
    at: datetime


class HandoverNoteShape(msgspec.Struct, frozen=True):
    """What the next shift must know of an alert."""

    text: str
    by: str
    at: datetime


class WholeAlertShape(AlertShape, frozen=True, kw_only=True):
    """One alert with what is planned, what was ticked, and what the next shift must know."""

    follow_ups: list[FollowUpShape]  # the soonest first
    ticked: list[TickShape | None]  # of each line of `advice`
    handover: HandoverNoteShape | None


class ConditionAskedShape(msgspec.Struct, frozen=True):
    """One condition of a rule, whether it held, and what it saw."""

    condition: str
    held: bool
    saw: str


class RuleAskedShape(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that was asked: whether it fired, and if not the first condition that did not hold."""

    rule: str
    fired: bool
    failed: ConditionAskedShape | None
    conditions: list[ConditionAskedShape]


class AssessmentShape(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one version of one order, also when it is "nothing found"; or for what came after it."""

    id: str
    patient_id: str  # for `/patients`
    stream: StreamName
    order: OrderShape
    tier: TierName
    channel: ChannelName
    priority: PriorityName
    points: PointsShape | None  # null of an answer that was given before there were points
    findings: list[FindingShape]
    missing: list[str]
    knowledge: str
    as_of: datetime
    concluded_at: datetime
    trace: list[RuleAskedShape] | None = None  # of every rule that was asked; null in a list that was not asked for it


class MessageShape(msgspec.Struct, frozen=True, kw_only=True):
    """One received message, without its text."""

    id: str
    control_id: str
    feed: str
    type: str
    state: Annotated[str, one_of(message_queries.STATES)]
    reason: str | None
    flags: list[str]
    received_at: datetime
    pruned_at: datetime | None = None  # since when its text is gone


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a segment that holds something."""

    path: str
    name: str
    value: str


class WholeMessage(MessageShape, frozen=True, kw_only=True):
    """One received message, with its text as it was sent and field by field."""

    raw: str
    fields: list[Field]


class WhyNotShape(msgspec.Struct, frozen=True):
    """A rule that says nothing of an order, by its title, and the first of its conditions that failed, in words."""

    title: str
    condition: str


class PatientOrderShape(msgspec.Struct, frozen=True, kw_only=True):
    """One IVIg order of the patient, with its newest answer."""

    assessment: AssessmentShape
    alert: str | None  # the id of the alert it raised
    status: Annotated[str, one_of(("", *STATUSES))]  # of that alert; "" without one
    because: str  # what decides, in one line; "" where nothing speaks against the order
    why_not: list[WhyNotShape]


class EventShape(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an alert's record."""

    alert: str
    kind: str
    at: datetime
    by: str
    reason: str
    note: str


class LookShape(msgspec.Struct, frozen=True):
    """Who looked at the patient, and when last."""

    by: str
    role: str
    at: datetime


class CourseShape(msgspec.Struct, frozen=True, kw_only=True):
    """One mark of the patient's picture, in words, and the message and field it was read from."""

    at: datetime | None
    when: str
    kind: str
    what: str
    message_id: str
    path: str


class WholePatientShape(PatientShape, frozen=True, kw_only=True):
    """Everything on record about one patient: the newest of each list first."""

    id: str
    orders: list[PatientOrderShape]
    orders_in_all: int
    alerts: list[AlertShape]
    decisions: list[EventShape]
    messages: list[MessageShape]
    messages_in_all: int
    course: list[CourseShape]
    looked: list[LookShape]


class HandedOverShape(msgspec.Struct, frozen=True, kw_only=True):
    """One alert in the hand-over, its note, and the lines to do now that nobody ticked off."""

    alert: AlertShape
    note: str
    to_do: list[str]


class ReturningShape(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that comes back, when, and why."""

    alert: AlertShape
    at: datetime
    kind: str
    look_at: str  # of a follow-up


class FeedShape(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that was not heard within its limit, or never."""

    name: str
    last_heard_at: datetime | None


class HandoverShape(msgspec.Struct, frozen=True, kw_only=True):
    """What one shift leaves to the next."""

    soon: list[HandedOverShape]  # open contra-indications that run, or may start within twelve hours
    held: list[HandedOverShape]  # what stands under a name (`assigned_to`)
    returning: list[ReturningShape]
    feeds_in_trouble: list[FeedShape]


class TakenOverShape(msgspec.Struct, frozen=True):
    """The ids of the alerts that are now under the name of the caller."""

    alerts: list[str]


class CodeExample(msgspec.Struct, frozen=True, kw_only=True):
    """The newest message a code was seen in, and the field it stood in."""

    message: str
    message_id: str
    path: str


class CodeShape(msgspec.Struct, frozen=True, kw_only=True):
    """A code that no value set holds, and what became of it; a mapped one counts as its `value_set`."""

    id: str
    kind: Annotated[str, one_of(local_codes.KINDS)]
    system: str
    code: str
    display: str
    likely: str
    state: Annotated[str, one_of(local_codes.STATES)]
    messages: int
    feed: str | None
    first_seen: datetime
    last_seen: datetime | None
    example: CodeExample | None
    value_set: str | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    decisions: int


class WholeCode(CodeShape, frozen=True, kw_only=True):
    """A code, with how many patients its messages speak of, and how many of those ever had IVIg ordered."""

    patients: int
    patients_with_ivig: int


class MergeShape(msgspec.Struct, frozen=True, kw_only=True):
    """Two numbers that were said to be one patient (merged) or no longer (parted), and the message that says so."""

    id: str
    state: Annotated[str, one_of(("merged", "parted"))]
    unclear: str | None  # circle, contradicted or citizen_number: a person must look into it
    retired: PatientNumber
    survivor: PatientNumber
    retired_id: str  # for `/patients`; names a number that is shown in part
    survivor_id: str
    at: datetime | None
    by_hand: bool
    message: str
    message_id: str
    path: str


class PageShape(msgspec.Struct, Generic[Item], frozen=True):
    """Some items, and the cursor of the next; null when there are no more."""

    items: list[Item]
    next: str | None


class FigureRowShape(msgspec.Struct, frozen=True):
    """One day, week, tier, reason or rule; `values` stand in the order of `heads`, null where there is none."""

    label: str
    values: list[int | None]


class FigureTableShape(msgspec.Struct, frozen=True):
    """One table of figures: `of` heads the labels."""

    name: str
    title: str
    of: str
    heads: list[str]
    rows: list[FigureRowShape]


class FiguresShape(msgspec.Struct, frozen=True):
    """Every table of the page of figures."""

    tables: list[FigureTableShape]


class FaultShape(msgspec.Struct, frozen=True):
    """What is wrong with one field or parameter."""

    field: str
    message: str


class SettledShape(msgspec.Struct, frozen=True):
    """Who was first, when, and what became of it."""

    status: str
    by: str
    at: str


class ProblemShape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[FaultShape] = []
    settled: SettledShape | None = None  # who was first, when, and how
