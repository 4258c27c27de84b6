"""The proof that each alert was sent until somebody answered: how it ended, and what is missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa

from clinical.words import Channel
from history.alerting import is_quiet
from history.chains import CHAIN
from history.conclusion import channel_of
from store import telling_rows
from store.alerts import DESTINATIONS
from store.due import CAME_BACK
from store.ledger import LINE_OF_ALERT, without_delivery
from store.telling_audit import LATE_AFTER, OVER_AFTER
from store.telling_rows import AlertTelling, PlannedStep, RecordLine, SentNotice
from worker.auditor import BEGIN_EVERY

Fate = Literal["answered", "ended", "sent up to the last step", "being sent"]
ANSWERS: Final = ("taken_on", "acknowledged", "overridden", "snoozed")
_BEGINS: Final = ("raised", "reopened", "undone")  # what came before no longer says who has it
_CAME: Final = ("came", CAME_BACK)
_CALLS_SOMEBODY: Final = ("take_on", "owner", "step")
MOST_UNANSWERED: Final = 1  # attempts without an outcome; with one more it may have gone out three times


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when, and the moment at which it is looked at."""

    since: datetime
    until: datetime
    now: datetime

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment falls in it."""
        return self.since <= moment < self.until


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that does not hold: of which alert and step, and what."""

    alert_id: int
    step: str
    what: str
    is_late: bool = False  # it was carried out, and too late
    is_unheard: bool = False  # no destination took it


@dataclass(frozen=True, slots=True)
class ProvedAlert:
    """One alert: how it ended or how far it came, and what is missing."""

    alert_id: int
    fate: Fate
    how: str  # who and when, or why, or which step
    waited: timedelta | None  # until somebody answered; None: nobody did
    steps: Sequence[timedelta]  # by how much each step of its chain came late
    states: Sequence[str]  # of the notices of the period
    sent_twice: int  # notices that may have gone out twice, under one key
    missing: Sequence[Missing]


def prove(
    connection: sa.Connection, period: Period, chains: Mapping[str, int], *, has_destinations: bool
) -> Iterator[ProvedAlert]:
    """Yield every alert of the period that somebody was told of, or had to be; `chains` says how many steps each has.

    The statements on the connection should all see one moment.
    """
    for each in telling_rows.of_period(connection, period.since, period.until, period.now):
        proved = _prove(each, period, chains, has_destinations=has_destinations)
        if proved is not None:
            yield proved


def _prove(
    each: AlertTelling, period: Period, chains: Mapping[str, int], *, has_destinations: bool
) -> ProvedAlert | None:
    notices = [notice for notice in each.notices if period.holds(notice.created_at)]
    planned = [step for step in each.planned if period.holds(step.due_at)]
    is_called = any(step.kind in _CALLS_SOMEBODY for step in each.planned)
    unbegun = has_destinations and not is_called and not each.notices and _has_no_chain(each, period.now)
    if not (is_called or notices or unbegun):
        return None
    missing = [found for step in planned if (found := _missing_of(step, each.lines, period.now)) is not None]
    missing += [found for line in each.lines if period.holds(line.at) for found in _lacking(line, each.notices)]
    missing += [found for notice in notices if (found := _not_sent(notice, each.lines)) is not None]
    if has_destinations:
        missing += _of_alert(each, is_unbegun=unbegun)
    fate, how = _fate(each, period.now, chains)
    return ProvedAlert(
        alert_id=each.alert.alert_id,
        fate=fate,
        how=how,
        waited=_waited(each, notices),
        steps=[_lateness(step, each.lines) for step in planned if step.kind == "step" and step.outcome in _CAME],
        states=[notice.state for notice in notices],
        sent_twice=sum(notice.state == "sent" and notice.unanswered > 0 for notice in notices),
        missing=missing,
    )


def _of_alert(each: AlertTelling, *, is_unbegun: bool) -> Iterator[Missing]:
    alert = each.alert
    if is_unbegun:
        yield Missing(alert.alert_id, "step 1", "it interrupts, and its chain never began")
    if alert.is_told_no_more:
        yield Missing(alert.alert_id, "next step", "there is none, and nobody has it")
    if alert.reached_nobody:
        yield Missing(alert.alert_id, "first notice", "none ever arrived, and it is past its time")


def _has_no_chain(each: AlertTelling, now: datetime) -> bool:
    """Return whether it interrupts and nothing was ever planned, although the auditor looked since."""
    alert = each.alert
    interrupts = channel_of(alert.channel, alert.tier) >= Channel.INTERRUPT
    waits = alert.status == "open" and alert.opened_at < now - BEGIN_EVERY - LATE_AFTER
    return waits and interrupts and not is_quiet(alert.stream, frozenset(alert.badges), alert.order_ends_at, now)


def _missing_of(step: PlannedStep, lines: Sequence[RecordLine], now: datetime) -> Missing | None:
    if step.is_not_tried:
        return Missing(step.alert_id, _due(step), f"not carried out; it is {_long(now - step.due_at)} late")
    if step.outcome not in _CAME or (late := _lateness(step, lines)) <= LATE_AFTER:
        return None
    return Missing(step.alert_id, _due(step), f"carried out {_long(late)} late", is_late=True)


def _lateness(step: PlannedStep, lines: Sequence[RecordLine]) -> timedelta:
    """Return by how much it came late; what ended and stands again, because an act was undone, counts from then."""
    done_at = step.done_at or step.due_at
    stood_at = [line.at for line in lines if line.kind == "undone" and line.at <= done_at]
    return done_at - max(step.due_at, step.created_at, *stood_at)


def _lacking(line: RecordLine, notices: Sequence[SentNotice]) -> Iterator[Missing]:
    """Yield what a line of the record had to be sent to and was not."""
    own = [notice for notice in notices if notice.event_id == line.id]
    if line.kind in LINE_OF_ALERT:
        for place in without_delivery(line.data, [notice.destination for notice in own]):
            yield Missing(line.alert_id, _line_and_step(line), f"no notice to {place} was made")
    if own and all(notice.state == "refused" for notice in own):
        yield Missing(line.alert_id, _line_and_step(line), "no destination took it", is_unheard=True)


def _not_sent(notice: SentNotice, lines: Sequence[RecordLine]) -> Missing | None:
    line = next((line for line in lines if line.id == notice.event_id), None)
    step = f"{_line_and_step(line) if line is not None else 'notice'} to {notice.destination}"
    if notice.is_not_tried:
        return Missing(notice.alert_id, step, "not tried; no worker sends it")
    if notice.unanswered > MOST_UNANSWERED:
        times = notice.unanswered + (notice.state == "sent")
        return Missing(notice.alert_id, step, f"may have gone out {times} times under one key")
    return None


def _fate(each: AlertTelling, now: datetime, chains: Mapping[str, int]) -> tuple[Fate, str]:
    alert, lines = each.alert, _since_it_was_opened(each.lines)
    answers = [line for line in lines if line.kind in ANSWERS]
    if alert.status in ("resolved", "covered") and not answers:
        ended = next((line for line in reversed(lines) if line.kind == alert.status), None)
        return "ended", f"{alert.status}: {(ended.reason if ended is not None else None) or 'settled at another order'}"
    sleeps = alert.snoozed_until is not None and alert.snoozed_until > now
    if alert.status != "open" or sleeps:
        last = next(iter(reversed(answers or [line for line in each.lines if line.kind in ANSWERS])), None)
        return "answered", f"{last.kind} by {last.actor}, {_at(last.at)}" if last is not None else alert.status
    if alert.order_ends_at is not None and alert.order_ends_at <= now - OVER_AFTER:
        return "ended", f"expired: the last dose was {_at(alert.order_ends_at)}"
    step, of = _reached(each, lines, chains)
    return "sent up to the last step" if step >= of else "being sent", f"step {step} of {of}"


def _since_it_was_opened(lines: Sequence[RecordLine]) -> Sequence[RecordLine]:
    begins = [at for at, line in enumerate(lines) if line.kind in _BEGINS]
    return lines[begins[-1] :] if begins else lines


def _reached(each: AlertTelling, lines: Sequence[RecordLine], chains: Mapping[str, int]) -> tuple[int, int]:
    """Return how far its chain came, and of how many steps; what was told without saying so was the first."""
    numbered = [(line.data["step"], line.data["of"]) for line in lines if line.data.get("step") and "of" in line.data]
    if numbered:
        of = numbered[-1][1]
        return max(step for step, of_those in numbered if of_those == of), of
    names = [step.data[CHAIN] for step in each.planned if step.kind == "step" and CHAIN in step.data]
    was_notified = any(DESTINATIONS in line.data for line in lines)
    return int(was_notified), chains.get(names[-1], 1) if names else 1


def _waited(each: AlertTelling, notices: Sequence[SentNotice]) -> timedelta | None:
    """Return how long the first answer took since the first notice of the period."""
    told_at = min((notice.created_at for notice in notices), default=None)
    if told_at is None:
        return None
    after = [line for line in each.lines if line.kind in (*ANSWERS, "resolved") and line.at >= told_at]
    return after[0].at - told_at if after and after[0].kind in ANSWERS else None


def _due(step: PlannedStep) -> str:
    return f"{step.kind} of {_at(step.due_at)}"


def _line_and_step(line: RecordLine) -> str:
    number = f" (step {line.data['step']} of {line.data['of']})" if line.data.get("step") and "of" in line.data else ""
    return f"{line.kind}{number} of {_at(line.at)}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _long(time: timedelta) -> str:
    seconds = round(time.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


@dataclass(slots=True)
class TellingFigures:
    """The figures of a period, counted while the alerts pass."""

    alerts: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    longest_to_answer: timedelta | None = None
    late: list[timedelta] = field(default_factory=list)  # by how much each step came late
    states: dict[str, int] = field(default_factory=dict)  # notices by state
    sent_twice: int = 0
    missing: int = 0
    named: set[int] = field(default_factory=set)  # the alerts of which something is missing

    def count(self, one: ProvedAlert) -> None:
        """Count one more alert."""
        self.alerts += 1
        self.fates[one.fate] = self.fates.get(one.fate, 0) + 1
        if one.waited is not None:
            self.longest_to_answer = max(one.waited, self.longest_to_answer or one.waited)
        self.late += one.steps
        for state in one.states:
            self.states[state] = self.states.get(state, 0) + 1
        self.sent_twice += one.sent_twice
        self.missing += len(one.missing)
        if one.missing:
            self.named.add(one.alert_id)

    def lateness(self, share: float) -> timedelta:
        """Return by how much this share of the steps came late at most: 0.5 is the median, 1 the latest."""
        ordered = sorted(self.late)
        return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else timedelta(0)


def figures_of(proved: Iterable[ProvedAlert]) -> TellingFigures:
    """Return the figures of all of them."""
    figures = TellingFigures()
    for each in proved:
        figures.count(each)
    return figures
