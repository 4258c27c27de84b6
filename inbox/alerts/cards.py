"""The inbox as a list: what can still be prevented first, then how loudly and how strongly the knowledge speaks."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import cached_property

from clinical.conclusions import StoredOrder, StoredPatient
from clinical.words import AFTER_INFUSION, PENDING, Channel, Priority, Tier
from history.conclusion import channel_of
from history.orders import COMPLETED, DISCONTINUED, STOPPED
from inbox.alerts.plan import Pair, first_difference, must_wait
from inbox.alerts.reason import Reason, reason_of
from inbox.http.notation import Notation
from rules.forms import RatesForm
from store.alerts import ConcludedAlert

NO_TIME, MINUTE = timedelta(0), timedelta(minutes=1)
SOON = timedelta(hours=24)
FAR = timedelta(days=6)  # of a start nearer than this, the day of the week says enough


class ListSection(IntEnum):
    """Where an alert stands in the list: by what can still be prevented."""

    NOW = 0  # starts within 24 hours, or runs
    LATER = 1
    GIVEN = 2  # given already: watch the patient
    AFTER_INFUSION = 3  # something happened after the doses
    RECORD = 4  # over, or the patient died: nobody needs to hurry


@dataclass(frozen=True, slots=True)
class Clock:
    """The first column of a row: how long still, and the moment itself."""

    main: str
    beside: str = ""
    until: datetime | None = None  # what it counts down to


@dataclass(frozen=True, slots=True)
class CardMoment:
    """All that a card shows of the moment at which it is looked at; it changes once a minute, not with every look."""

    today: datetime  # the midnight with which the day began
    minutes: int | None  # until the start, below nought since then; None: nobody knows the start
    has_begun: bool
    is_far: bool  # the start is so far away that a day of the week does not say which
    is_late: bool  # somebody should have been on it, or done with it
    due_minutes: int  # until that, or since then


@dataclass(frozen=True)  # without slots: what the list shows is worked out when it is shown, and once
class Card:
    """One alert in the list, and what is worked out of it; equal cards look the same, whenever they are shown."""

    alert: ConcludedAlert
    starts: datetime | None
    section: ListSection
    moment: CardMoment
    notation: Notation
    rates: RatesForm

    @property
    def has_begun(self) -> bool:
        """Whether the order began."""
        return self.moment.has_begun

    @property
    def is_ahead(self) -> bool:
        """Whether what the order does can still be changed."""
        return self.section <= ListSection.LATER

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do: it lapsed, or the patient died; a reaction of who died is still reported."""
        is_reaction = self.alert.stream == AFTER_INFUSION
        return self.section == ListSection.RECORD and (self.alert.is_resolved or not is_reaction)

    @property
    def order(self) -> StoredOrder:
        """The order that was judged."""
        return self.alert.conclusion.order

    @property
    def patient(self) -> StoredPatient:
        """The patient as known then."""
        return self.alert.conclusion.patient

    @cached_property
    def channel(self) -> Channel:
        """How loudly it speaks."""
        return channel_of(self.alert.conclusion.channel, self.alert.tier)

    @property
    def is_quiet(self) -> bool:
        """Whether it stands on the worklist, without a notice."""
        return self.channel < Channel.INTERRUPT

    @cached_property
    def rank(self) -> tuple[int, bool, int, int, bool, float, int, int]:
        """The place in the list: section; what is late, then channel and tier; the nearest start before what runs."""
        alert, starts = self.alert, self.starts.timestamp() if self.starts else -math.inf
        strength = (-self.channel, -Tier.named(alert.tier))
        return (
            self.section,
            not (self.is_late and self.section < ListSection.RECORD),
            *strength,
            self.has_begun,
            -starts if self.has_begun else starts,
            -Priority.named(alert.priority),
            alert.id,
        )

    @cached_property
    def reason(self) -> Reason:
        """The deciding fact."""
        return reason_of(self.alert.conclusion, self.alert.tier, self.notation, self.moment.today)

    @cached_property
    def likeness(self) -> tuple[object, ...]:
        """What alerts of one person must have in common to be one row of the list."""
        alert = self.alert
        findings = (self.reason.fact, *((each.rule, each.tier) for each in alert.conclusion.findings))
        stands = (alert.stream, alert.tier, alert.status, alert.assigned_to, tuple(alert.badges))
        return (self.section, self.channel, *stands, findings)

    @cached_property
    def pair(self) -> Pair | None:
        """What was ordered against what is advised, where these differ."""
        if not self.is_ahead:
            return None
        return first_difference(self.alert.conclusion, self.rates, self.notation)

    @property
    def must_wait(self) -> bool:
        """Whether the next bottle must wait."""
        return self.is_ahead and must_wait(self.alert.conclusion)

    @property
    def is_late(self) -> bool:
        """Whether somebody should have been on it, or done with it, by now."""
        return self.moment.is_late

    @property
    def is_urged(self) -> bool:
        """Whether this is an open contra-indication that still concerns somebody alive."""
        is_contraindication = self.alert.status in PENDING and self.alert.tier == Tier.CONTRAINDICATION.word
        return is_contraindication and self.section != ListSection.RECORD

    @cached_property
    def clock(self) -> Clock:
        """How long still, or since when."""
        if self.is_ahead:
            return _countdown(self)
        case = self.alert.conclusion.case
        if self.section == ListSection.AFTER_INFUSION and case and case.events:
            last = case.events[0].last_dose or case.events[0].at
        else:
            last = (self.alert.order_ends_at or self.starts or self.moment.today).isoformat()
        return _since(last, self.moment.today, self.notation)


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row of the list: an alert, or several of one patient with the same findings."""

    card: Card
    others: tuple[Card, ...] = ()

    @property
    def cards(self) -> tuple[Card, ...]:
        """Every alert of the row, the one that comes first first."""
        return (self.card, *self.others)

    @property
    def dates(self) -> str:
        """The days on which the orders start: `2–23 Dec`; "" when it is one order."""
        starts = sorted(card.starts for card in self.cards if card.starts)
        if not self.others or not starts:
            return ""
        return self.card.notation.days(starts[0], starts[-1])


@dataclass(frozen=True, slots=True)
class ListGroup:
    """One section of the list: those who get a notice, then the worklist; and how many there are of all."""

    section: ListSection
    loud: tuple[ListRow, ...]
    quiet: tuple[ListRow, ...]
    alerts: Mapping[str, int]  # how many alerts of each tier get a notice, shown or not
    on_worklist: int

    @property
    def total(self) -> int:
        """How many alerts there are, shown or not."""
        return sum(self.alerts.values()) + self.on_worklist


def rows_of(cards: Iterable[Card], person_of: Mapping[int, int]) -> list[ListRow]:
    """Return the rows of the list in order; alerts of one person with the same findings are one row."""
    alike: dict[tuple[object, ...], list[Card]] = {}
    for card in sorted(cards, key=lambda card: card.rank):
        person = person_of.get(card.alert.patient_id, card.alert.patient_id)
        alike.setdefault((person, card.likeness), []).append(card)
    return [ListRow(first, tuple(others)) for first, *others in alike.values()]


def groups_of(rows: Sequence[ListRow], shown: Sequence[ListRow]) -> list[ListGroup]:
    """Divide the rows that are shown into sections; the counts are those of all rows."""
    return [
        ListGroup(
            section,
            tuple(row for row in shown if row.card.section == section and not row.card.is_quiet),
            tuple(row for row in shown if row.card.section == section and row.card.is_quiet),
            _by_tier(row for row in rows if row.card.section == section and not row.card.is_quiet),
            sum(len(row.cards) for row in rows if row.card.section == section and row.card.is_quiet),
        )
        for section in sorted({row.card.section for row in shown})
    ]


def _by_tier(rows: Iterable[ListRow]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.card.alert.tier] = counts.get(row.card.alert.tier, 0) + len(row.cards)
    return counts


def section_of(alert: ConcludedAlert, starts: datetime | None, now: datetime) -> ListSection:
    """Return what can still be prevented; an order whose start nobody knows may start at any moment."""
    if "deceased" in alert.badges or alert.is_resolved:
        return ListSection.RECORD
    if alert.stream == AFTER_INFUSION:
        return ListSection.AFTER_INFUSION
    if alert.order_state in STOPPED:
        was_given = alert.order_state in (COMPLETED, DISCONTINUED) and starts is not None and starts <= now
        return ListSection.GIVEN if was_given else ListSection.RECORD
    if alert.order_ends_at is not None and alert.order_ends_at <= now:
        return ListSection.GIVEN
    return ListSection.LATER if starts is not None and starts > now + SOON else ListSection.NOW


def card_of(alert: ConcludedAlert, notation: Notation, rates: RatesForm, now: datetime) -> Card:
    """Return one alert as the list shows it."""
    starts = alert.starts_at
    return Card(alert, starts, section_of(alert, starts, now), _moment(alert, starts, notation, now), notation, rates)


def _moment(alert: ConcludedAlert, starts: datetime | None, notation: Notation, now: datetime) -> CardMoment:
    ahead, due = starts - now if starts else None, alert.due_at
    return CardMoment(
        today=notation.midnight(now),
        minutes=round(ahead.total_seconds() / 60) if ahead is not None else None,
        has_begun=ahead is not None and ahead <= NO_TIME,
        is_far=ahead is not None and ahead > FAR,
        is_late=due is not None and due <= now and alert.snoozed_until is None,
        due_minutes=abs(due - now) // MINUTE if due else 0,
    )


def _countdown(card: Card) -> Clock:
    starts, minutes, notation = card.starts, card.moment.minutes, card.notation
    words = notation.words
    if starts is None or minutes is None:
        return Clock(words("clock.unknown"))
    if minutes <= 0:
        if -minutes < SOON // MINUTE:
            return Clock(words("clock.runs"), words("clock.busy", span=notation.span(minutes)))
        return Clock(words("clock.runs"), words("clock.since", day=notation.on(starts)))
    if card.section == ListSection.NOW:
        return Clock(notation.span(minutes), notation.near(starts, card.moment.today), starts)
    day = notation.on(starts) if card.moment.is_far else notation.weekday(starts.astimezone(notation.zone))
    return Clock(f"{day} {notation.clock(starts)}", words("ahead").replace("%", notation.span(minutes)), starts)


def _since(last: str | None, now: datetime, notation: Notation) -> Clock:
    day, today = notation.date_of(last), notation.date_of(now)
    if day is None or today is None:
        return Clock(notation.words("clock.unknown"))
    words = notation.words
    if day == today:
        return Clock(words("clock.given_today"), words("clock.given"))
    return Clock(words("clock.day", number=(today - day).days), words("clock.after", day=notation.on(last)))
