"""What other resources state of a thrombosis: answers to questions, conclusions of reports, adverse events, reasons."""

from collections.abc import Iterator, Sequence

import msgspec

from clinical.codes import Coding
from clinical.events import Condition
from clinical.times import Moment
from parsers.chart.conditions import without_mark
from parsers.chart.questions import answer_in, asks_for_diagnosis, asks_for_thrombosis, is_about_family
from parsers.chart.reasons import lines_that_name_thrombosis
from parsers.fhir.chart import read_reasons, texts_of
from parsers.fhir.elements import Json, Resource, codings, first_moment, moment, part, placed, text, words
from parsers.hl7.identifiers import natural_key

_ANSWERING = ("valueBoolean", "valueCodeableConcept", "valueCoding", "valueString")
_ERROR = frozenset({"entered-in-error", "cancelled"})


def read_answered(resource: Resource) -> Iterator[Condition]:
    """Yield what an Observation answers: yes to "thrombosis in the past?", or a diagnosis for a value."""
    if resource.body.keys().isdisjoint(_ANSWERING):
        return  # a number, as most results are, answers no question
    concept = part(resource.body, "code")
    asked = codings(concept, resource.defaults)
    yield from _answered(resource, resource.body, "value", asked, words(concept), resource.path)


def read_questionnaire(resource: Resource) -> Iterator[Condition]:
    """Yield what the answers to a questionnaire say."""
    yield from _items(resource, resource.body, resource.path)


def _items(resource: Resource, element: Json, path: str, depth: int = 0) -> Iterator[Condition]:
    if depth > _DEEPEST:
        return
    for place, item in placed(element, "item"):
        for inside, answer in placed(item, "answer"):
            where = f"{path}.{place}.{inside}"
            yield from _answered(resource, answer, "value", (), text(item, "text"), where)
            yield from _items(resource, answer, where, depth + 1)
        yield from _items(resource, item, f"{path}.{place}", depth + 1)


def _answered(
    resource: Resource, element: Json, name: str, asked: Sequence[Coding], question: str, path: str
) -> Iterator[Condition]:
    boolean = element.get(f"{name}Boolean")
    value = part(element, f"{name}CodeableConcept") or {"coding": [part(element, f"{name}Coding")]}
    coded, wording = codings(value, resource.defaults), text(element, f"{name}String") or words(value)
    yes = boolean if isinstance(boolean, bool) else answer_in(*(each.code for each in coded), wording)
    if yes is not None:
        if asks_for_thrombosis(asked, question):
            asked_words = " ".join(question.replace("?", " ").split())
            yield _condition(resource, path, tuple(asked), asked_words, refuted=not yes, of_family=question)
        return
    if coded and asks_for_diagnosis(asked, question, coded):
        yield _condition(resource, path, coded, wording, of_family=question)
    elif wording and asks_for_diagnosis(asked, question, ()):
        for line in lines_that_name_thrombosis(wording):
            yield _condition(resource, path, (), line, of_family=question)


def read_report(resource: Resource) -> Iterator[Condition]:
    """Yield the conclusions of a report, coded and in words, and what its text says."""
    made, _ = first_moment(resource.body, "effective", resource.defaults)
    for place, concept in placed(resource.body, "conclusionCode"):
        coded, wording = codings(concept, resource.defaults), words(concept)
        if coded or wording:
            yield _condition(resource, resource.at(place), coded, wording, onset=made)
    written = [(resource.at("conclusion"), text(resource.body, "conclusion")), *texts_of(resource)]
    yield from _lines(resource, written, made)


def read_impression(resource: Resource) -> Iterator[Condition]:
    """Yield the findings of an assessment, and what its summary says."""
    made, _ = first_moment(resource.body, "effective", resource.defaults)
    for place, finding in placed(resource.body, "finding"):
        concept = part(finding, "itemCodeableConcept")
        coded, wording = codings(concept, resource.defaults), words(concept)
        if coded or wording:
            yield _condition(resource, resource.at(place), coded, wording, onset=made)
    yield from _lines(resource, [(resource.at("summary"), text(resource.body, "summary"))], None)


def read_adverse_event(resource: Resource) -> Iterator[Condition]:
    """Yield what happened to the patient; what might have happened is none."""
    concept = part(resource.body, "event")
    coded, wording = codings(concept, resource.defaults), words(concept)
    if (coded or wording) and text(resource.body, "actuality") != "potential":
        happened, _ = moment(resource.body, "date", resource.defaults)
        yield _condition(resource, resource.at("event"), coded, wording, onset=happened)


def read_noted(resource: Resource) -> Iterator[Condition]:
    """Yield what the notes of a resource say of a thrombosis."""
    notes = [(resource.at(place), text(note, "text")) for place, note in placed(resource.body, "note")]
    yield from _lines(resource, notes, None)


def read_stated_reasons(resource: Resource) -> Iterator[Condition]:
    """Yield why a patient came or a test was asked for, with the notes."""
    yield from read_reasons(resource)
    yield from read_noted(resource)


def _lines(resource: Resource, written: Sequence[tuple[str, str]], onset: Moment | None) -> Iterator[Condition]:
    for path, wording in written:
        for line in lines_that_name_thrombosis(wording):
            yield _condition(resource, path, (), line, onset=onset)


def _condition(
    resource: Resource,
    path: str,
    coded: tuple[Coding, ...],
    wording: str,
    *,
    refuted: bool = False,
    of_family: str = "",
    onset: Moment | None = None,
) -> Condition:
    bare, marked = without_mark(coded)
    deleted = text(resource.body, "status") in _ERROR
    own = f"{resource.name or resource.path}/{path}/{natural_key('stated', bare, wording, '')}"
    stated = Condition(
        patient=resource.patient,
        path=path,
        flags=("from_narrative",) if not coded else ("stated_as_answer",),
        key=own,
        category="diagnosis" if coded else "problem",
        action="delete" if deleted else "assert",
        codings=bare,
        text=wording,
        certainty=marked or "confirmed",
        onset=onset,
    )
    if refuted:
        return msgspec.structs.replace(stated, certainty="refuted")
    return msgspec.structs.replace(stated, certainty="family") if is_about_family(of_family) else stated


_DEEPEST = 8
