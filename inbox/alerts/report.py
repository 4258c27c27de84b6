"""The report of a possible adverse reaction: the fields that a national centre asks for, without who the patient is.

The fields follow ICH E2B(R3) in substance; their numbers stand beside them.
"""

from datetime import UTC, date, datetime

import msgspec

from clinical.conclusions import (
    StoredCase,
    StoredConclusion,
    StoredFact,
    StoredOrder,
    StoredPatient,
    StoredReaction,
)
from clinical.words import in_language
from inbox.alerts.causality import Causality
from inbox.http.words import Words
from store.alerts import ConcludedAlert

_AGE_GROUPS = ((2, "infant"), (12, "child"), (18, "adolescent"), (65, "adult"))  # D.2.3, below so many years


class Reaction(msgspec.Struct, frozen=True, kw_only=True):
    """What happened (E.i)."""

    term: str
    code: str
    system: str
    onset: str | None
    precision: str
    hours_after_last_dose: int | None
    outcome: str  # unknown: the reporter fills it in


class ReportedDose(msgspec.Struct, frozen=True, kw_only=True):
    """One dose of the suspected medicine (G.k.4.r)."""

    at: str | None
    until: str | None
    grams: tuple[float, float] | None
    grams_per_hour: tuple[float, float] | None
    given: bool  # false: planned, and not reported as given
    lots: list[str]
    manufacturer: str


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """The suspected medicine (G.k)."""

    product: str
    route: str
    lots: list[str]
    dose_g: tuple[float, float] | None
    dose_g_per_kg: tuple[float, float] | None
    course_g_per_kg: tuple[float, float] | None
    rate_g_per_h: tuple[float, float] | None
    doses: list[ReportedDose]
    next_dose: str | None


class ReportedMedicine(msgspec.Struct, frozen=True, kw_only=True):
    """What else was in use, as far as it is recorded here (G.k, concomitant)."""

    name: str
    code: str
    system: str
    per_day: str
    since: str | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One Naranjo question, in the language that was asked for."""

    number: int
    question: str
    reply: str
    points: int
    prefilled: str
    because: str


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """How likely the medicine caused it (G.k.9.i.2.r); a pre-fill until somebody confirmed it."""

    method: str
    score: int
    band: str
    lowest: int
    highest: int
    open: list[int]
    confirmed_by: str | None
    confirmed_at: datetime | None
    note: str
    answers: list[Answer]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One case as it stands now."""

    case: str  # C.1.1
    made_at: datetime  # C.1.2
    first_known_at: datetime  # C.1.4
    age_group: str | None  # D.2.3
    sex: str  # D.5
    weight_kg: str | None  # D.3
    died: bool  # D.9: the patient has died since; the reporter fills in the cause
    reactions: list[Reaction]
    suspect: Suspect
    medicines: list[ReportedMedicine]
    causality: Assessed
    narrative: str  # H.1
    missing: list[str]
    knowledge: str


def report_of(
    row: ConcludedAlert, case: StoredCase, causality: Causality, words: Words, site: str, now: datetime
) -> Report:
    """Make the report of one alert in the language of `words`."""
    conclusion, language = row.conclusion, words.language
    order, patient = conclusion.order, conclusion.patient
    died = "deceased" in row.badges
    onset = next((event.at for event in case.events), None)
    return Report(
        case=f"{site}-{row.id}",
        made_at=now,
        first_known_at=row.opened_at,
        age_group=age_group(patient.birth_date, onset),
        sex=patient.sex,
        weight_kg=order.weight_kg,
        died=died,
        reactions=[_reaction(event) for event in case.events],
        suspect=_suspect(case, order),
        medicines=[_medicine(each) for each in case.medicines],
        causality=_assessed(causality, language),
        narrative=_narrative(conclusion, case, words, died=died),
        missing=_missing(case, patient, words),
        knowledge=row.knowledge,
    )


def age_group(born: str | None, onset: str | None) -> str | None:
    """Return the age group of E2B at the event; None when it is unknown."""
    if not born or not onset:
        return None
    try:
        birth = date.fromisoformat(born[:10])
    except ValueError:
        return None
    on = datetime.fromisoformat(onset).astimezone(UTC).date()
    if (on - birth).days < 28:
        return "neonate"
    years = on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
    return next((name for below, name in _AGE_GROUPS if years < below), "elderly")


def _reaction(event: StoredReaction) -> Reaction:
    return Reaction(
        term=event.display or event.code,
        code=event.code,
        system=event.system,
        onset=event.at,
        precision=event.precision,
        hours_after_last_dose=event.hours_after,
        outcome="unknown",
    )


def _suspect(case: StoredCase, order: StoredOrder) -> Suspect:
    quantities = {name: getattr(order, name) for name in ("dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h")}
    names = {"product": order.product, "route": order.route, "lots": case.lots, "next_dose": case.next_dose}
    return msgspec.convert(names | quantities | {"doses": msgspec.to_builtins(case.doses)}, Suspect)


def _medicine(fact: StoredFact) -> ReportedMedicine:
    per_day = f"{fact.value} {fact.unit}".strip()
    name = fact.display or fact.code
    return ReportedMedicine(name=name, code=fact.code, system=fact.system, per_day=per_day, since=fact.at)


def _assessed(causality: Causality, language: str) -> Assessed:
    score = causality.score
    return Assessed(
        method="Naranjo",
        score=score.score,
        band=score.band,
        lowest=score.lowest,
        highest=score.highest,
        open=list(score.open),
        confirmed_by=causality.by or None,
        confirmed_at=causality.at,
        note=causality.note,
        answers=[
            Answer(
                number=each.number,
                question=in_language(each.question, language),
                reply=each.reply,
                points=each.points,
                prefilled=each.prefilled,
                because=in_language(each.because, language),
            )
            for each in causality.questions
        ],
    )


def _narrative(conclusion: StoredConclusion, case: StoredCase, words: Words, *, died: bool) -> str:
    """Return what was found, in the words of the rules; a pharmacist adds what only people know."""
    language = words.language
    parts = [in_language(finding.because, language) for finding in conclusion.findings]
    doses = [dose for dose in case.doses if dose.given]
    sentence = f"report.told.doses.{'one' if len(doses) == 1 else 'many'}"
    parts.append(words(sentence, number=len(doses), product=conclusion.order.product or words("unknown")))
    if case.next_dose:
        parts.append(words("report.told.next"))
    if died:
        parts.append(words("report.told.died"))
    return " ".join(parts)


def _missing(case: StoredCase, patient: StoredPatient, words: Words) -> list[str]:
    lacking = [name for name in ("lots", "medicines") if not getattr(case, name)]
    if not any(dose.given for dose in case.doses):
        lacking.append("given")
    lacking += [name for name in ("birth_date", "sex") if not getattr(patient, name)]
    return [words(f"report.missing.{name}") for name in lacking]
