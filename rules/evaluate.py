"""Evaluation of one case: every rule, then the findings combined into one answer. A pure function."""

from clinical.words import Stream, Tier
from rules.advising import advise
from rules.assessment import Assessment, Finding, Step
from rules.combine import combine, combine_events
from rules.facts import Case, Fact, once
from rules.knowledge import Asked, Knowledge, Rule
from rules.picture import Picture
from rules.wording import fill


def evaluate(case: Case, knowledge: Knowledge, stream: Stream = "order") -> Assessment:
    """Judge one order, or what came after it; the same case and knowledge always give the same answer."""
    picture = Picture(case, knowledge.terms)
    findings: list[Finding] = []
    trace: list[Step] = []
    for rule in knowledge.asked[stream]:
        finding = judge(rule, picture, trace)
        if finding is not None and rule.is_live:
            findings.append(finding)
    if stream == "pharmacovigilance":
        return combine_events(picture, knowledge, findings, tuple(trace))
    return combine(picture, knowledge, findings, tuple(trace))


def judge(rule: Rule, picture: Picture, trace: list[Step]) -> Finding | None:
    """Evaluate one rule; return None if it does not fire."""
    facts = _ask(rule.when, picture, trace)
    if facts is None:
        return None
    tier = rule.tier
    for higher in rule.raised:
        more = _ask(higher.when, picture, trace)
        if more is not None and higher.tier > tier:
            tier = higher.tier
            facts += more
    return _finding(rule, tier, once(facts), picture)


def _ask(conditions: tuple[Asked, ...], picture: Picture, trace: list[Step]) -> list[Fact] | None:
    """Evaluate conditions that must all hold; return their facts, or None. Every outcome goes into the trace."""
    held_all = True
    facts: list[Fact] = []
    present, memo = picture.present, picture.memo
    for needs, text, condition, if_held, if_not in conditions:
        if needs and not needs & present:
            trace.append(if_not)  # most conditions end here: there is no such fact
            held_all = False
            continue
        outcome = memo.get(text)
        if outcome is None:
            outcome = memo[text] = condition.check(picture)
        held, found, saw = outcome
        step = if_held if held else if_not
        trace.append(Step(step.rule, step.condition, held, saw) if saw else step)
        if held:
            facts += found
        else:
            held_all = False
    return facts if held_all else None


def _finding(rule: Rule, tier: Tier, facts: tuple[Fact, ...], picture: Picture) -> Finding:
    return Finding(
        rule.id,
        rule.form.upkeep.version,
        tier,
        rule.title,
        fill(rule.because, picture, facts),
        facts,
        advise(rule.advice, picture, facts),
        rule.evidence,
    )
