"""Compiles rules, states and the policy from their forms."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from clinical.words import FALLBACK, FOUND_TIERS, Channel, FoundTier, Language, Priority, Text, Tier
from rules.assessment import AdviceLine, Step
from rules.conditions.reading import ConditionReader, any_needed
from rules.fillers import FILLERS
from rules.form_check import check_form
from rules.forms import (
    Advice,
    DefinitionForm,
    Evidence,
    GuardsForm,
    PointsForm,
    PolicyForm,
    PriorityLine,
    RemarkForm,
    RuleForm,
    Source,
    TextForm,
)
from rules.knowledge import Asked, Higher, Policy, PriorityRule, Remark, Rule
from rules.terms import ConditionTest, Guard, GuardedLine, PlanLine, State, Terms, Weight, Weights
from rules.wording import is_template, names_in
from rules.yaml_lines import Document, Loc

_FORBIDDEN = ("do not give", "don't give", "niet geven", "niet toedienen", "do not administer")


def cite(evidence: Iterable[Evidence], sources: dict[str, Source]) -> tuple[str, ...]:
    """Write each line of evidence with the source it names, in English."""
    return tuple(cited_by_language(evidence, sources))


def cited_by_language(evidence: Iterable[Evidence], sources: dict[str, Source]) -> dict[str, Text]:
    """Write each line of evidence with the source it names in each of its languages, by the English one."""
    known = [(each, sources[each.source]) for each in evidence if each.source in sources]
    texts = [
        Text({at: _citation(each, source, at) for at in dict.fromkeys((FALLBACK, *each.text))})
        for each, source in known
    ]
    return {text[FALLBACK]: text for text in texts}


def _citation(evidence: Evidence, source: Source, language: Language) -> str:
    title, where = (_text_in(each, language) for each in (source.title, source.where))
    parts = [source.author, f"{title}{f' ({source.year})' if source.year else ''}", where]
    cited = ". ".join(part.rstrip(".") for part in parts if part)  # "et al." has a full stop already
    return f"{cited}: {evidence.text[language]}"


def _text_in(words: str | TextForm, language: Language) -> str:
    return words.text[language] if isinstance(words, TextForm) else words


def compile_state(
    document: Document, name: str, terms: Terms, states: frozenset[str], sources: dict[str, Source]
) -> State | None:
    """Make a named state of one entry of a definitions file."""
    form = check_form(document, DefinitionForm, document.value[name], (name,))
    if form is None:
        return None
    reader = ConditionReader(document, terms, states)
    conditions = reader.read(form.any, (name, "any"))
    check_evidence(document, reader.numbers, form.evidence, (name, "evidence"), sources)
    return State(name, form.title.text, conditions, f"{document.file}: {name}", any_needed(conditions))


def compile_points(document: Document, terms: Terms, states: frozenset[str]) -> Weights | None:
    """Make the weights of risk factors and plan; every risk factor must have one."""
    form = check_form(document, PointsForm, document.value)
    if form is None:
        return None
    _check_factors(document, form, frozenset(terms.risk_factors))
    reader = ConditionReader(document, terms, states)
    plan = tuple(
        PlanLine(each.name, each.group, each.points, each.title.text, reader.read(each.when, ("plan", at, "when")))
        for at, each in enumerate(form.plan)
    )
    for at, each in enumerate(form.plan):
        check_text(document, each.title, ("plan", at, "title"))
    patient = {
        name: Weight(line.points, f"together-{at}" if line.together else "")
        for at, line in enumerate(form.patient)
        for name in line.factors
    }
    return Weights(patient, tuple(map(tuple, form.once)), plan)


def _check_factors(document: Document, form: PointsForm, known: frozenset[str]) -> None:
    """Refuse a factor that does not exist, one that weighs twice, and one without a weight."""
    named: list[tuple[Loc, str]] = [
        (("patient", at, "factors"), name) for at, line in enumerate(form.patient) for name in line.factors
    ]
    once: list[tuple[Loc, str]] = [(("once", at), name) for at, line in enumerate(form.once) for name in line]
    for where, name in [*named, *once]:
        if name not in known:
            document.fault(where, f"no such risk factor: {name}", "use a name of definitions/risk_factors.yaml")
    counted = Counter(name for _, name in named)
    for name in sorted(known):
        if counted[name] != 1:
            what = f"{name} has no points" if not counted[name] else f"{name} has points twice"
            document.fault(("patient",), what, "name each factor of definitions/risk_factors.yaml once")


def compile_guards(document: Document, terms: Terms, states: frozenset[str]) -> tuple[Guard, ...]:
    """Make the guards over every line of advice."""
    form = check_form(document, GuardsForm, document.value)
    if form is None:
        return ()
    reader = ConditionReader(document, terms, states)
    for at, guard in enumerate(form.guards):
        _check_advice(document, guard.says, ("guards", at, "says"), states)
    return tuple(
        Guard(
            each.name,
            reader.read(each.when, ("guards", at, "when")),
            frozenset(each.instead_of),
            lines_of(each.says, terms),
            each.always,
        )
        for at, each in enumerate(form.guards)
    )


def lines_of(advice: Iterable[Advice], terms: Terms) -> tuple[GuardedLine, ...]:
    """Compile lines of advice."""
    return tuple(
        GuardedLine(
            each.text,
            frozenset(each.does),
            tuple(each.does),
            terms.states.get(each.only_if),
            terms.states.get(each.unless),
            None if is_template(each.text) else AdviceLine(each.text, tuple(each.does)),
        )
        for each in advice
    )


def compile_rule(document: Document, terms: Terms, states: frozenset[str], sources: dict[str, Source]) -> Rule | None:
    """Make a rule of one file of the library."""
    form = check_form(document, RuleForm, document.value)
    if form is None:
        return None
    reader = ConditionReader(document, terms, states)
    when = _asked(form.id, reader.read(form.when, ("when",)), "")
    raised = tuple(
        Higher(
            Tier.named(each.to),
            _asked(form.id, reader.read(each.when, ("raised", index, "when")), f"{each.to} when "),
        )
        for index, each in enumerate(form.raised)
    )
    check_evidence(document, reader.numbers, form.evidence, ("evidence",), sources)
    _check_words(document, form, states)
    return Rule(
        form.id,
        form,
        form.title.text,
        Tier.named(form.alert.tier),
        form.alert.because.text,
        when,
        tuple(sorted(raised, key=lambda each: each.tier, reverse=True)),
        cite(form.evidence, sources),
        lines_of(form.alert.advice, terms),
        cited=cited_by_language(form.evidence, sources),
    )


def _asked(rule: str, conditions: Iterable[ConditionTest], before: str) -> tuple[Asked, ...]:
    return tuple(
        Asked(
            each.needs,
            each.text,
            each,
            Step(rule, before + each.text, held=True),
            Step(rule, before + each.text, held=False),
        )
        for each in conditions
    )


def check_evidence(
    document: Document,
    numbers: Iterable[tuple[Loc, Decimal]],
    evidence: Iterable[Evidence],
    where: Loc,
    sources: dict[str, Source],
) -> None:
    """Refuse a number without a line of evidence, and a source that is not in sources.yaml."""
    supported: set[Decimal] = set()
    for index, line in enumerate(evidence):
        supported.update(line.numbers)
        if line.source not in sources:
            document.fault((*where, index, "source"), f"no such source: {line.source}", "add it to sources.yaml")
    for at, number in numbers:
        if number not in supported:
            document.fault(at, f"the number {number} has no evidence", f"add a line with numbers: [{number}]")


def _check_words(document: Document, form: RuleForm, states: frozenset[str]) -> None:
    check_text(document, form.title, ("title",))
    check_text(document, form.alert.because, ("alert", "because"))
    _check_advice(document, form.alert.advice, ("alert", "advice"), states)


def _check_advice(document: Document, advice: Iterable[Advice], where: Loc, states: frozenset[str]) -> None:
    for index, line in enumerate(advice):
        check_text(document, line, (*where, index))
        for key, name in (("only_if", line.only_if), ("unless", line.unless)):
            if name and name not in states:
                document.fault((*where, index, key), f"no such state: {name}", "use a name of definitions/states.yaml")


def check_text(document: Document, words: TextForm, where: Loc) -> None:
    """Refuse an unknown name in a template, and words that forbid a treatment."""
    for language, text in words.text.items():
        for name in names_in(text):
            if name not in FILLERS:
                document.fault((*where, language), f"no such name in a text: {{{name}}}", ", ".join(FILLERS))
        for phrase in _FORBIDDEN:
            if phrase in text.lower():
                document.fault((*where, language), f"a text never says {phrase!r}", "ask, or advise to discuss")


def compile_policy(
    document: Document,
    form: PolicyForm,
    terms: Terms,
    states: frozenset[str],
    sources: dict[str, Source],
    rules: Sequence[Rule],
    files: frozenset[str],
) -> Policy:
    """Make the policy; it may name only rules that exist: those of `files` too, whose own faults are reported there."""
    reader = ConditionReader(document, terms, states)
    priority = _priority(reader, form.priority, ("priority",))
    surveillance = _priority(reader, form.surveillance.priority, ("surveillance", "priority"))
    _check_lists(document, form, files | {rule.id for rule in rules})
    family_of = _families(document, form, rules)
    check_evidence(document, reader.numbers, form.evidence, ("evidence",), sources)
    check_text(document, form.escalation.because, ("escalation", "because"))
    _check_advice(document, form.checklist, ("checklist",), states)
    missing = _remarks(document, reader, form.missing, "missing")
    mitigating = _remarks(document, reader, form.mitigating, "mitigating")
    return Policy(
        form,
        priority,
        surveillance,
        family_of,
        cited_by_language(form.escalation.evidence, sources),
        missing,
        mitigating,
        {Tier.named(tier): Channel.named(name) for tier, name in form.choices.channels.items()},
        {rule: Channel.named(name) for rule, name in form.choices.rule_channels.items()},
        frozenset(form.quieter.rules)
        if form.quieter and form.choices.established_therapy == "quieter"
        else frozenset(),
        reader.read(form.quieter.when, ("quieter", "when")) if form.quieter else (),
        lines_of(form.escalation.advice, terms),
        lines_of(form.checklist, terms),
        _led_by(form, instead=False),
        _led_by(form, instead=True),
        {rule: place for place, rule in enumerate(form.first)},
    )


def _check_lists(document: Document, form: PolicyForm, rules: frozenset[str]) -> None:
    """Refuse a rule that does not exist, one that leads and is led, and a tier without a channel."""
    _check_names(document, form, rules)
    _check_exact(document, form)
    for tier in sorted(set(FOUND_TIERS) - form.choices.channels.keys()):
        document.fault(("choices", "channels"), f"{tier} has no channel", "add a line for it")


def _led_by(form: PolicyForm, *, instead: bool) -> dict[str, frozenset[str]]:
    """Return of each general rule the more exact ones that lead it, or that speak instead of it."""
    lines = [line for line in form.exact if line.instead or not instead]
    return {
        general: frozenset(rule for line in lines if general in line.lead for rule in line.rules)
        for general in {rule for line in lines for rule in line.lead}
    }


def _families(document: Document, form: PolicyForm, rules: Sequence[Rule]) -> dict[str, str]:
    """Return the family of each rule, named here or in the file of the rule."""
    family_of = {rule: family.name for family in form.families for rule in family.rules}
    names = {family.name for family in form.families}
    for rule in sorted(rules, key=lambda rule: rule.id):
        own = rule.form.family
        if own and own not in names:
            document.fault(
                ("families",), f"{rule.id} names an unknown family: {own}", f"one of {', '.join(sorted(names))}"
            )
        elif family_of.setdefault(rule.id, own) != own and own:
            document.fault(("families",), f"{rule.id} names {own}, and stands in {family_of[rule.id]}", "keep one")
        elif not family_of[rule.id]:
            document.fault(("families",), f"{rule.id} belongs to no family", "name one in the rule: family: …")
    return family_of


def _check_names(document: Document, form: PolicyForm, rules: frozenset[str]) -> None:
    """Refuse a policy that names a rule that does not exist; the escalation has a name of its own."""
    named = _rules_named(form.priority, ("priority",))
    named += _rules_named(form.surveillance.priority, ("surveillance", "priority"))
    named += [(("families", index, "rules"), rule) for index, each in enumerate(form.families) for rule in each.rules]
    for index, exact in enumerate(form.exact):
        named += [(("exact", index, "rules"), rule) for rule in exact.rules]
        named += [(("exact", index, "lead"), rule) for rule in exact.lead]
    own = form.escalation.id
    named += [(("first",), rule) for rule in form.first]
    named += [(("choices", "rule_channels", rule), rule) for rule in sorted(form.choices.rule_channels) if rule != own]
    named += [(("quieter", "rules"), rule) for rule in (form.quieter.rules if form.quieter else ()) if rule != own]
    for where, rule in named:
        if rule not in rules:
            document.fault(where, f"no such rule: {rule}")


def _check_exact(document: Document, form: PolicyForm) -> None:
    """Refuse a rule that leads and is led: who stands first would depend on the order of the lines."""
    led = {rule for line in form.exact for rule in line.lead}
    for index, line in enumerate(form.exact):
        for rule in sorted(led.intersection(line.rules)):
            document.fault(("exact", index, "rules"), f"{rule} leads, and is led", "let the most exact rule lead both")


def _priority(
    reader: ConditionReader, priority: Mapping[FoundTier, list[PriorityLine]], where: Loc
) -> dict[Tier, tuple[PriorityRule, ...]]:
    return {
        Tier.named(tier): tuple(
            PriorityRule(
                Priority.named(line.to),
                frozenset(line.fired),
                reader.read(line.when, (*where, tier, index, "when")),
                frozenset(Tier.named(name) for name in line.none_of_tier),
            )
            for index, line in enumerate(lines)
        )
        for tier, lines in priority.items()
    }


def _rules_named(priority: Mapping[FoundTier, list[PriorityLine]], where: Loc) -> list[tuple[Loc, str]]:
    return [
        ((*where, tier, index, "fired"), rule)
        for tier, lines in priority.items()
        for index, line in enumerate(lines)
        for rule in line.fired
    ]


def _remarks(
    document: Document, reader: ConditionReader, remarks: Iterable[RemarkForm], name: str
) -> tuple[Remark, ...]:
    found = []
    for index, remark in enumerate(remarks):
        check_text(document, remark.says, (name, index, "says"))
        found.append(Remark(reader.read(remark.when, (name, index, "when")), remark.says.text))
    return tuple(found)
