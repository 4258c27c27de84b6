"""What pharmacists did with the alerts, rule by rule; `ivigilant knowledge review` and the page of figures show it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from clinical.conclusions import StoredConclusion
from clinical.ratios import Ratio
from clinical.words import AFTER_INFUSION, SETTLED, Channel
from history.conclusion import channel_of
from store import assessments, tables

INTERVENTIONS = frozenset(
    {"order_adjusted", "discussed_with_prescriber", "will_monitor"}
)  # reasons that mean an intervention
LOWERED = ("dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h")
FEWEST = 20  # fewest settled alerts for a proposal to move a rule to another channel [D]
SELDOM, OFTEN = 0.10, 0.50  # shares that led to an intervention, below and above which it is proposed [D]
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class SettledAlert:
    """One alert as a pharmacist last settled it, and whether there was an intervention."""

    alert: int
    order: int
    actor: str
    kind: str  # acknowledged | overridden
    reason: str
    channel: Channel
    rules: Mapping[str, Channel]  # those shown in the inbox
    intervened: bool


@dataclass(frozen=True, slots=True)
class RuleReview:
    """One rule: the outcome of its alerts, and the proposal that follows."""

    rule: str
    title: str
    channel: str
    alerts: int
    kept: int  # acknowledged without another decision
    overridden: int
    reasons: Mapping[str, int]
    intervened: Ratio
    cases: int  # thromboses after the infusion of an order for which it fired
    proposal: str  # "", worklist or interrupt


@dataclass(frozen=True, slots=True)
class Review:
    """The review of all rules."""

    since: datetime | None
    settled: int
    unsettled: int  # alerts not settled yet
    pharmacists: int
    each: tuple[tuple[float, int], ...]  # per pharmacist, without names: the share that led to an intervention
    interruptions: Ratio  # the share that led to an intervention: the positive predictive value of the studies
    worklist: Ratio
    cases: int
    cases_unsaid: int  # thromboses after an order that had no alert in the inbox
    reasons: Mapping[str, int]  # of overrides, each alert once
    rules: tuple[RuleReview, ...]


def review(connection: sa.Connection, titles: Mapping[str, str], since: datetime | None = None) -> Review:
    """Return the review; nothing is written."""
    settled = list(_settled(connection, since))
    cases = _orders_with_case(connection, since)
    opened_at = {row.order_id: row.opened_at for row in connection.execute(_alerts(since))}
    by_rule: dict[str, list[SettledAlert]] = defaultdict(list)
    for one in settled:
        for rule in one.rules:
            by_rule[rule].append(one)
    rules = [_rule(rule, titles.get(rule, ""), found, frozenset(cases)) for rule, found in by_rule.items()]
    by_actor = defaultdict(list)
    for one in settled:
        by_actor[one.actor].append(one.intervened)
    return Review(
        since=since,
        settled=len(settled),
        unsettled=len(opened_at.keys() - {one.order for one in settled}),
        pharmacists=len(by_actor),
        each=tuple(
            sorted((sum(interventions) / len(interventions), len(interventions)) for interventions in by_actor.values())
        ),
        interruptions=_intervened(one for one in settled if one.channel == Channel.INTERRUPT),
        worklist=_intervened(one for one in settled if one.channel == Channel.WORKLIST),
        cases=len(cases),
        cases_unsaid=sum(order not in opened_at or opened_at[order] >= opened for order, opened in cases.items()),
        reasons=dict(Counter(one.reason for one in settled if one.kind == "overridden").most_common()),
        rules=tuple(sorted(rules, key=lambda each: (-each.alerts, each.rule))),
    )


def _intervened(settled: Iterable[SettledAlert]) -> Ratio:
    interventions = [one.intervened for one in settled]
    return Ratio(sum(interventions), len(interventions))


def _rule(rule: str, title: str, settled: Sequence[SettledAlert], cases: frozenset[int]) -> RuleReview:
    overridden = [one for one in settled if one.kind == "overridden"]
    channel = max(one.rules[rule] for one in settled)
    intervened = _intervened(settled)
    followed = len({one.order for one in settled} & cases)
    return RuleReview(
        rule=rule,
        title=title,
        channel=channel.word,
        alerts=len(settled),
        kept=len(settled) - len(overridden),
        overridden=len(overridden),
        reasons=dict(Counter(one.reason for one in overridden).most_common()),
        intervened=intervened,
        cases=followed,
        proposal=_proposal(channel, intervened, followed),
    )


def _proposal(channel: Channel, intervened: Ratio, cases: int) -> str:
    """Return the channel to propose, only when the whole interval supports it."""
    low, high = intervened.limits
    if intervened.of < FEWEST:
        return ""
    if channel == Channel.INTERRUPT and high < SELDOM and not cases:
        return Channel.WORKLIST.word
    return Channel.INTERRUPT.word if channel == Channel.WORKLIST and low > OFTEN else ""


def _alerts(since: datetime | None) -> sa.Select[Any]:
    alert = tables.alert
    query = sa.select(alert.c.order_id, alert.c.opened_at).where(
        alert.c.stream != AFTER_INFUSION, alert.c.status != "covered"
    )
    return query if since is None else query.where(alert.c.opened_at >= since)


def _orders_with_case(connection: sa.Connection, since: datetime | None) -> dict[int, datetime]:
    """Return the orders followed by an event, and when that became known."""
    alert = tables.alert
    query = sa.select(alert.c.order_id, alert.c.opened_at).where(
        alert.c.stream == AFTER_INFUSION, alert.c.status != "resolved"
    )
    if since is not None:
        query = query.where(alert.c.opened_at >= since)
    return {row.order_id: row.opened_at for row in connection.execute(query)}


def _settled(connection: sa.Connection, since: datetime | None) -> Iterator[SettledAlert]:
    """Yield every settled alert about an order, as last settled, in parts."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(_events(since)):
        rows[row.alert_id].append(row)
    last = {alert: _last_settling(events) for alert, events in rows.items()}
    wanted = [(alert, at) for alert, at in last.items() if at is not None]
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        answers = assessments.of_ids(connection, {rows[alert][at].assessment_id for alert, at in part})
        for alert, at in part:
            event = rows[alert][at]
            if event.assessment_id in answers:
                yield _one(
                    event, rows[alert], answers[event.assessment_id].conclusion, answers[event.assessment_id].tier
                )


def _events(since: datetime | None) -> sa.Select[Any]:
    event, alert = tables.alert_event, tables.alert
    columns = [event.c[name] for name in ("alert_id", "at", "kind", "actor", "reason", "assessment_id", "data")]
    query = sa.select(*columns, alert.c.order_id).join(alert, alert.c.id == event.c.alert_id)
    query = query.where(alert.c.stream != AFTER_INFUSION).order_by(event.c.id)
    return query if since is None else query.where(alert.c.opened_at >= since)


def _last_settling(events: Sequence[Any]) -> int | None:
    return max((at for at, event in enumerate(events) if event.kind in SETTLED), default=None)


def _one(event: Any, events: Sequence[Any], conclusion: StoredConclusion, tier: str) -> SettledAlert:
    spoke = {each.rule: channel_of(each.channel, each.tier) for each in conclusion.findings}
    return SettledAlert(
        alert=event.alert_id,
        order=event.order_id,
        actor=event.actor,
        kind=event.kind,
        reason=event.reason or "",
        channel=channel_of(conclusion.channel, tier),
        rules={rule: channel for rule, channel in spoke.items() if channel >= Channel.WORKLIST},
        intervened=any(_is_intervention(each) for each in events),
    )


def _is_intervention(event: Any) -> bool:
    """Return whether this record line is an intervention: a reason, an order stopped, a dose or rate lowered."""
    if event.kind == "overridden":
        return event.reason in INTERVENTIONS
    if event.kind == "resolved":
        return str(event.reason or "").startswith("order_")
    return event.kind in {"changed", "reopened"} and any(_fell(event.data.get(name)) for name in LOWERED)


def _fell(change: Any) -> bool:
    return bool(change and change[0] and change[1] and change[1][1] < change[0][1])
