"""The stored history judged with other knowledge: per rule, alerts gained, lost or in another tier."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from rich.console import Console
from rich.table import Table

from clinical.words import ALERT_TIERS, CHANNELS, FOUND_TIERS, ChannelWord, Tier
from history.choices import Site
from history.order_answers import OrderAnswer
from ivigilant.knowledge.burden import INTERRUPT, WORKLIST, Burden, Kept, Year, figures, held, in_turn
from rules.knowledge import Knowledge
from worker.histories import StoredHistories

EXAMPLES, SAMPLES = 5, 10
_UNDATED = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class RuleChange:
    """What changes for one rule, with the numbers of some of the orders."""

    rule: str
    title: str
    new: int = 0
    lost: int = 0
    changed_tier: int = 0
    orders_new: list[str] = field(default_factory=list)
    orders_lost: list[str] = field(default_factory=list)
    orders_changed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AlertCounts:
    """The number of orders, and of alerts of each tier."""

    orders: int = 0
    tiers: Counter[str] = field(default_factory=Counter)

    def per_hundred(self, tier: str) -> float:
        """Return the alerts of this tier per 100 IVIg orders."""
        return round(100 * self.tiers[tier] / self.orders, 2) if self.orders else 0.0

    @property
    def alerts_per_hundred(self) -> float:
        """Return the alerts that reach the inbox per 100 IVIg orders."""
        return round(sum(self.per_hundred(tier) for tier in ALERT_TIERS), 2)


@dataclass(frozen=True, slots=True)
class CaseHeld:
    """A published thrombosis, and the channel of the answer to the order before it."""

    case: str
    before: ChannelWord
    after: ChannelWord


@dataclass(frozen=True, slots=True)
class SampleAnswer:
    """The answer to one order: its tier and channel, and the rules that fired with their tiers."""

    tier: str
    channel: ChannelWord
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """One order whose answer changes, before and after; nothing where an order was not known as IVIg."""

    order: str
    before: SampleAnswer | None
    after: SampleAnswer | None

    @property
    def weight(self) -> tuple[int, str]:
        """Return what sorts those first whose channel changes most."""
        places = [CHANNELS.index(each.channel) if each else len(CHANNELS) for each in (self.before, self.after)]
        return -abs(places[0] - places[1]), self.order


@dataclass(frozen=True, slots=True)
class Comparison:
    """One backtest."""

    before: str  # version of the knowledge
    after: str
    from_messages: bool
    since: datetime | None
    burden_before: AlertCounts
    burden_after: AlertCounts
    rules: tuple[RuleChange, ...]  # those for which something changes
    orders_changed: int  # orders whose answer changes
    disturbed_before: Kept  # by channel, per 100 first answers and per 100 orders
    disturbed_after: Kept
    cases: tuple[CaseHeld, ...]  # the published thromboses
    samples: tuple[SampleOrder, ...]  # ten orders whose answer changes, those first whose channel changes most

    @property
    def is_the_same(self) -> bool:
        """Return whether every order gets the same answer."""
        return self.orders_changed == 0


@dataclass(slots=True)
class _Tally:
    """The answers of one knowledge, counted person by person."""

    site: Site
    knowledge: Knowledge
    counts: AlertCounts = field(default_factory=AlertCounts)
    years: list[Year] = field(default_factory=list)

    def add(self, answers: Collection[OrderAnswer]) -> None:
        """Count the orders of one person in turn, as if each alert was settled before the next order."""
        of_orders = [answer for answer in answers if answer.stream == "order"]
        self.counts.orders += len(of_orders)
        self.counts.tiers.update(answer.assessment.tier.word for answer in of_orders)
        if of_orders:
            dated = sorted(((each.starts_at or _UNDATED, each) for each in of_orders), key=lambda order: order[0])
            self.years.append(Year("", {}, in_turn(dated, self.site.covers_for, self.knowledge.terms)))


Progress = Callable[[int], None]


def backtest(
    histories: StoredHistories,
    old: Knowledge,
    new: Knowledge,
    since: datetime | None = None,
    progress: Progress = lambda _: None,
) -> Comparison:
    """Judge the whole history with both; leave out orders that begin before `since`."""
    changes: dict[str, RuleChange] = {}
    titles = {rule.id: rule.title["en"] for knowledge in (old, new) for rule in knowledge.rules}
    before, after, changed = _Tally(histories.site, old), _Tally(histories.site, new), 0
    samples: list[SampleOrder] = []
    for size, (one, other) in histories.answers((old, new)):
        olds, news = _wanted(one, since), _wanted(other, since)
        before.add(olds.values())
        after.add(news.values())
        for key in sorted(olds.keys() | news.keys()):
            if _compare(changes, titles, key[0], olds.get(key), news.get(key)):
                changed += 1
                samples.append(SampleOrder(key[0], _sample(olds.get(key)), _sample(news.get(key))))
        samples = sorted(samples, key=lambda each: each.weight)[:SAMPLES]
        progress(size)
    rules = tuple(sorted(changes.values(), key=lambda each: each.rule))
    return Comparison(
        before=old.version,
        after=new.version,
        from_messages=histories.from_messages,
        since=since,
        burden_before=before.counts,
        burden_after=after.counts,
        rules=rules,
        orders_changed=changed,
        disturbed_before=figures(Burden(before.years), old.version),
        disturbed_after=figures(Burden(after.years), new.version),
        cases=_cases(old, new),
        samples=tuple(samples),
    )


def _sample(answer: OrderAnswer | None) -> SampleAnswer | None:
    if answer is None:
        return None
    found = answer.assessment
    rules = tuple(f"{finding.rule} {finding.tier.word}" for finding in found.findings)
    return SampleAnswer(found.tier.word, found.channel.word, rules)


def _cases(old: Knowledge, new: Knowledge) -> tuple[CaseHeld, ...]:
    pairs = zip(held(old), held(new), strict=True)
    return tuple(CaseHeld(one.case.id, one.answer.channel, other.answer.channel) for one, other in pairs)


def needs_messages(old: Knowledge, new: Knowledge) -> bool:
    """Return whether the value sets differ: then the stored history is not enough, and messages must be read again."""
    one, other = old.terms, new.terms
    of_others = old.asks_of_scig != new.asks_of_scig  # then patients count who had no IVIg before
    return of_others or one.codes.content() != other.codes.content() or one.recognition != other.recognition


def _wanted(answers: Iterable[OrderAnswer], since: datetime | None) -> dict[tuple[str, str], OrderAnswer]:
    return {
        (_number(answer), answer.stream): answer
        for answer in answers
        if since is None or answer.starts_at is None or answer.starts_at >= since
    }


def _number(answer: OrderAnswer) -> str:
    return (answer.order.placer or answer.order.filler or answer.order.key).rpartition("|")[2]


def _compare(
    changes: dict[str, RuleChange], titles: dict[str, str], order: str, old: OrderAnswer | None, new: OrderAnswer | None
) -> bool:
    was, now = _tiers(old), _tiers(new)
    for rule in was.keys() | now.keys():
        if was.get(rule) == now.get(rule):
            continue
        change = changes.setdefault(rule, RuleChange(rule, titles.get(rule, "")))
        if rule not in was:
            change.new += 1
            _remember(change.orders_new, order)
        elif rule not in now:
            change.lost += 1
            _remember(change.orders_lost, order)
        else:
            change.changed_tier += 1
            _remember(change.orders_changed, f"{order}: {was[rule].word} → {now[rule].word}")
    return was != now or _channel(old) != _channel(new)


def _channel(answer: OrderAnswer | None) -> ChannelWord | None:
    return answer.assessment.channel.word if answer else None


def _tiers(answer: OrderAnswer | None) -> dict[str, Tier]:
    return {finding.rule: finding.tier for finding in answer.assessment.findings} if answer else {}


def _remember(examples: list[str], order: str) -> None:
    if len(examples) < EXAMPLES:
        examples.append(order)


PAGE = Path(__file__).with_name("backtest.html")


def as_page(comparison: Comparison) -> str:
    """Return it as a self-contained HTML page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(PAGE.read_text(encoding="utf-8")).render(
        c=comparison, tiers=FOUND_TIERS, channels=(INTERRUPT, WORKLIST), holds=holds, moved=moved, sampled=sampled
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return it as JSON, with the alerts per 100 orders."""
    values = asdict(comparison)
    values["since"] = comparison.since.isoformat() if comparison.since else None
    for name, burden in (("burden_before", comparison.burden_before), ("burden_after", comparison.burden_after)):
        values[name] = {
            "orders": burden.orders,
            "alerts_per_100_orders": {tier: burden.per_hundred(tier) for tier in FOUND_TIERS},
        }
    for name, found in (
        ("disturbed_before", comparison.disturbed_before),
        ("disturbed_after", comparison.disturbed_after),
    ):
        values[name] = msgspec.to_builtins(found)
    return values


def moved(comparison: Comparison) -> list[CaseHeld]:
    """Return the published thromboses whose channel changes."""
    return [each for each in comparison.cases if each.before != each.after]


def holds(comparison: Comparison, channel: ChannelWord) -> tuple[int, int]:
    """Return how many published thromboses are in this channel or a louder one, with the old and the new rules."""
    louder = CHANNELS[: CHANNELS.index(channel) + 1]
    return sum(each.before in louder for each in comparison.cases), sum(
        each.after in louder for each in comparison.cases
    )


def sampled(answer: SampleAnswer | None) -> str:
    """Return one answer of a sample in words."""
    if answer is None:
        return "no IVIg order"
    return f"{answer.tier}, {answer.channel}" + (f" ({', '.join(answer.rules)})" if answer.rules else "")


def show(comparison: Comparison, console: Console) -> None:
    """Print it."""
    source = "messages" if comparison.from_messages else "history"
    console.print(
        f"{comparison.before} beside {comparison.after}: {comparison.burden_before.orders} IVIg orders in the stored "
        f"{source}, {comparison.orders_changed} with another answer. Nothing was sent or written."
    )
    burden = Table("tier", "now", "then", "change", title="Alerts per 100 IVIg orders", title_justify="left")
    for tier in FOUND_TIERS:
        one, other = comparison.burden_before.per_hundred(tier), comparison.burden_after.per_hundred(tier)
        burden.add_row(tier, f"{one:.2f}", f"{other:.2f}", f"{other - one:+.2f}")
    console.print(burden)
    console.print(_disturbed(comparison))
    for case in moved(comparison):
        console.print(f"published case {case.case}: {case.before} → {case.after}")
    if comparison.samples:
        console.print(_samples(comparison))
    if not comparison.rules:
        return
    rules = Table("rule", "new", "lost", "other tier", "for example, orders", title="By rule", title_justify="left")
    for each in comparison.rules:
        orders = ", ".join(each.orders_new + each.orders_lost + each.orders_changed)
        rules.add_row(f"{each.rule} {each.title}", str(each.new), str(each.lost), str(each.changed_tier), orders)
    console.print(rules)


def _samples(comparison: Comparison) -> Table:
    """Print the orders that show what changes."""
    title = f"Orders with another answer, {SAMPLES} at most"
    table = Table("order", "now", "then", title=title, title_justify="left")
    for each in comparison.samples:
        table.add_row(each.order, sampled(each.before), sampled(each.after))
    return table


def _disturbed(comparison: Comparison) -> Table:
    """Print the burden of both, beside the published thromboses that they catch."""
    old, new = comparison.disturbed_before, comparison.disturbed_after
    title = "Burden; a settled alert is not raised again"
    table = Table("", "now", "then", title=title, title_justify="left")
    for channel in (INTERRUPT, WORKLIST):
        table.add_row(f"{channel}, of 100 first answers", f"{old.first[channel]:.1f}", f"{new.first[channel]:.1f}")
        table.add_row(f"{channel}, raised per 100 orders", f"{old.said[channel]:.1f}", f"{new.said[channel]:.1f}")
        one, other = holds(comparison, channel)
        name = f"{channel} or louder, of {len(comparison.cases)} published thromboses"
        table.add_row(name, str(one), str(other))
    return table
