"""docs/burden.md, written from a run: `make docs`, or python -m ivigilant.knowledge.burden_page FILE."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from clinical.words import CHANNELS, TIERS, ChannelWord, TierWord
from ivigilant.knowledge.burden import (
    INTERRUPT,
    OPTION_PATIENTS,
    PATIENTS,
    WORKLIST,
    Burden,
    Choices,
    Held,
    Varied,
    YearAnswer,
    figures,
    held,
    keep,
    measure_apart,
    measure_choices,
    two_processes,
    vary,
)
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from synthetic.population import USES
from synthetic.published import published

TARGETS = {INTERRUPT: (15, 8), WORKLIST: (30, 12)}  # per 100 first answers, per 100 orders
ORDERS_A_DAY = (1, 2, 5, 10, 20)
MOST_POINTS = 8
Row = Sequence[object]
Condition = Callable[[YearAnswer], bool]

HEAD = """\
# How many alerts, and which thromboses they hold

Written by `make docs` from a run of the rules {knowledge}: a year of orders of {patients} patients who do not exist
({orders} orders), with shares as published where a source was found; the others are ours and marked [D]. It shows
how the rules behave on a mixture of patients, not how often a hospital will be alerted: `ivigilant backtest` gives a
hospital its own figures.

A patient's *first answer* is that to the first order of the year. What was said is settled at once by a pharmacist,
and covers later orders for half a year unless something became worse: a higher dose, a new finding. The inbox begins
empty; in a later year of use the patients of whom everything was settled before add less. Of a patient who had IVIg
before, the courses of the half year before are told, at the same dose, and her diagnoses are older than those [D].
"""
YIELD = """\
{cases} published cases ({seeds} of the assessment and its forum, {others} others), judged by the order before the
thrombosis with what was read of the source: of {whole} the page or its opening, of the others an abstract or a
table, which seldom tells risk factors. Orders of the population are nearly all uneventful. A channel is worth its
noise where it holds a larger share of the cases than of the orders. Of the cases that were not used to set the
limits {other_held} interrupt.
"""
_MOVED = {"IG-ESC-090": WORKLIST}, {"IG-VTE-012": WORKLIST, "IG-VTE-013": WORKLIST}, {"IG-VTE-005": WORKLIST}
_STEP_1: Choices = {"rule_channels": _MOVED[0]}
_STEP_2: Choices = {"rule_channels": {**_MOVED[0], **_MOVED[1]}}
_STEP_3: Choices = {"rule_channels": {**_MOVED[0], **_MOVED[1], **_MOVED[2]}}
OPTIONS: tuple[tuple[str, Choices], ...] = (
    ("as the rules are", {}),
    ("step 1: several moderate signals (IG-ESC-090) in the worklist", _STEP_1),
    ("step 2: and rates (IG-VTE-012, 013)", _STEP_2),
    ("step 3: and thick blood (IG-VTE-005)", _STEP_3),
    ("step 4: and high from 6 points", {**_STEP_3, "high_from_points": 6}),
    ("step 5: and high from 7 points", {**_STEP_3, "high_from_points": 7}),
    ("the same dose for half a year as loud as a first course", {"established_therapy": "as-others"}),
    ("moderate from 3 points", {"moderate_from_points": 3}),
    ("moderate only with the order", {"channels": {"moderate": "with-order"}}),
    ("only contra-indications interrupt", {"channels": {"high": WORKLIST}}),
)


def _in_channel(*channels: ChannelWord) -> Condition:
    return lambda answer: answer.channel in channels


def _of_tier(*tiers: TierWord) -> Condition:
    return lambda answer: answer.tier in tiers


def _from(points: int) -> Condition:
    return lambda answer: answer.points >= points


class Option(NamedTuple):
    """Other limits, the burden they give, and what becomes of the published cases."""

    name: str
    burden: Burden
    cases: Sequence[Held]


def write_page(
    burden: Burden,
    knowledge: Knowledge,
    cases: Sequence[Held],
    options: Sequence[Option],
    varied: Sequence[Varied],
    on_it_for_long: Sequence[Held] = (),
) -> str:
    """Return the page."""
    parts = [
        HEAD.format(knowledge=knowledge.version, patients=len(burden.years), orders=burden.size),
        _by_channel(burden),
        _by_hospital(burden),
        _by_use(burden),
        _by_rule(burden, knowledge),
        yield_by_channel(burden, cases),
        _yield_by_points(burden, cases),
        _costs(options),
        _long(cases, on_it_for_long),
        _cases(cases),
        _shares(burden, varied),
    ]
    return "\n".join(parts)


def _table(title: str, text: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in (columns, ["---"] * len(columns), *rows)]
    return "\n".join([f"## {title}", "", *([text, ""] if text else []), *lines, ""])


def _by_channel(burden: Burden) -> str:
    rows = [_channel(burden, channel) for channel in CHANNELS]
    text = '"Raised" leaves out what was settled before. The cost of reaching a missed target is given below.'
    columns = ("channel", "of 100 first answers", "of 100 orders", "raised per 100 orders", "target")
    return _table("By channel", text, columns, rows)


def _channel(burden: Burden, channel: ChannelWord) -> Row:
    first, every = burden.first_in(channel), burden.orders(_in_channel(channel))
    if channel not in TARGETS:
        return [channel, _figure(first), _figure(every), "", ""]
    said = burden.said_in(channel)
    return [channel, *map(_figure, (first, every, said)), _target(channel, first, said)]


def _target(channel: ChannelWord, first: float, said: float) -> str:
    per_first, per_order = TARGETS[channel]
    return f"{per_first} of 100 first: {_met(first, per_first)}; {per_order} of 100 orders: {_met(said, per_order)}"


def _met(figure: float, target: int) -> str:
    return "met" if round(figure, 1) <= target else f"missed by {figure - target:.1f}"


def _by_hospital(burden: Burden) -> str:
    rows = [
        [
            orders,
            _figure(orders * 7 * burden.said_in(INTERRUPT) / 100),
            _figure(orders * 7 * burden.said_in(WORKLIST) / 100),
        ]
        for orders in ORDERS_A_DAY
    ]
    return _table("By hospital", "", ("IVIg orders a day", "interruptions a week", "new worklist entries a week"), rows)


def _by_use(burden: Burden) -> str:
    rows = []
    for use in USES:
        of_use = burden.of_use(use.share.name)
        figures_of = [
            of_use.first_in(INTERRUPT),
            of_use.first_in(WORKLIST),
            of_use.said_in(INTERRUPT),
            of_use.said_in(WORKLIST),
        ]
        rows.append([use.share.what, len(of_use.years), of_use.size, *map(_figure, figures_of)])
    columns = (
        "what",
        "patients",
        "orders",
        "interrupt, first",
        "worklist, first",
        "interrupt, orders",
        "worklist, orders",
    )
    return _table("By what it is ordered for", "Per 100 first answers, and raised per 100 orders.", columns, rows)


def _by_rule(burden: Burden, knowledge: Knowledge) -> str:
    titles = {rule.id: rule.title["en"] for rule in knowledge.rules}
    titles[knowledge.policy.form.escalation.id] = knowledge.policy.form.escalation.title.text["en"]
    found = sorted(burden.drivers().items(), key=lambda each: (CHANNELS.index(each[0][0]), -each[1], each[0][1]))
    rows = [
        [channel, f"{rule} {titles.get(rule, '')}", _figure(100 * count / len(burden.years))]
        for (channel, rule), count in found
    ]
    text = "Rules that fired in the answer's own channel, per 100 first answers; one answer may have several."
    return _table("What causes them", text, ("channel", "rule", "of 100 first answers"), rows)


def yield_by_channel(burden: Burden, cases: Sequence[Held]) -> str:
    """For each channel and tier, give the published cases that it catches and its share of the orders."""
    louder = [(f"{each} or louder", _in_channel(*CHANNELS[: at + 1])) for at, each in enumerate(CHANNELS[:-1])]
    graver = [(f"{each} or graver", _of_tier(*TIERS[: at + 1])) for at, each in enumerate(TIERS[:-1])]
    rows = [[name, _held(cases, holds), _figure(burden.first(holds))] for name, holds in (*louder, *graver)]
    text = YIELD.format(
        cases=len(cases),
        seeds=sum(each.case.is_seed for each in cases),
        others=sum(not each.case.is_seed for each in cases),
        whole=sum(each.case.read in {"full text", "opening"} for each in cases),
        other_held=_held([each for each in cases if not each.case.is_seed], _in_channel(INTERRUPT)),
    ).rstrip()
    return _table("Yield, by channel and by tier", text, ("answer", "published cases", "of 100 first answers"), rows)


def _yield_by_points(burden: Burden, cases: Sequence[Held]) -> str:
    rows = [
        [
            points,
            _held(cases, _from(points)),
            _figure(burden.first(_from(points))),
            _figure(burden.orders(_from(points))),
        ]
        for points in range(1, MOST_POINTS + 1)
    ]
    text = "Points of patient and plan together; an earlier thrombosis has no points, but rules of its own."
    columns = ("points or more", "published cases", "of 100 first answers", "of 100 orders")
    return _table("Yield, by points", text, columns, rows)


def _held(cases: Sequence[Held], holds: Condition) -> str:
    found = sum(holds(each.answer) for each in cases)
    return f"{found} of {len(cases)} ({100 * found / len(cases):.0f} %)" if cases else "0 of 0"


def _costs(options: Sequence[Option]) -> str:
    usual = options[0]
    rows = [
        [
            option.name,
            *(_figure(each) for channel in (INTERRUPT, WORKLIST) for each in _both(option.burden, channel)),
            _fallen(usual, option, (INTERRUPT,)),
            _fallen(usual, option, (INTERRUPT, WORKLIST)),
        ]
        for option in options
    ]
    text = (
        f"Over the first {len(usual.burden.years)} patients. Each step keeps those before it. A case that no longer "
        "interrupts is still in the worklist, unless the last column names it: that case gets no alert. "
        f"{_reached(options)}"
    )
    columns = (
        "limits",
        "interrupt, first",
        "interrupt, orders",
        "worklist, first",
        "worklist, orders",
        "no longer interrupt",
        "fall silent",
    )
    return _table("What the targets would cost", text, columns, rows)


def _reached(options: Sequence[Option]) -> str:
    """Say which step meets the missed goal of interruptions, and what it costs."""
    usual, goal = options[0], TARGETS[INTERRUPT][0]
    if round(usual.burden.first_in(INTERRUPT), 1) <= goal:
        return f"The goal of {goal} interruptions in 100 first answers is met here without a step."
    steps = [each for each in options if each.name.startswith("step")]
    met = next((each for each in steps if round(each.burden.first_in(INTERRUPT), 1) <= goal), None)
    if met is None:
        return f"No step meets the goal of {goal} interruptions in 100 first answers."
    fallen = _fallen(usual, met, (INTERRUPT,))
    name = met.name.partition(":")[0]
    return f"The goal of {goal} interruptions in 100 first answers is met at {name}; its price in cases is: {fallen}."


def _long(cases: Sequence[Held], on_it_for_long: Sequence[Held]) -> str:
    answers = {each.case.id: each.answer for each in cases}
    rows = [
        (each.case.id, each.case.event, _said(answers[each.case.id]), _said(each.answer))
        for each in on_it_for_long
        if each.case.order.before
    ]
    text = (
        "A dose that was given three times or more in half a year, with nothing new, is one channel quieter; its tier "
        "stays ([decision 24](decisions/0024-the-same-dose-for-half-a-year-is-quieter.md)). The sources seldom tell "
        "for how long a patient had IVIg. This is what becomes of those who had it before, if each had had the same "
        "dose every four weeks."
    )
    return _table("The price of a quiet maintenance", text, ("case", "what happened", "as told", "if so"), rows)


def _said(answer: YearAnswer) -> str:
    return f"{answer.tier}, {answer.channel}"


def _both(burden: Burden, channel: ChannelWord) -> tuple[float, float]:
    return burden.first_in(channel), burden.said_in(channel)


def _fallen(usual: Option, other: Option, channels: Sequence[str]) -> str:
    then = {each.case.id for each in other.cases if each.answer.channel in channels}
    fallen = [each.case.id for each in usual.cases if each.answer.channel in channels and each.case.id not in then]
    return ", ".join(fallen) or "none"


def _cases(cases: Sequence[Held]) -> str:
    rows = [
        [
            each.case.id,
            _source(each),
            each.case.read,
            each.case.event,
            each.answer.tier,
            each.answer.channel,
            each.answer.points,
        ]
        for each in sorted(cases, key=lambda each: (CHANNELS.index(each.answer.channel), -each.answer.points))
    ]
    text = (
        "`synthetic/published_cases.yaml` gives the facts and assumptions of each. A dose that the source does not "
        "give is taken as 0.4 g/kg, which adds no points. Left out: " + " ".join(published().left_out)
    )
    return _table(
        "The published cases", text, ("case", "source", "read", "what happened", "tier", "channel", "points"), rows
    )


def _source(each: Held) -> str:
    source = each.case.source.replace("|", "/")
    return f"[{source}]({each.case.url})" if each.case.url else source


def _shares(burden: Burden, varied: Sequence[Varied]) -> str:
    first, said = burden.first_in(INTERRUPT), burden.said_in(INTERRUPT)
    rows = [
        [
            each.share.what,
            f"{each.share.value:.1%}",
            each.share.source,
            *(_pair(figure) for figure in (each.half, each.double)),
        ]
        for each in varied
    ]
    text = (
        "Interruptions of 100 first answers / of 100 orders at half and at double each share, with the same "
        f"patients reweighted; unchanged: {_pair((first, said))}. Ages and later schemes are ours as well [D]."
    )
    return _table(
        "The patients, and the effect of another share",
        text,
        ("what", "share", "from", "at half", "at double"),
        rows,
    )


def _pair(figures_of: tuple[float, float]) -> str:
    return f"{figures_of[0]:.1f} / {figures_of[1]:.1f}"


def _figure(figure: float) -> str:
    return f"{figure:.1f}"


def main(
    file: Path,
    size: Annotated[int, typer.Option("--patients", min=1)] = PATIENTS,
    others: Annotated[int, typer.Option("--others", min=1)] = OPTION_PATIENTS,
) -> None:
    """Run it, write the page, and store the figures for the demonstration."""
    knowledge = load_knowledge()
    with two_processes() as processes:
        burden = measure_apart(processes, size)
        usual = Option(OPTIONS[0][0], Burden(burden.years[:others]), held(knowledge))
        found = measure_choices(processes, others, [chosen for _, chosen in OPTIONS[1:]])
        options = [
            usual,
            *(
                Option(name, each, held(load_knowledge(chosen=chosen)))
                for (name, chosen), each in zip(OPTIONS[1:], found, strict=True)
            ),
        ]
    on_it_for_long = held(knowledge, long=True)
    page = write_page(burden, knowledge, held(knowledge), options, vary(burden), on_it_for_long)
    file.write_text(page, encoding="utf-8")
    keep(figures(burden, knowledge.version))


if __name__ == "__main__":
    typer.run(main)
