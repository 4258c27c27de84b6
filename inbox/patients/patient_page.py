"""The page of one patient: the picture, every order with its answer, decisions, messages, and who looked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from clinical.conclusions import StoredConclusion, StoredStep
from clinical.words import ABOUT_ORDER, AFTER_INFUSION, Tier
from history.person import PersonHistory
from inbox.alerts.cards import Card
from inbox.alerts.inbox_page import cards_of
from inbox.alerts.reason import Reason, reason_of, title_of, told_findings
from inbox.http.api_requests import id_of
from inbox.http.notation import Notation
from inbox.http.pages import language_of, page, titles_of
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.http.words import Words
from inbox.patients.picture import ShownPicture, history_of, picture_of
from inbox.people.access import record
from inbox.people.permissions import Permission, needs
from inbox.rulebook.rule_page import ConditionSentence, say_all
from inbox.rulebook.rule_page import titles_of as names_in
from rules.knowledge import Knowledge
from store import alerts, merges, message_queries, patients
from store.access_log import LineFilter, WrittenLine, newest_lines
from store.alerts import AlertEvent, AlertFilter, list_alerts
from store.assessments import StoredAssessment, newest_of_orders
from store.message_queries import KeptMessage

MOST = 200  # orders, alerts and lines of the access log that are read
MESSAGES = 20
SILENT = (Tier.NONE.word, Tier.INFORMATION.word)
LOOKS = frozenset({"view_alert", "view_patient", "view_message", "view_report"})
DECIDED = frozenset({"acknowledged", "overridden", "covered", "follow_up", "followed_up", "reopened", "naranjo"})


@dataclass(frozen=True, slots=True)
class AnsweredOrder:
    """One IVIg order with its newest answer, and its alert where it raised one."""

    answer: StoredAssessment
    card: Card | None
    reason: Reason | None  # None where nothing speaks against the order
    is_quiet: bool  # what speaks against it is shown with the order, and reaches no list
    failed: tuple[tuple[str, str], ...]  # title of a rule that says nothing, and the first condition that failed

    @property
    def start(self) -> datetime | None:
        """When it starts."""
        start = self.answer.conclusion.order.start
        return datetime.fromisoformat(start) if start else None


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """Everything on record about one person, as it is shown in one language."""

    history: PersonHistory | None  # None when this release cannot read it
    numbers: list[tuple[str, str]]  # authority and value
    picture: ShownPicture
    orders: list[AnsweredOrder]
    answered: int  # orders in all
    cards: list[Card]
    decisions: list[AlertEvent]  # the newest first
    messages: list[KeptMessage]  # the newest first
    about: int  # messages in all
    lines: list[WrittenLine]  # of the access log, the newest first


@get("/patients/{patient_id:str}", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_patient(request: AnyRequest, patient_id: FromPath[str]) -> Template:
    """Show everything on record about one patient, by the number of a row, which says nothing about anybody."""
    found = record_of(request, id_of(patient_id), language_of(request))
    return page(
        request,
        "patient.html",
        shown=found.history.shown if found.history else {},
        numbers=found.numbers,
        picture=found.picture,
        orders=found.orders,
        answered=found.answered,
        waiting=sorted((card for card in found.cards if card.alert.is_pending), key=lambda card: card.rank),
        cases=[card for card in found.cards if card.alert.stream == AFTER_INFUSION],
        decisions=found.decisions[:MESSAGES],
        decided=len(found.decisions),
        messages=found.messages,
        about=found.about,
        looked=who_looked(found.lines),
        lines_read=len(found.lines) if len(found.lines) == MOST else 0,
    )


def record_of(request: AnyRequest, number: int, language: str) -> PatientRecord:
    """Return everything on record about the person behind a patient's row, and record that it was looked at."""
    parts = parts_of(request)
    now = parts.clock()
    with parts.engine.begin() as connection:
        if number not in patients.of_ids(connection, {number}):
            raise NotFoundException("there is no such patient")
        (person,) = merges.persons(connection, {number})
        found = list_alerts(connection, AlertFilter(patients=set(person.members)), None, MOST)
        answers, answered = newest_of_orders(connection, person.members, ABOUT_ORDER, MOST)
        lines = newest_lines(connection, LineFilter(patients=person.members), limit=MOST)
        history = history_of(connection, number)
        numbers = patients.numbers_of(connection, person.members)
        events = [event for each in found for event in alerts.events_of(connection, each.id)]
        about = message_queries.messages_about(connection, person.members)
        messages = [message_queries.find_message(connection, each) for each in reversed(about[-MESSAGES:])]
        record(connection, request.user, "view_patient", now, patients=[number], what=f"patient {number}")
    cards = cards_of(parts, found, language, now)
    return PatientRecord(
        history=history,
        numbers=sorted({(each.authority, each.value) for each in numbers}),
        picture=picture_of(history, parts, parts.notation(language), now),
        orders=orders_of(answers, cards, parts, language, now),
        answered=answered,
        cards=cards,
        decisions=sorted((each for each in events if each.kind in DECIDED), key=_newest, reverse=True),
        messages=[each for each in messages if each is not None],
        about=len(about),
        lines=lines,
    )


def orders_of(
    answers: Iterable[StoredAssessment], cards: Iterable[Card], parts: Parts, language: str, now: datetime
) -> list[AnsweredOrder]:
    """Return every order with its answer, the newest start first."""
    by_order = {card.alert.order_id: card for card in cards if card.alert.stream == ABOUT_ORDER}
    titles = titles_of(parts.knowledge, language)
    sentences = _sentences(parts.knowledge, parts.words[language])
    notation = parts.notation(language)
    rows = [
        AnsweredOrder(
            answer,
            by_order.get(answer.order_id),
            _reason(answer, notation, now),
            answer.tier not in SILENT and bool(answer.conclusion.findings) and not told_findings(answer.conclusion),
            _failed(answer.conclusion, titles, sentences),
        )
        for answer in answers
    ]
    return sorted(rows, key=lambda row: (row.start is not None, row.start and row.start.timestamp()), reverse=True)


def _reason(answer: StoredAssessment, notation: Notation, now: datetime) -> Reason | None:
    """Return what decides; of findings that reach no list the title of the gravest."""
    findings = answer.conclusion.findings
    if answer.tier in SILENT:
        return None
    if told_findings(answer.conclusion) or not findings:
        return reason_of(answer.conclusion, answer.tier, notation, now)
    lead = next((each for each in findings if each.tier == answer.tier), findings[0])
    return Reason(title_of(lead, notation.words.language), "", len(findings) - 1)


def _failed(
    conclusion: StoredConclusion, titles: Mapping[str, str], sentences: Mapping[tuple[str, str], str]
) -> tuple[tuple[str, str], ...]:
    """Return for each rule that does not speak the first condition that failed, by the title of the rule."""
    first: dict[str, StoredStep] = {}
    for step in conclusion.trace:
        if not step.held:
            first.setdefault(step.rule, step)
    for finding in conclusion.findings:  # of which no more than a higher tier failed
        first.pop(finding.rule, None)
    return tuple(
        (titles.get(step.rule, step.rule), _said(sentences.get((step.rule, step.condition), step.condition), step.saw))
        for step in first.values()
    )


def _said(condition: str, saw: str) -> str:
    return f"{condition} ({saw})" if saw else condition


def _sentences(knowledge: Knowledge, words: Words) -> dict[tuple[str, str], str]:
    """Return the conditions of every rule in words, by the rule and the condition as a trace writes it."""
    names = names_in(knowledge, words.language)
    return {
        (rule.id, asked.not_held.condition): _in_one_line(sentence)
        for rule in knowledge.rules
        for asked, sentence in zip(rule.when, say_all(rule.form.when, names, words), strict=True)
    }


def _in_one_line(sentence: ConditionSentence) -> str:
    return " ".join([sentence.words, "; ".join(_in_one_line(each) for each in sentence.parts)]).strip()


def who_looked(lines: Iterable[WrittenLine]) -> list[WrittenLine]:
    """Return who looked at the patient, each with the last time; the lines come newest first."""
    last: dict[str, WrittenLine] = {}
    for line in lines:
        if line.action in LOOKS:
            last.setdefault(line.actor, line)
    return list(last.values())


def _newest(event: AlertEvent) -> tuple[datetime, int]:
    return event.at, event.id
