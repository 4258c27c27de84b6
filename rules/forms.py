"""The forms of the knowledge files, which a pharmacist fills in."""

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from clinical.words import FALLBACK, FoundChannel, FoundPriority, FoundTier, Stream, Text

Conditions = list[dict[str, Any]]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise PydanticCustomError("no_pattern", "not a pattern: {error}", {"error": str(error)}) from None
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class Form(BaseModel):
    """A part of a file; an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TextForm(Form):
    """The same words in every language that has a file in `words/`; each key but those of a subclass is a language."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Annotated[str, Field(min_length=1)]]

    @cached_property
    def text(self) -> Text:
        """The words by language."""
        return Text(self.__pydantic_extra__)

    @model_validator(mode="after")
    def _is_complete(self, info: ValidationInfo) -> Self:
        """Refuse a missing language and an unknown key."""
        spoken: Collection[str] = (info.context or {}).get("languages", ())
        written = self.__pydantic_extra__.keys()
        for language in written - spoken if spoken else ():
            known = ", ".join([*spoken, *type(self).model_fields])
            raise PydanticCustomError("no_language", "unknown key {key}", {"key": repr(language), "known": known})
        missing = [language for language in spoken if language not in written]
        if missing or not written:
            raise PydanticCustomError("no_words", "no words in {missing}", {"missing": ", ".join(missing) or "any"})
        return self


class StatusPhrases(Form):
    """How well a patient is protected, in words."""

    therapeutic: str
    subtherapeutic: str
    unknown: str
    prophylactic: str
    none: str
    on_hold: str
    not_taken: str
    missed: str


class Phrases(Form):
    """One file of `words/`: what the texts of every rule need in one language, and how it writes numbers and dates.

    `month` and `day` are written with {day}, {month} (two digits), {name} (of `months`) and {year}.
    """

    decimal: str = Field(min_length=1, max_length=1)
    months: list[str] = Field(default=[], max_length=12)
    month: str
    day: str
    also: str
    one_finding: str
    findings: str
    in_favour: str
    missing: str
    advice: str
    unknown: str
    undated: str
    odd_date: str
    a_day: str
    same_day: str
    one_day_after: str
    days_after: str
    as_reaction_to: str
    no_weight: str
    old_weight: str
    odd_weight: str
    no_dose: str
    unknown_product: str
    protection: StatusPhrases


class CodeLine(Form):
    """One code of a value set."""

    system: str
    code: str
    match: Literal["exact", "prefix", "range", "is-a", "regex"]
    display: str
    source: str
    checked: bool
    brand: str = ""
    site: Literal["lungs", "brain", "abdomen", "limbs", "unspecific"] | None = None
    note: str = ""


class ValueSetForm(Form):
    """One file of `value_sets/`."""

    title: TextForm
    purpose: str
    codes: list[CodeLine] = Field(min_length=1)
    excludes: list[CodeLine] = []


class Evidence(Form):
    """Where a statement and its numbers come from."""

    supports: str
    says: str | TextForm  # English where it is in one language
    source: str
    numbers: list[Decimal] = []

    @property
    def text(self) -> Text:
        """What it says, by language."""
        return self.says.text if isinstance(self.says, TextForm) else Text({FALLBACK: self.says})


class Source(Form):
    """One paper, label or decision that evidence names."""

    author: str = ""
    title: str | TextForm
    year: int | None = None
    where: str | TextForm = ""  # journal and pages, or the address


Act = Literal[
    "give-without-delay", "decide-now", "hold", "postpone", "discuss-alternatives", "consult",
    "anticoagulate", "anticoagulate-without-heparin", "prophylaxis", "check-prophylaxis", "bridge", "correct-inr",
    "mechanical-measures", "spread", "lower-dose", "slow-rate", "limit-rate", "hydrate", "limit-fluid",
    "confirm-history", "ask", "measure", "stop-medicine", "assess", "watch", "inform-patient", "review",
    "record", "report",
]  # fmt: skip  # what a line of advice does; rules/README.md tells each


class Advice(TextForm):
    """One thing to do, and which acts that is; `only_if` and `unless` name a definition."""

    does: list[Act] = Field(min_length=1)
    only_if: str = ""
    unless: str = ""


class GuardForm(Form):
    """Acts that are not advised while its conditions hold, and the replacement."""

    name: str
    when: Conditions = Field(min_length=1)
    instead_of: list[Act] = Field(min_length=1)
    says: list[Advice] = []
    always: bool = False  # shown also when no line was left out


class GuardsForm(Form):
    """`definitions/guards.yaml`."""

    guards: list[GuardForm]


class AlertForm(Form):
    """What a rule says when all its conditions hold."""

    tier: FoundTier
    because: TextForm
    advice: list[Advice] = Field(min_length=1)


class Raise(Form):
    """The same alert, higher, when these conditions hold as well."""

    to: FoundTier
    when: Conditions = Field(min_length=1)


class Change(Form):
    """One version of a rule: what is different about it since the one before."""

    version: int = Field(ge=1)
    on: date
    what: str = Field(min_length=1)
    who: str = Field(min_length=1)


class Upkeep(Form):
    """Who keeps a rule, when it is looked at again, and what was changed, the newest first."""

    owner: str
    version: int = Field(ge=1)
    reviewed: date
    review_by: date
    history: list[Change] = Field(min_length=1)


class RuleForm(Form):
    """One file of `library/`; the order of the sections is the order here."""

    id: str = Field(pattern=r"^IG-(VTE|DATA|PV)-\d{3}$")
    title: TextForm
    status: Literal["draft", "trial", "live", "retired"]
    stream: Stream = "order"
    family: str = ""  # a family of policy.yaml, unless that names the rule itself
    when: Conditions = Field(min_length=1)
    alert: AlertForm
    raised: list[Raise] = []
    evidence: list[Evidence] = Field(min_length=1)
    examples: str
    upkeep: Upkeep


class DefinitionForm(Form):
    """A named state of the patient, which holds when any of these conditions holds."""

    title: TextForm
    any: Conditions = Field(min_length=1)
    evidence: list[Evidence] = []


class WeightLine(Form):
    """Risk factors with the same points: each by itself, or once for all of them."""

    points: int = Field(ge=0)
    together: bool = False
    factors: list[str] = Field(min_length=1)


class PlanWeight(Form):
    """The points of a property of the plan; of a group the first line that holds counts."""

    name: str
    group: str
    points: int = Field(ge=0)
    title: TextForm
    when: Conditions = Field(min_length=1)


class PointsForm(Form):
    """`definitions/points.yaml`."""

    patient: list[WeightLine]
    once: list[list[str]] = []
    plan: list[PlanWeight]
    evidence: list[Evidence]


class Measurement(Form):
    """A measurement: its value set, its unit, and the conversion from other units."""

    title: TextForm
    set: str
    unit: str
    units: dict[str, Decimal]


class VitaminK(Form):
    """When a vitamin K antagonist counts as treatment."""

    set: str
    measurement: str
    protects_from: Decimal
    within_days_inpatient: Decimal
    within_days_outpatient: Decimal


class AnticoagulantForm(Form):
    """The daily dose from which an anticoagulant counts as treatment."""

    set: str
    title: str
    treatment_from: Decimal
    unit: Literal["mg", "IU"]
    per_kg: bool = False


class AnticoagulationForm(Form):
    """`definitions/anticoagulation.yaml`."""

    vitamin_k: VitaminK
    medicines: list[AnticoagulantForm]
    groups: list[str]
    unnamed: list[str]
    antiplatelet: list[str]
    units: dict[str, dict[str, Decimal]]
    evidence: list[Evidence]


class SteroidForm(Form):
    """`definitions/steroids.yaml`: how many mg of prednisone one mg is worth."""

    set: str
    prednisone_mg: dict[str, Decimal]
    evidence: list[Evidence]


class ProductRate(Form):
    """The highest label rate of one brand, in mg/kg/min."""

    brand: str
    maximum: Decimal
    indications: dict[str, Decimal] = {}
    at_risk: Decimal | None = None


class RatesForm(Form):
    """`definitions/rates.yaml`."""

    fallback: Decimal
    at_risk: Decimal
    conservative: Decimal
    products: list[ProductRate]
    evidence: list[Evidence]


class WeightForm(Form):
    """`definitions/weight.yaml`: how long a weight counts, and the adjusted weight."""

    within_days_inpatient: Decimal
    within_days_outpatient: Decimal
    plausible_kg: tuple[Decimal, Decimal]
    plausible_adult_from_kg: Decimal
    adult_from_years: int
    ideal_male_kg: Decimal
    ideal_female_kg: Decimal
    ideal_from_cm: Decimal
    ideal_per_cm: Decimal
    adjusted_share: Decimal
    evidence: list[Evidence]

    def allows(self, kg: Decimal, age: int | None) -> bool:
        """Return whether somebody of this age can weigh that."""
        lightest, heaviest = self.plausible_kg
        is_adult = age is not None and age >= self.adult_from_years
        return (self.plausible_adult_from_kg if is_adult else lightest) <= kg <= heaviest


class Cues(Form):
    """Words of a text or a result that are matched as a whole."""

    past: list[str]
    active: list[str] = []
    active_denied: list[str] = []
    over: list[str] = []
    over_denied: list[str] = []
    over_before: list[str] = []
    over_after: list[str] = []
    over_headed: list[str] = []
    now: list[str] = []
    treated: list[str] = []
    treated_before: list[str] = []
    lasting: list[str] = []
    seldom_over: list[str] = []
    not_meant: list[str] = []
    positive: list[str]
    negative: list[str]


class LanguageForm(Form):
    """One file of `cues/`: the words of a language that say what is meant by a disease a sentence names."""

    denies: list[str] = []
    denies_all: list[str] = []
    excludes: list[str] = []
    not_: list[str] = Field(default=[], alias="not")
    denied: list[str] = []
    denied_of: list[str] = []
    denied_by: list[str] = []
    no: list[str] = []
    open: list[str] = []
    suspects: list[str] = []
    suspected: list[str] = []
    confirms: list[str] = []
    settles: list[str] = []
    treated_as: list[str] = []
    past: list[str] = []
    resets: list[str] = []
    again: list[str] = []
    signs: list[str] = []
    symptoms: list[str] = []
    about_before: list[str] = []
    about_after: list[str] = []
    relatives: list[str] = []
    not_relatives: list[str] = []
    patient_too: list[str] = []
    own_yes: list[str] = []
    relative_had: list[str] = []
    unrelated: list[str] = []
    bystanders: list[str] = []
    patient: list[str] = []
    contrasts: list[str] = []
    or_: list[str] = Field(default=[], alias="or")
    and_: list[str] = Field(default=[], alias="and")
    causes: list[str] = []
    answers: list[str] = []
    accompanied: list[str] = []
    small: list[str] = []
    sides: list[str] = []
    at: list[str] = []
    articles: list[str] = []
    yes: list[str] = []
    links: list[str] = []
    became: list[str] = []
    since: list[str] = []
    afterwards: list[str] = []
    points_back: list[str] = []
    doubted: list[str] = []
    methods: list[str] = []
    prepositions: list[str] = []
    subordinates: list[str] = []
    abbreviations: list[str] = []
    not_meant: list[str] = []
    topics: list[str] = []
    talks: list[str] = []
    warns: list[str] = []
    affirms: list[str] = []
    wrong: list[str] = []
    wrong_of: list[str] = []
    unmade: list[str] = []
    turns: list[str] = []
    points: list[str] = []
    instead: list[str] = []
    besides: list[str] = []
    acted_on: list[str] = []
    tests: list[str] = []
    awaits: list[str] = []
    looks_for: list[str] = []
    checks_on: list[str] = []
    weighs: list[str] = []
    reports: list[str] = []
    unsure: list[str] = []
    criteria: list[str] = []
    amends: list[str] = []
    cites: list[str] = []
    enquires: list[str] = []
    had_one: list[str] = []
    bears_out: list[str] = []
    partly: list[str] = []
    misquotes: list[str] = []
    reads_as: list[str] = []
    corrects: list[str] = []
    presumes: list[str] = []
    claims: list[str] = []
    yes_words: list[str] = []
    no_words: list[str] = []
    never_words: list[str] = []
    yes_initials: list[str] = []
    no_initials: list[str] = []
    boxed_yes: list[str] = []
    boxed_unknown: list[str] = []
    field_answers: list[str] = []
    asks: list[str] = []
    replies: list[str] = []
    after_words: list[str] = []
    determiners: list[str] = []
    as_cause: list[str] = []
    years: list[str] = []
    ago: list[str] = []
    in_year: list[str] = []
    little: list[str] = []
    procedures: list[str] = []
    joins: list[str] = []
    joins_nothing: list[str] = []
    lung_names: list[str] = []
    either_names: list[str] = []
    vein_examined: list[str] = []
    ultrasound: list[str] = []
    limbs: list[str] = []
    lungs_examined: list[str] = []
    chest_examined: list[str] = []


class SitesForm(Form):
    """How words say where a thrombosis is, that there is one, that there is none, and that it is another one."""

    words: dict[Literal["lungs", "brain", "abdomen", "limbs"], list[Pattern]] = {}
    unspecific: list[Pattern] = []
    denies: list[Pattern] = []
    recurs: list[Pattern] = []
    recurrent_codes: dict[str, list[str]] = {}


class RecognitionForm(Form):
    """`definitions/recognition.yaml`."""

    systems: dict[str, list[str]]
    spoken: dict[Literal["product", "diagnosis"], list[str]]
    placeholders: list[str]
    unresolved_from_g: Decimal
    past_of: dict[str, str]
    over_of: dict[str, str] = {}
    recent_years: int = 0
    dated_by_words: list[str] = []
    beside_indications: list[str] = []
    with_tenor: list[str] = []
    imaging: list[str] = []
    hidden_by: dict[str, list[str]]
    often_mistyped: list[str]
    sites: SitesForm = SitesForm()  # none in a folder written before there were any
    cues: Cues
    evidence: list[Evidence]


class Family(Form):
    """Rules about the same subject, so that one dose is not counted twice."""

    name: str
    rules: list[str]


class PriorityLine(Form):
    """One way to a priority; the first that fits is taken."""

    to: FoundPriority
    fired: list[str] = Field(default_factory=list)
    when: Conditions = Field(default_factory=list)
    none_of_tier: list[FoundTier] = Field(default_factory=list)


class Escalation(Form):
    """Several moderate signals together."""

    id: str
    title: TextForm
    because: TextForm
    advice: list[Advice]
    of_tier: FoundTier
    rules: int
    families: int
    to: FoundTier
    version: int
    evidence: list[Evidence]


class RemarkForm(Form):
    """Words that are added when these conditions hold."""

    when: Conditions = Field(min_length=1)
    says: TextForm


class Surveillance(Form):
    """How soon a pharmacist should look at an event after infusion."""

    priority: dict[FoundTier, list[PriorityLine]]


def _off(value: Any) -> Any:
    """YAML reads the word off as no."""
    return "off" if value is False else value


class Choices(Form):
    """The choices of a hospital."""

    at_risk_from: int = Field(ge=1, le=6)
    at_risk_always: Conditions
    moderate_from_points: int = Field(ge=1, le=9)
    high_from_points: int = Field(ge=1, le=20)
    channels: dict[FoundTier, FoundChannel]
    rule_channels: dict[str, FoundChannel] = Field(default_factory=dict)
    established_therapy: Literal["quieter", "as-others"] = "as-others"  # as in a folder written before it was a choice
    scig_prior_vte: Annotated[Literal["off", "information"], BeforeValidator(_off)]


class Quieter(Form):
    """Rules whose findings are one channel quieter when these conditions hold."""

    when: Conditions = Field(min_length=1)
    rules: list[str]


class ExactLine(Form):
    """Rules that name an event more exactly than others, and lead them within a tier."""

    rules: list[str] = Field(min_length=1)
    lead: list[str] = Field(min_length=1)
    instead: bool = False  # the others leave out the diagnoses that these name


class PolicyForm(Form):
    """`policy.yaml`: how findings become one tier, one priority and one text."""

    number: int
    choices: Choices
    quieter: Quieter | None = None
    priority: dict[FoundTier, list[PriorityLine]]
    surveillance: Surveillance
    exact: list[ExactLine] = Field(default_factory=list)  # none in a folder written before there were any
    first: list[str] = Field(default_factory=list)
    families: list[Family]
    escalation: Escalation
    missing: list[RemarkForm]
    mitigating: list[RemarkForm]
    checklist_from: FoundTier
    checklist: list[Advice]
    evidence: list[Evidence] = Field(default_factory=list)
