"""An explanation printed on a terminal."""

from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from clinical.conclusions import Ends, StoredConclusion, StoredFact, StoredOrder
from ivigilant.explain.explained import (
    Conformance,
    Doubt,
    Explained,
    MessageExplained,
    OrderExplained,
    RuleAsked,
    SegmentSeen,
    StatementRead,
)

_STATE = {"processed": "green", "ignored": "yellow", "parked": "bold red", "received": "yellow"}
_TIER = {"contraindication": "bold red", "high": "red", "moderate": "yellow", "information": "cyan", "none": "green"}
_SHOWN_WARNINGS = 12


def show(explained: Explained, console: Console) -> None:
    """Print each message in turn, then the answers."""
    for message in explained.messages:
        _message(message, console)
    if explained.messages and not explained.orders:
        console.print(_no_order(explained), end="\n\n")
    for order in explained.orders:
        _order(order, console)


def _message(message: MessageExplained, console: Console) -> None:
    console.rule(f"[bold]{escape(message.name)}[/]  {escape(message.type)} {escape(message.control_id)}", align="left")
    reason = f", because {message.reason}" if message.reason else ""
    where = f" ({message.detail})" if message.detail else ""
    console.print(
        f"[{_STATE[message.state]}]{message.state}{escape(reason + where)}[/]; "
        f"answered {message.answer or 'with nothing'}; "
        f"version {escape(message.version) or 'not stated'}, read as {message.charset or 'no text'}, "
        f"feed {escape(message.feed)}"
    )
    for doubt in message.flags:
        console.print(f"  [yellow]! {escape(_words(doubt))}[/]")
    for segment in message.segments:
        _segment(segment, console)
    _kept(message, console)
    _not_understood(message.not_understood, console)
    if message.conformance is not None:
        _conformance(message.conformance, console)
    console.print()


def _segment(segment: SegmentSeen, console: Console) -> None:
    remark = f"  [dim]{segment.remark}[/]" if segment.remark else ""
    console.print(f"[bold cyan]{segment.path}[/]{remark}")
    if segment.read:
        console.print(Padding(_statements(segment.read), (0, 0, 0, 4)))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(max_width=100, no_wrap=True, overflow="ellipsis")
    table.add_column(style="dim", no_wrap=True)
    for field in segment.fields:
        if field.asked or segment.remark:
            table.add_row(field.name, Text(field.text), field.path)
    console.print(Padding(table, (0, 0, 0, 4)))


def _statements(read: Iterable[StatementRead]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="green", no_wrap=True)
    table.add_column()
    table.add_column(style="dim", no_wrap=True)
    for statement in read:
        says = Text(statement.says)
        for doubt in statement.doubts:
            says.append(f"\n! {_words(doubt)}", style="yellow")
        table.add_row(statement.what, says, statement.path)
    return table


def _words(doubt: Doubt) -> str:
    return f"{doubt.en} ({doubt.flag})" if doubt.en else doubt.flag.replace("_", " ")


def _kept(message: MessageExplained, console: Console) -> None:
    if not message.events:
        return
    console.print("[bold]for the history[/]")
    table = Table.grid(padding=(0, 2))
    for seen in message.events:
        sign = "[green]kept[/]" if seen.kept else "[dim]left out[/]"
        table.add_row(sign, escape(str(seen.event["event"])), escape(str(seen.event["path"])), escape(seen.why))
    console.print(Padding(table, (0, 0, 0, 4)))


def _not_understood(places: tuple[tuple[str, str], ...], console: Console) -> None:
    if not places:
        return
    console.print("[bold]not read[/]")
    for path, what in places:
        console.print(f"    [dim]{escape(path)}[/]  {escape(what)}")


def _conformance(report: Conformance, console: Console) -> None:
    if report.failed:
        console.print(f"[bold]hl7apy[/]  no report: {escape(report.failed)}")
        return
    against = f"against version {report.version}, segment by segment"
    if report.is_clean:
        console.print(f"[bold]hl7apy[/]  no remarks {against}")
        return
    console.print(f"[bold]hl7apy[/]  {len(report.errors)} errors, {len(report.warnings)} warnings {against}")
    for error in report.errors:
        console.print(f"    [red]{escape(error)}[/]")
    for warning in report.warnings[:_SHOWN_WARNINGS]:
        console.print(f"    [dim]{escape(warning)}[/]")
    if len(report.warnings) > _SHOWN_WARNINGS:
        console.print(f"    [dim]… and {len(report.warnings) - _SHOWN_WARNINGS} more; --json gives all[/]")


def _no_order(explained: Explained) -> str:
    with_history = f" and {explained.history} of history" if explained.history else ""
    return f"No IVIg order for these patients in {len(explained.messages)} messages{with_history}: nothing to judge."


def _order(order: OrderExplained, console: Console) -> None:
    concluded = msgspec.convert(order.conclusion, StoredConclusion)
    about = concluded.order
    numbers = " ".join(number for number in (about.placer, about.filler) if number)
    console.rule(f"[bold]order {escape(numbers)}[/]  {escape(about.product)}", align="left")
    after = ": what came after the infusion, not the order itself" if order.stream != "order" else ""
    console.print(f"stream [bold]{order.stream}[/]{after}")
    console.print(f"[{_TIER[order.tier]}]{order.tier}[/], {order.priority}; judged for {order.as_of:%Y-%m-%d %H:%M}Z")
    console.print(_facts_of_order(about))
    console.print(escape(concluded.text["en"]))
    for title, texts in (("missing", concluded.missing), ("mitigating", concluded.mitigating)):
        for text in texts:
            console.print(f"  [yellow]{title}[/]: {escape(text['en'])}")
    for finding in concluded.findings:
        console.print(f"\n[{_TIER[finding.tier]}]{finding.rule}[/] {escape(finding.title['en'])}")
        console.print(f"    {escape(finding.because['en'])}")
        for fact in finding.facts:
            console.print(f"    [dim]{escape(_fact(fact))}[/]")
    _rules(order.rules, console)
    console.print(f"[dim]knowledge {order.knowledge}[/]\n")


def _facts_of_order(about: StoredOrder) -> Table:
    table = Table.grid(padding=(0, 2))
    for name in ("state", "start", "weight_kg", "dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h", "flags"):
        value = getattr(about, name)
        if name == "flags":
            value = ", ".join(about.flags)
        elif isinstance(value, tuple):
            value = _ends(value)
        table.add_row(f"[green]{name}[/]", escape(str(value)) if value not in (None, "") else "[dim]not known[/]")
    return table


def _ends(ends: Ends) -> str:
    low, high = ends
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _fact(fact: StoredFact) -> str:
    coded = " ".join(part for part in (fact.system, fact.code, fact.display) if part)
    value = f" = {fact.value} {fact.unit}" if fact.value else ""
    at = f", {fact.at[:10]}" if fact.at else ""
    return f"{fact.kind} {coded}{value}{at}, read at {fact.path} of {fact.message}"


def _rules(rules: Iterable[RuleAsked], console: Console) -> None:
    silent = [rule for rule in rules if not rule.fired]
    if not silent:
        return
    console.print("\n[bold]rules that did not fire, each with the first condition that did not hold[/]")
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    for rule in silent:
        if rule.failed is None:
            table.add_row(rule.rule, f"[yellow]would fire; it is on {escape(rule.status or 'trial')}[/]")
            continue
        saw = f" [dim](saw {escape(rule.failed.saw)})[/]" if rule.failed.saw else ""
        table.add_row(rule.rule, f"{escape(rule.failed.condition)}{saw}")
    console.print(Padding(table, (0, 0, 0, 4)))
