"""How many alerts there were, day by day or week by week, and how soon somebody was on them. No patient is in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from clinical.words import ALERT_TIERS, Channel
from history.conclusion import channel_of
from store import tables

Step = Literal["day", "week"]
STEPS: tuple[Step, ...] = get_args(Step)
SHOWN: Mapping[Step, int] = {"day": 28, "week": 12}  # days or weeks, the one that has not ended too
CHANNELS = (Channel.INTERRUPT.word, Channel.WORKLIST.word)
_BEGINS = ("raised", "reopened")  # each asks for attention
_ANSWERS = ("taken_on", "acknowledged", "overridden")
_NOT_COUNTED = frozenset({"test", "replay"})


@dataclass(frozen=True, slots=True)
class AlertCount:
    """The alerts that were raised or opened again in one day or week."""

    begins: date
    by_channel: Mapping[str, int]
    by_tier: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AnswerTime:
    """How soon somebody was on the alerts of a tier, in minutes; None when nobody was on any."""

    tier: str
    answered: int
    waiting: int  # nobody was on them yet, or they were resolved first
    median: int | None
    p90: int | None


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """Both, over the same days."""

    counts: Sequence[AlertCount]
    answers: Sequence[AnswerTime]


def periods(step: Step, now: datetime, zone: ZoneInfo) -> list[date]:
    """Return the first day of each period that is shown, the oldest first; weeks begin on Monday."""
    today = now.astimezone(zone).date()
    last = today if step == "day" else today - timedelta(days=today.weekday())
    days = 1 if step == "day" else 7
    return [last - timedelta(days=days * back) for back in reversed(range(SHOWN[step]))]


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the midnight with which a day begins."""
    return datetime.combine(day, time(), zone)


def alert_figures(connection: sa.Connection, step: Step, now: datetime, zone: ZoneInfo) -> AlertFigures:
    """Count the alerts of the periods that are shown, without those of tests and replayed messages."""
    days = periods(step, now, zone)
    rows = [row for row in connection.execute(_lines(begin_of(days[0], zone))) if not _NOT_COUNTED & set(row.badges)]
    counts: dict[date, tuple[Counter[str], Counter[str]]] = {day: (Counter(), Counter()) for day in days}
    for row in rows:
        if row.kind in _BEGINS:
            at = row.at.astimezone(zone).date()
            by_channel, by_tier = counts[max(day for day in days if day <= at)]
            by_channel[channel_of(row.channel, row.tier).word] += 1
            by_tier[row.tier] += 1
    return AlertFigures([AlertCount(day, *counts[day]) for day in days], _answer_times(rows))


def _lines(since: datetime) -> sa.Select[Any]:
    """Select the lines of the record that begin or answer something, with what was said at that moment."""
    event, alert, answer = tables.alert_event, tables.alert, tables.assessment
    columns = (event.c.alert_id, event.c.at, event.c.kind, alert.c.badges, answer.c.tier)
    assessment_id = sa.func.coalesce(event.c.assessment_id, alert.c.assessment_id)
    query = sa.select(*columns, answer.c.conclusion["channel"].as_string().label("channel"))
    query = query.join(alert, alert.c.id == event.c.alert_id).join(answer, answer.c.id == assessment_id)
    return query.where(event.c.at >= since, event.c.kind.in_(_BEGINS + _ANSWERS)).order_by(event.c.id)


def _answer_times(rows: Iterable[Any]) -> list[AnswerTime]:
    waits: dict[str, list[int]] = defaultdict(list)
    open_since: dict[int, tuple[str, datetime]] = {}
    unanswered: Counter[str] = Counter()
    for row in rows:
        if row.kind in _BEGINS:
            unanswered.update([before[0]] if (before := open_since.pop(row.alert_id, None)) else [])
            open_since[row.alert_id] = row.tier, row.at
        elif (begun := open_since.pop(row.alert_id, None)) is not None:
            waits[begun[0]].append(round((row.at - begun[1]).total_seconds() / 60))
    unanswered.update(tier for tier, _ in open_since.values())
    return [
        AnswerTime(tier, len(waits[tier]), unanswered[tier], _rank(waits[tier], 0.5), _rank(waits[tier], 0.9))
        for tier in ALERT_TIERS
    ]


def _rank(values: Sequence[int], share: float) -> int | None:
    """Return the value that this share of them reaches at most, by nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * share * 100) // 100) - 1)] if ordered else None
