"""The Naranjo questions of one alert: what the record answered, what a pharmacist said of it, and the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clinical.conclusions import StoredFact
from clinical.words import AFTER_INFUSION
from inbox.alerts.remarks import NARANJO
from rules.naranjo import REPLIES, Naranjo, Score, score_of
from store.alerts import AlertEvent, ConcludedAlert


@dataclass(frozen=True, slots=True)
class Question:
    """One question, its answer now, and what the record said."""

    number: int
    question: Mapping[str, str]
    reply: str
    points: int
    prefilled: str
    because: Mapping[str, str]
    facts: Sequence[StoredFact]
    scores: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Causality:
    """All ten, what they come to, and who confirmed them when; nobody yet when `by` is empty."""

    questions: tuple[Question, ...]
    score: Score
    by: str
    at: datetime | None
    note: str
    outdated: bool  # the case changed after they were confirmed


def causality_of(row: ConcludedAlert, events: Sequence[AlertEvent], form: Naranjo) -> Causality | None:
    """Return the questions of an alert as they stand; None for an alert about an order."""
    case = row.conclusion.case
    if row.stream != AFTER_INFUSION or not case or not case.naranjo:
        return None
    confirmed = next((event for event in reversed(events) if event.kind == NARANJO), None)
    before = {each.number: each for each in case.naranjo}
    confirmed_replies = {
        int(number): reply for number, reply in (confirmed.data["replies"].items() if confirmed else ())
    }
    replies = {number: confirmed_replies.get(number, each.reply) for number, each in before.items()}
    questions = tuple(
        Question(
            number=item.number,
            question=dict(item.question.text),
            reply=replies.get(item.number, "unknown"),
            points=item.score(replies.get(item.number, "unknown")),
            prefilled=before[item.number].reply if item.number in before else "unknown",
            because=before[item.number].because if item.number in before else dict(item.open.text),
            facts=before[item.number].facts if item.number in before else (),
            scores={reply: item.score(reply) for reply in REPLIES},
        )
        for item in form.items
    )
    return Causality(
        questions,
        score_of(form, replies),
        confirmed.actor if confirmed else "",
        confirmed.at if confirmed else None,
        (confirmed.note or "") if confirmed else "",
        outdated=bool(confirmed and confirmed.assessment_id != row.assessment_id),
    )
