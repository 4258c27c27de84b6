"""Evaluation of one case: every rule, then their findings combined as policy.yaml says. A pure function."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from clinical.words import Channel, Priority, Stream, Text, Tier
from rules.advising import advise, together
from rules.assessment import Assessment, Finding, Points, Step
from rules.facts import HISTORY, Case, Fact, once
from rules.knowledge import Asked, Knowledge, Policy, PriorityRule, Remark, Rule
from rules.naranjo import prefill
from rules.picture import Picture
from rules.points import score
from rules.summary import describe, length_of_titles, summarize
from rules.wording import fill

_ESCALATED = 250  # characters of what an escalation says of its parts; at most their titles where those are longer


def evaluate(case: Case, knowledge: Knowledge, stream: Stream = "order") -> Assessment:
    """Judge one order, or what came after it; the same case and knowledge always give the same answer."""
    picture = Picture(case, knowledge.terms)
    findings: list[Finding] = []
    trace: list[Step] = []
    for rule in knowledge.asked[stream]:
        finding = judge(rule, picture, trace)
        if finding is not None and rule.is_live:
            findings.append(finding)
    findings = _without_what_is_named(findings, knowledge, picture)
    if stream == "pharmacovigilance":
        return _combine_events(picture, knowledge, findings, tuple(trace))
    return _combine(picture, knowledge, findings, tuple(trace))


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


def _without_what_is_named(findings: Sequence[Finding], knowledge: Knowledge, picture: Picture) -> list[Finding]:
    """Return the findings; a general one without the diagnoses that a more exact one names instead of it."""
    kept: list[Finding] = []
    for each in findings:
        exact = knowledge.policy.replaced_by.get(each.rule, frozenset())
        named = [fact for other in findings if other.rule in exact for fact in other.facts]
        rest = tuple(fact for fact in each.facts if fact not in named)
        if rest == each.facts:
            kept.append(each)
        elif any(fact.kind in HISTORY for fact in rest):
            rule = next(rule for rule in knowledge.rules if rule.id == each.rule)
            kept.append(_finding(rule, each.tier, rest, picture))
    return kept


def _combine(
    picture: Picture, knowledge: Knowledge, findings: Sequence[Finding], trace: tuple[Step, ...]
) -> Assessment:
    """Combine the findings of one order, the most serious first."""
    policy = knowledge.policy
    escalated = _escalate(policy, _sorted(policy, findings), picture)
    found = _sorted(policy, [*findings, *escalated], quieter=_is_quieter(policy, picture, findings))
    if not found:
        return _nothing(knowledge, trace)
    tier = found[0].tier
    missing = _remarks(policy.missing, picture)
    mitigating = _remarks(policy.mitigating, picture)
    checklist = policy.checklist if tier >= Tier.named(policy.form.checklist_from) else ()
    advice, now = together(_first(policy, found), checklist, picture)
    return Assessment(
        tier,
        _priority(policy.priority, picture, found),
        tuple(found),
        summarize(found, advice[:now], mitigating, missing, picture),
        tuple(advice),
        missing,
        mitigating,
        knowledge.version,
        trace,
        channel=_loudest(found),
        points=_points(picture),
        now=now,
        protection=_protection(picture, knowledge),
    )


def _combine_events(
    picture: Picture, knowledge: Knowledge, findings: Sequence[Finding], trace: tuple[Step, ...]
) -> Assessment:
    """Combine the findings after the infusions of one order; the order itself is judged elsewhere."""
    found = _sorted(knowledge.policy, findings)
    if not found:
        return _nothing(knowledge, trace)
    priority = _priority(knowledge.policy.surveillance, picture, found)
    advice, now = together(found, (), picture, always=False)
    text = summarize(found, advice[:now], (), (), picture)
    naranjo = prefill(knowledge.naranjo, picture, found[0])
    return Assessment(
        found[0].tier,
        priority,
        tuple(found),
        text,
        tuple(advice),
        (),
        (),
        knowledge.version,
        trace,
        naranjo,
        _loudest(found),
        _points(picture),
        now,
        _protection(picture, knowledge),
    )


def _nothing(knowledge: Knowledge, trace: tuple[Step, ...]) -> Assessment:
    return Assessment(
        Tier.NONE,
        Priority.NONE,
        (),
        Text(dict.fromkeys(knowledge.languages, "")),
        (),
        (),
        (),
        knowledge.version,
        trace,
    )


def _is_quieter(policy: Policy, picture: Picture, findings: Sequence[Finding]) -> bool:
    """Whether what was so at the last courses too may be a channel quieter."""
    return not policy.quieter.isdisjoint(each.rule for each in findings) and picture.all_hold(policy.quieter_when)


def _sorted(policy: Policy, findings: Sequence[Finding], *, quieter: bool = False) -> list[Finding]:
    """Return the findings, the most serious first, each with its channel."""
    told = [
        structs.replace(each, channel=policy.channel_of(each.rule, each.tier, quieter=quieter)) for each in findings
    ]
    return sorted(told, key=lambda finding: _place(finding, policy, told))


def _place(finding: Finding, policy: Policy, found: Sequence[Finding]) -> tuple[int, float, bool, str]:
    """Return what findings are sorted by: tier, the newest diagnosis, and what is most exact before what it leads."""
    same = [each for each in found if each.tier == finding.tier]
    led = [each for each in same if finding.rule in policy.led_by.get(each.rule, ())]
    follows = any(each.rule in policy.led_by.get(finding.rule, ()) for each in same)
    return -finding.tier, -max(map(_newest, [finding, *led])), follows, finding.rule


def _first(policy: Policy, found: Sequence[Finding]) -> list[Finding]:
    """Return the findings in the order in which they advise: those of policy.yaml, `first`, before graver ones."""
    return sorted(found, key=lambda each: policy.first.get(each.rule, len(policy.first)))


def _newest(finding: Finding) -> float:
    """Return the onset of the newest diagnosis of a finding: of two equally serious, the most recent comes first."""
    began = [fact.starts.timestamp() for fact in finding.facts if fact.starts and fact.kind in HISTORY]
    return max(began, default=0.0)


def _loudest(found: Sequence[Finding]) -> Channel:
    return max(finding.channel for finding in found)


def _points(picture: Picture) -> Points:
    points = score(picture).points
    told = tuple(structs.replace(each, title=fill(each.title, picture, ())) for each in points.counted)
    return structs.replace(points, counted=told)


def _protection(picture: Picture, knowledge: Knowledge) -> Text:
    return fill(Text(dict.fromkeys(knowledge.languages, "{anticoagulation}")), picture, ())


def _remarks(remarks: Sequence[Remark], picture: Picture) -> tuple[Text, ...]:
    return tuple(
        fill(remark.says, picture, once(fact for each in remark.when for fact in picture.hold(each).facts))
        for remark in remarks
        if picture.all_hold(remark.when)
    )


def _escalate(policy: Policy, findings: Sequence[Finding], picture: Picture) -> tuple[Finding, ...]:
    """Add one high finding for several moderate ones from different families, if there is nothing higher."""
    form = policy.form.escalation
    tier = Tier.named(form.of_tier)
    of_tier = [finding for finding in findings if finding.tier == tier]
    families = {policy.family_of.get(finding.rule, finding.rule) for finding in of_tier}
    too_few = len(of_tier) < form.rules or len(families) < form.families
    if too_few or any(finding.tier > tier for finding in findings):
        return ()
    parts = describe(of_tier, _ESCALATED - length_of_titles(of_tier))
    return (
        Finding(
            form.id,
            form.version,
            Tier.named(form.to),
            form.title.text,
            Text(
                {
                    language: f"{words}: {'; '.join(each[language] for each in parts)}."
                    for language, words in form.because.text.items()
                }
            ),
            once(fact for finding in of_tier for fact in finding.facts),
            advise(policy.escalation_advice, picture, ()),
            tuple(policy.escalation_evidence),
        ),
    )


def _priority(ways: Mapping[Tier, tuple[PriorityRule, ...]], picture: Picture, found: Sequence[Finding]) -> Priority:
    fired = {finding.rule for finding in found}
    tiers = {finding.tier for finding in found}
    for line in ways[found[0].tier]:
        if _fits(line, picture, fired, tiers):
            return line.to
    return Priority.PROMPT


def _fits(line: PriorityRule, picture: Picture, fired: set[str], tiers: set[Tier]) -> bool:
    if line.fired and not line.fired & fired:
        return False
    if line.none_of_tier & tiers:
        return False
    return picture.all_hold(line.when)
