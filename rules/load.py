"""The knowledge read from its files: every fault at once, each with its file and line, or a Knowledge to judge with."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any

from clinical.codes import Coding
from rules.codes import Codes
from rules.compiling import check_evidence, compile_guards, compile_points, compile_policy, compile_rule, compile_state
from rules.errors import KnowledgeFaults
from rules.form_check import check_form, check_forms
from rules.forms import (
    AnticoagulationForm,
    Form,
    LanguageForm,
    Measurement,
    Phrases,
    PolicyForm,
    RatesForm,
    RecognitionForm,
    Source,
    SteroidForm,
    ValueSetForm,
    WeightForm,
)
from rules.free_text import FreeText
from rules.inspection import (
    inspect_codes,
    inspect_cues,
    inspect_each_cue,
    inspect_numbers,
    inspect_rules,
    inspect_states,
)
from rules.knowledge import Knowledge, Rule
from rules.naranjo import Naranjo
from rules.patterns import Language
from rules.spelling import Spelling
from rules.terms import Terms
from rules.yaml_lines import Document, Loc, read_document

POLICY, STATES = "policy.yaml", "definitions/states.yaml"
AT_RISK = "at-risk"
SCIG_RULE = "IG-VTE-027"


# The choices that are numbers in a state: the state, and the path of the number.
_LIMITS = {
    "at_risk_from": (AT_RISK, frozenset({"at_least_patient_points"})),
    "moderate_from_points": ("moderate-by-points", frozenset({"at_least_points"})),
    "high_from_points": ("high-by-points", frozenset({"at_least_points"})),
}

HERE = Path(__file__).parent
POINTS = "definitions/points.yaml"
WORDS = "words"  # one file for each language that the texts of rules are written in
_SINGLE: dict[str, type[Form]] = {
    "anticoagulation": AnticoagulationForm,
    "steroids": SteroidForm,
    "rates": RatesForm,
    "weight": WeightForm,
    "recognition": RecognitionForm,
}


@dataclass(slots=True)
class Files:
    """Every knowledge file as it was read, by its path below the knowledge folder."""

    documents: dict[str, Document]
    content: bytes = b""  # what the version is a hash of

    def below(self, folder: str) -> list[Document]:
        """Return the documents of one folder, by name."""
        return [document for name, document in sorted(self.documents.items()) if name.startswith(f"{folder}/")]


def read_files(directory: Path | None = None) -> Files:
    """Read every YAML file of the knowledge, without judging it."""
    root = directory or HERE
    paths = sorted([*root.glob("*.yaml"), *root.glob("*/*.yaml")])
    documents, digest = {}, hashlib.sha256()
    for path in paths:
        name = path.relative_to(root).as_posix()
        documents[name] = read_document(path, name)
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return Files(_in_languages(documents), digest.digest())


def _in_languages(documents: dict[str, Document]) -> dict[str, Document]:
    """Add our word files to a folder without its own, and give every document the list of languages."""
    if not any(name.startswith(f"{WORDS}/") for name in documents):
        ours = sorted((HERE / WORDS).glob("*.yaml"))
        documents = documents | {f"{WORDS}/{path.name}": read_document(path, f"{WORDS}/{path.name}") for path in ours}
    languages = tuple(Path(name).stem for name in sorted(documents) if name.startswith(f"{WORDS}/"))
    return {name: replace(document, languages=languages) for name, document in documents.items()}


def load_knowledge(
    directory: Path | None = None,
    local: Mapping[str, Iterable[Coding]] | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> Knowledge:
    """Load the knowledge, with a site's own codes in the value sets and its choices, or raise KnowledgeFaults."""
    return build(read_files(directory), local or {}, chosen or {})


def build(
    read: Files, local: Mapping[str, Iterable[Coding]] | None = None, chosen: Mapping[str, Any] | None = None
) -> Knowledge:
    """Check and compile what was read."""
    _require(read)
    files = Files(with_choices(read.documents, chosen or {}), read.content + _chosen_bytes(chosen or {}))
    sources = check_forms(files.documents["sources.yaml"], Source)
    terms = _terms(files, local or {})
    inspect_numbers([files.documents[f"definitions/{name}.yaml"] for name in _SINGLE], sources)
    states = _compile_states(files, terms, sources)
    terms = _compile_points(files, terms, states, sources)
    terms = _compile_guards(files, terms, states)
    rules = _compile_rules(files, terms, states, sources)
    inspect_rules(files.below("library"), rules)
    policy_document = files.documents["policy.yaml"]
    policy_form = check_form(policy_document, PolicyForm, policy_document.value)
    policy = None
    if policy_form is not None:
        names = frozenset(PurePath(document.file).stem.upper() for document in files.below("library"))
        policy = compile_policy(policy_document, policy_form, terms, states, sources, rules, names)
    naranjo = _naranjo(files, sources)
    _stop_at_faults(files)
    assert policy is not None
    assert naranjo is not None
    version = f"{policy.form.number}.{hashlib.sha256(files.content + _local_bytes(local)).hexdigest()[:8]}"
    asked = only_chosen(rules, policy.form.choices.scig_prior_vte)
    return Knowledge(version, terms, tuple(asked), policy, naranjo)


def _naranjo(files: Files, sources: dict[str, Source]) -> Naranjo | None:
    document = files.documents["naranjo.yaml"]
    form = check_form(document, Naranjo, document.value)
    if form is not None:
        limits: list[tuple[Loc, Decimal]] = [
            (("bands", index, "at_least"), Decimal(band.at_least))
            for index, band in enumerate(form.bands)
            if band.at_least is not None
        ]
        check_evidence(document, limits, form.evidence, ("evidence",), sources)
    return form


def _local_bytes(local: Mapping[str, Iterable[Coding]] | None) -> bytes:
    lines = sorted(f"{name} {each.system} {each.code}" for name, codings in (local or {}).items() for each in codings)
    return "\n".join(lines).encode()


def _chosen_bytes(chosen: Mapping[str, Any]) -> bytes:
    return "".join(f"{name}: {_in_order(chosen[name])}\n" for name in sorted(chosen)).encode()


def _in_order(value: Any) -> Any:
    return sorted(value.items()) if isinstance(value, dict) else value


def _require(files: Files) -> None:
    wanted = ["sources.yaml", "policy.yaml", "naranjo.yaml"]
    wanted += [
        f"definitions/{name}.yaml" for name in [*_SINGLE, "measurements", "states", "risk_factors", "points", "guards"]
    ]
    for name in wanted:
        if name not in files.documents:
            missing = files.documents.setdefault(name, Document(name, value={}))
            missing.fault((), "this file is missing", "restore it")
    _stop_at_faults(files)


def _stop_at_faults(files: Files) -> None:
    faults = [fault for document in files.documents.values() for fault in document.faults]
    if faults:
        raise KnowledgeFaults(faults)


def _terms(files: Files, local: Mapping[str, Iterable[Coding]]) -> Terms:
    documents = {name: files.documents[f"definitions/{name}.yaml"] for name in _SINGLE}
    singles = {name: check_form(documents[name], form, documents[name].value) for name, form in _SINGLE.items()}
    sets = {
        Path(document.file).stem: form
        for document in files.below("value_sets")
        if (form := check_form(document, ValueSetForm, document.value)) is not None
    }
    measurements = check_forms(files.documents["definitions/measurements.yaml"], Measurement)
    written = [(document, check_form(document, Phrases, document.value)) for document in files.below(WORDS)]
    inspect_codes(files.below("value_sets"))
    _stop_at_faults(files)
    recognition = singles["recognition"]
    assert isinstance(recognition, RecognitionForm)
    codes = Codes(sets, _aliases(recognition))
    for name, codings in local.items():
        codes.add_local(name, codings)
    words = _words(files, codes, recognition)
    phrases = {Path(document.file).stem: form for document, form in written if form is not None}
    return Terms(codes, words, measurements, phrases, **singles)  # type: ignore[arg-type]  # each form stands under its name


def _words(files: Files, codes: Codes, recognition: RecognitionForm) -> FreeText:
    documents = files.below("cues")
    forms = [check_form(document, LanguageForm, document.value) for document in documents]
    inspect_cues(documents)
    _stop_at_faults(files)
    languages: list[dict[str, Any]] = [form.model_dump(by_alias=True) for form in forms if form is not None]
    not_meant = [pattern for language in languages for pattern in language.pop("not_meant")]
    languages += _of_this_release(languages)
    cues = recognition.cues.model_copy(update={"not_meant": not_meant})
    spelling = Spelling(recognition.often_mistyped)
    try:
        return FreeText(codes, languages, spelling, cues, recognition)
    except re.error:
        inspect_each_cue(documents)
        _stop_at_faults(files)
        raise


def _of_this_release(languages: Sequence[Language]) -> list[dict[str, Any]]:
    """Return our words of the kinds that no cue file of a folder has: it was copied from an earlier release."""
    absent = [kind for kind in languages[0] if not any(language[kind] for language in languages)] if languages else []
    if not absent:
        return []
    ours = (read_document(path, path.name).value for path in sorted((HERE / "cues").glob("*.yaml")))
    return [{kind: language.get(kind, []) for kind in absent} for language in ours]


def _aliases(recognition: RecognitionForm) -> dict[str, str]:
    return {alias: ours for ours, aliases in recognition.systems.items() for alias in aliases}


def _compile_states(files: Files, terms: Terms, sources: dict[str, Source]) -> frozenset[str]:
    document = files.documents["definitions/states.yaml"]
    names = frozenset(document.value or ())
    for each, kept in (
        (document, terms.states),
        (files.documents["definitions/risk_factors.yaml"], terms.risk_factors),
    ):
        for name in each.value or ():
            state = compile_state(each, str(name), terms, names, sources)
            if state is not None:
                kept[name] = state
    inspect_states(document)
    return names


def _compile_points(files: Files, terms: Terms, states: frozenset[str], sources: dict[str, Source]) -> Terms:
    document = files.documents[POINTS]
    inspect_numbers([document], sources)
    weights = compile_points(document, terms, states)
    return terms if weights is None else replace(terms, points=weights)


def _compile_guards(files: Files, terms: Terms, states: frozenset[str]) -> Terms:
    return replace(terms, guards=compile_guards(files.documents["definitions/guards.yaml"], terms, states))


def _compile_rules(files: Files, terms: Terms, states: frozenset[str], sources: dict[str, Source]) -> list[Rule]:
    compiled = (compile_rule(document, terms, states, sources) for document in files.below("library"))
    return [rule for rule in compiled if rule is not None]


def with_choices(documents: Mapping[str, Document], chosen: Mapping[str, Any]) -> dict[str, Document]:
    """Return the documents with the hospital's choices, and the policy's where it has none."""
    policy = documents[POLICY]
    if not isinstance(policy.value, dict) or not isinstance(policy.value.get("choices"), dict):
        return dict(documents)  # the form reports what is wrong
    choices = _together(policy.value["choices"], chosen)
    changed = {POLICY: replace(policy, value={**policy.value, "choices": choices})}
    states = documents[STATES]
    for name, (state, words) in _LIMITS.items():
        number = choices.get(name)
        if isinstance(number, int | Decimal) and number >= 1 and isinstance(states.value.get(state), dict):
            states = _with_limit(states, state, words, Decimal(number))
    if isinstance(choices.get("at_risk_from"), int | Decimal) and choices["at_risk_from"] > 1:
        states = _with_always(states, choices.get("at_risk_always") or [])
    return {**documents, **changed, STATES: states}


def _together(said: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the policy's choices with the hospital's, which may set some channels only."""
    told = dict(said)
    for name, value in chosen.items():
        before = told.get(name)
        told[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return told


def _with_limit(states: Document, name: str, words: frozenset[str], limit: Decimal) -> Document:
    """Replace the number of a state by the hospital's."""
    state = states.value[name]
    evidence = [{**line, "numbers": [*line.get("numbers", ()), limit]} for line in state.get("evidence", ())]
    value = {**state, "any": _limited(state.get("any"), words, limit), "evidence": evidence}
    return replace(states, value={**states.value, name: value})


def _limited(conditions: Any, words: frozenset[str], limit: Decimal) -> Any:
    if isinstance(conditions, list):
        return [_limited(each, words, limit) for each in conditions]
    if isinstance(conditions, dict):
        return {key: limit if key in words else _limited(each, words, limit) for key, each in conditions.items()}
    return conditions


def _with_always(states: Document, always: list[Any]) -> Document:
    """Raise the points from which a patient is at risk; factors that count by themselves still do."""
    state = states.value[AT_RISK]
    value = {**state, "any": [*state["any"], *always]}
    return replace(states, value={**states.value, AT_RISK: value})


def only_chosen(rules: list[Rule], scig_prior_vte: str) -> list[Rule]:
    """Return the rules; an optional rule that the hospital did not choose is not evaluated."""
    return [replace(rule, chosen=rule.id != SCIG_RULE or scig_prior_vte != "off") for rule in rules]
