"""No advice that harms: every combination of what guards it, over every rule, contradicts nothing and proposes nothing
that is forbidden."""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import combinations, product

import pytest

from rules.assessment import AdviceLine, Assessment
from rules.evaluate import evaluate
from rules.examples import Example, build_case
from rules.facts import Case
from rules.knowledge import Knowledge, Rule
from rules.picture import Picture
from rules.terms import Guard
from tests.knowledge_folders import our_knowledge
from tests.rules.answers import cases_of

# What holds, the facts that say so, the acts that it forbids, and words that no line may then say in English.
GUARDS: dict[str, tuple[dict[str, str], frozenset[str], tuple[str, ...]]] = {
    "bleeding": (
        {"diagnosed": "K92.2, 2 days ago"},
        frozenset({"prophylaxis", "check-prophylaxis", "bridge", "anticoagulate", "correct-inr"}),
        ("prophylaxis, at least", "ridging", "orrect the INR", "treatment-dose"),
    ),
    "acute thrombosis": (
        {"diagnosed": "I26.9, 2 days ago"},
        frozenset({"confirm-history", "spread", "postpone", "prophylaxis"}),
        ("Confirm the history", "pread", "Split", "ostpone"),
    ),
    "Guillain-Barré": (
        {"indication": "G61.0"},
        frozenset({"hold", "postpone", "spread", "discuss-alternatives"}),
        ("old the", "old IVIg", "old until", "old further", "ostpone", "pread", "Split", "before release"),
    ),
    "HIT": (
        {"diagnosed": "ICD10CM D75.82, 3 days ago"},
        frozenset({"hold", "postpone", "spread", "lower-dose", "decide-now"}),
        ("old the", "old IVIg", "old until", "old further", "ostpone", "pread", "Split", "before release"),
    ),
    "heart failure": ({"diagnosed": "I50.9"}, frozenset({"hydrate"}), ("ydrate",)),
    "prophylaxis": ({"taking": "B01AB05, 40 mg"}, frozenset({"prophylaxis"}), ("Consider anticoagulant prophylaxis",)),
    "atrial fibrillation": ({"diagnosed": "I48.0"}, frozenset({"bridge"}), ("ridging",)),
    "a low INR": ({"taking": "B01AA03", "INR": "1.4"}, frozenset({"prophylaxis"}), ()),
    "tamoxifen": ({"taking": "L02BA01"}, frozenset(), ()),
}
# Other facts by which a guard holds: each forbids what the guard above forbids.
OTHER_FACTS: dict[str, tuple[str, dict[str, str]]] = {
    "few platelets": ("bleeding", {"platelets": "30"}),
    "a thrombosis today": ("acute thrombosis", {"diagnosed": "I80.2, 0 hours ago"}),
    "Kawasaki": ("Guillain-Barré", {"indication": "M30.3"}),
    "a myasthenic crisis": ("Guillain-Barré", {"diagnosed": '"myasthene crisis", 2 days ago'}),
    "ITP with a bleeding": ("Guillain-Barré", {"indication": "D69.3", "diagnosed": "K92.2, 2 days ago"}),
    "ITP with a nosebleed": ("Guillain-Barré", {"indication": "D69.3", "diagnosed": "R04.0, 2 days ago"}),
    "ITP with a bleeding in words of the order": ("Guillain-Barré", {"indication": '"ITP met slijmvliesbloeding"'}),
    "VITT as indication": ("HIT", {"indication": "ICD10CM D75.84"}),
    "dialysis": ("heart failure", {"diagnosed": "Z99.2"}),
    "an eGFR of 14": ("heart failure", {"eGFR": "14, 0 days ago"}),
    "melaena by ICD-10-CM": ("bleeding", {"diagnosed": "ICD10CM K92.1, 2 days ago"}),
    "haematemesis by ICPC": ("bleeding", {"diagnosed": "ICPC D14, 2 days ago"}),
    "a bleeding in Dutch": ("bleeding", {"diagnosed": '"maagbloeding", 2 days ago'}),
    "a bleeding in German": ("bleeding", {"diagnosed": '"obere GI-Blutung", 2 days ago'}),
    "a bleeding in French": ("bleeding", {"diagnosed": '"hémorragie digestive", 2 days ago'}),
    "a bleeding of the past by its words": ("bleeding", {"diagnosed": '"st.n. maagbloeding", 2 days ago'}),
    "a thrombosis in German": ("acute thrombosis", {"diagnosed": '"Lungenembolie bds.", 2 days ago'}),
    "a thrombosis in French": ("acute thrombosis", {"diagnosed": '"phlébite du mollet", 2 days ago'}),
    "Guillain-Barré in words": ("Guillain-Barré", {"diagnosed": '"syndrome de Guillain-Barré", 2 days ago'}),
    "a crisis in German": ("Guillain-Barré", {"diagnosed": '"myasthene Krise", 2 days ago'}),
    "HIT in German": ("HIT", {"diagnosed": '"heparininduzierte Thrombozytopenie Typ II", 3 days ago'}),
    "HIT in French": ("HIT", {"diagnosed": '"TIH de type 2", 3 days ago'}),
    "heart failure in Dutch": ("heart failure", {"diagnosed": '"decomp cordis"'}),
    "heart failure in German": ("heart failure", {"diagnosed": '"Linksherzinsuffizienz"'}),
    "dialysis in French": ("heart failure", {"diagnosed": '"hémodialyse"'}),
    "atrial fibrillation in French": ("atrial fibrillation", {"diagnosed": '"ACFA"'}),
    "tinzaparin by its brand": ("prophylaxis", {"taking": '"Innohep 4500 IE"'}),
    "fluindione": ("prophylaxis", {"taking": '"Previscan 20 mg"'}),
    "a DOAC at treatment dose": ("prophylaxis", {"taking": "B01AF02, 10 mg"}),
}
# Guards beside those above, each tried with every one of them rather than in every subset.
BESIDE: dict[str, tuple[dict[str, str], frozenset[str], tuple[str, ...]]] = {
    "a thrombosis of 40 days ago": (
        {"diagnosed": "I26.9, 40 days ago"},
        frozenset({"prophylaxis", "check-prophylaxis"}),
        ("Consider anticoagulant prophylaxis", "Prophylaxis is running"),
    ),
    "HIT of 40 days ago": (
        {"diagnosed": "ICD10CM D75.82, 40 days ago"},
        frozenset({"prophylaxis", "bridge"}),
        ("Consider anticoagulant prophylaxis", "ridging"),
    ),
    "ITP without a platelet count": (
        {"diagnosed": "D69.3"},
        frozenset({"prophylaxis"}),
        ("Consider anticoagulant prophylaxis",),
    ),
    "an anticoagulant on hold": (
        {"taking": "B01AF02, 10 mg, on hold since 1 days"},
        frozenset(),
        ("Consider anticoagulant prophylaxis",),
    ),
    "a dose that cannot be": ({"g/kg/day": "32"}, frozenset({"spread"}), ("pread", "Split")),
    "an infarction": (
        {"diagnosed": "I21.9, 1 days ago"},
        frozenset({"postpone", "spread"}),
        ("ostpone", "pread", "Split"),
    ),
    "a stroke in Guillain-Barré": (
        {"diagnosed": "G61.0, 5 days ago; I63.9, 2 days ago"},
        frozenset({"hold", "postpone", "spread", "discuss-alternatives", "give-without-delay"}),
        ("old the", "old IVIg", "old until", "old further", "ostpone", "pread", "Split", "do not delay"),
    ),
    "a bleeding that nobody dated": ({"diagnosed": "K92.2"}, *GUARDS["bleeding"][1:]),
    "Guillain-Barré that nobody dated": ({"diagnosed": "G61.0"}, *GUARDS["Guillain-Barré"][1:]),
    "a crisis that nobody dated": ({"diagnosed": '"myasthene crisis"'}, *GUARDS["Guillain-Barré"][1:]),
}
CONTRADICTIONS = (
    ({"hold", "postpone", "spread", "discuss-alternatives", "decide-now"}, {"give-without-delay"}),
    ({"hydrate"}, {"limit-fluid"}),
    ({"prophylaxis"}, {"check-prophylaxis", "anticoagulate", "mechanical-measures"}),
    ({"anticoagulate", "bridge", "anticoagulate-without-heparin"}, {"mechanical-measures"}),
    ({"anticoagulate"}, {"anticoagulate-without-heparin"}),
)
KNOWLEDGE = our_knowledge()
ASKED = replace(KNOWLEDGE, rules=tuple(replace(rule, chosen=True) for rule in KNOWLEDGE.rules))


def _telling(rule: Rule) -> list[Case]:
    """A case in which a rule fires, and one for every line of its advice that those before did not say."""
    cases, said = list[Case](), set[str]()
    for example, case in cases_of(rule):
        if example.tier == "none":
            continue
        found = evaluate(case, ASKED, rule.stream).findings
        new = {line["en"] for each in found if each.rule == rule.id for line in each.advice if not _filled(line)} - said
        if new or not cases:
            cases.append(case)
            said |= new
    return cases


def _filled(line: AdviceLine) -> bool:
    """Whether it names a number of the patient: the same line with another number is not told apart."""
    return re.search(r"\d", line["en"]) is not None


FIRED = [(case, rule) for rule in KNOWLEDGE.rules for case in _telling(rule)]
SUBSETS = [subset for size in range(len(GUARDS) + 1) for subset in combinations(GUARDS, size)]


@cache
def _added(subset: tuple[str, ...]) -> Case:
    cells: dict[str, str] = {}
    for name in subset:
        for column, cell in (OTHER_FACTS[name][1] if name in OTHER_FACTS else (GUARDS | BESIDE)[name][0]).items():
            cells[column] = f"{cells[column]}; {cell}" if column in cells else cell
    return build_case(Example("guards", cells, "none"))


def _with(case: Case, subset: tuple[str, ...]) -> Case:
    """The case of an example with the facts of these guards, and the indication if one names it."""
    added = _added(subset)
    order = replace(case.order, indications=added.order.indications or case.order.indications)
    if any("g/kg/day" in BESIDE[name][0] for name in subset if name in BESIDE):
        order = replace(
            order,
            grams_per_kg_per_day=added.order.grams_per_kg_per_day,
            grams_per_day=added.order.grams_per_day,
        )
    return replace(case, facts=(*case.facts, *added.facts), order=order)


def _acts(lines: Iterable[AdviceLine]) -> set[str]:
    return {act for line in lines for act in line.does}


def _check(found: Assessment, subset: tuple[str, ...]) -> None:
    acts = _acts(found.advice)
    for one, other in CONTRADICTIONS:
        assert not (acts & one and acts & other), (subset, acts & one, acts & other)
    for name in subset:
        _, forbidden, words = (GUARDS | BESIDE)[OTHER_FACTS[name][0] if name in OTHER_FACTS else name]
        assert not acts & forbidden, (subset, name, acts & forbidden)
        said = " ".join([found.text["en"].partition("Advice: ")[2], *(line["en"] for line in found.advice)])
        assert not [word for word in words if word in said], (subset, name, said)
        assert not any(_acts(each.advice) & forbidden for each in found.findings), (subset, name)


@pytest.mark.parametrize("rule", KNOWLEDGE.rules, ids=lambda rule: rule.id)
def test_no_combination_of_guards_contradicts_or_harms(rule: Rule) -> None:
    for subset, case in product(SUBSETS, [case for case, of in FIRED if of is rule]):
        found = evaluate(_with(case, subset), ASKED, rule.stream)

        assert found.now <= 3
        _check(found, subset)


@pytest.mark.parametrize("name", BESIDE)
def test_a_guard_beside_every_other_guard_and_rule_contradicts_and_harms_nothing(name: str) -> None:
    for case, rule in FIRED:
        for other in (*GUARDS, ""):
            subset = (other, name) if other else (name,)
            told = _with(case, subset)
            if name != "a stroke in Guillain-Barré" or not _is_treated_by_ivig(told):
                _check(evaluate(told, ASKED, rule.stream), subset)


def _is_treated_by_ivig(case: Case) -> bool:
    """Whether IVIg treats what the stroke comes from: VITT or HIT."""
    picture = Picture(case, KNOWLEDGE.terms)
    return picture.state(KNOWLEDGE.terms.states["antibody-thrombosis"]).held


@pytest.mark.parametrize("name", OTHER_FACTS)
def test_a_guard_holds_by_each_of_its_facts_beside_every_rule(name: str) -> None:
    for case, rule in FIRED:
        _check(evaluate(_with(case, (name,)), ASKED, rule.stream), (name,))


@pytest.mark.parametrize("guard", KNOWLEDGE.terms.guards, ids=lambda guard: guard.name)
def test_without_a_guard_some_rule_would_harm(guard: Guard) -> None:
    others = tuple(each for each in KNOWLEDGE.terms.guards if each is not guard)
    without = replace(ASKED, terms=replace(KNOWLEDGE.terms, guards=others))
    names = [(name,) for name in (*GUARDS, *BESIDE, *OTHER_FACTS)]

    assert any(_harms(without, subset) for subset in (*names, *combinations(GUARDS, 2)))


def _harms(knowledge: Knowledge, subset: tuple[str, ...]) -> bool:
    for case, rule in FIRED:
        try:
            _check(evaluate(_with(case, subset), knowledge, rule.stream), subset)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("name", [*GUARDS, ""])
def test_two_rules_together_contradict_nothing_under_any_guard(name: str) -> None:
    subset = (name,) if name else ()
    for (one, rule), (other, _) in combinations([each for each in FIRED if each[1].stream == "order"], 2):
        order = replace(one.order, indications=one.order.indications or other.order.indications)
        both = replace(one, facts=(*one.facts, *other.facts), order=order)

        _check(evaluate(_with(both, subset), ASKED, rule.stream), subset)


def test_no_line_of_any_rule_names_a_duration_of_anticoagulation_or_forbids_the_treatment() -> None:
    for rule in KNOWLEDGE.rules:
        for line in rule.form.alert.advice:
            for text in line.text.values():
                assert not re.search(r"at least a year|minstens een jaar|for life|levenslang|not give|niet geven", text)


def test_a_hormone_that_treats_cancer_is_not_asked_to_be_stopped(knowledge: Knowledge) -> None:
    for medicine in ("L02BA01", "G03XC01"):
        said = " ".join(line["en"] for line in answer(knowledge, taking=medicine).advice)

        assert "with the oncologist" in said
        assert "be stopped" not in said


def answer(knowledge: Knowledge, **cells: str) -> Assessment:
    return evaluate(
        build_case(Example("a case", {k.replace("_", " "): v for k, v in cells.items()}, "none")), knowledge
    )


def now(found: Assessment) -> list[str]:
    return [line["en"] for line in found.advice[: found.now]]


def test_the_first_line_follows_the_gravest_and_most_recent_fact(knowledge: Knowledge) -> None:
    found = answer(knowledge, diagnosed="I80.2, in 2012; I26.9, 40 days ago; C50.9")

    assert found.findings[0].rule == "IG-VTE-002"
    assert now(found)[0] == "Hold IVIg, or its next bottle, until discussed with the prescriber and haematologist."
    assert "Advice: Hold IVIg, or its next bottle" in found.text["en"]


def test_an_acute_thrombosis_holds_the_next_bottle_and_asks_for_treatment(knowledge: Knowledge) -> None:
    found = answer(knowledge, diagnosed="I80.2, in 2012; I26.9, 0 hours ago")

    assert now(found)[:2] == [
        "Hold IVIg, or its next bottle, until discussed with the prescriber and haematologist.",
        "Check that the patient is on treatment-dose anticoagulation.",
    ]


def test_where_ivig_treats_the_thrombosis_it_is_given_and_the_record_stays(knowledge: Knowledge) -> None:
    found = answer(knowledge, diagnosed="I80.2, 300 days ago; I67.6, 1 days ago", indication="ICD10CM D75.84")

    assert now(found)[:2] == [
        "In VITT or HIT IVIg is itself the treatment: give it without delay (0.5-1 g/kg a day for 2 days) "
        "and record this.",
        "Give an anticoagulant other than heparin alongside it.",
    ]
    assert found.tier.word == "contraindication"


def test_what_several_rules_advise_is_said_once(knowledge: Knowledge) -> None:
    found = answer(knowledge, diagnosed="I80.2; I25.2; E86", eGFR="40")

    said = [line for line in found.advice if "hydrate" in line.does]
    assert len(said) == 1
    assert len([line for line in found.advice if "prophylaxis" in line.does]) == 1
