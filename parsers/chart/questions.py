"""History sent as an answer: a diagnosis as the value of an OBX, or a yes to "thrombosis in the past?"."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

from clinical.codes import Coding
from clinical.events import Certainty, Condition, Header
from clinical.identities import Identifier
from clinical.times import Moment
from parsers.chart.condition_words import THROMBOSIS
from parsers.chart.patients import event_time
from parsers.chart.reasons import names_thrombosis
from parsers.defaults import Defaults
from parsers.hl7.codes import read_coded, read_codings, read_words
from parsers.hl7.identifiers import joined, natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment

_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_NUMBERS = frozenset({"NM", "SN"})
_NUMBERS_THAT_ANSWER = frozenset({"0", "1"})
_IN_WORDS = frozenset({"ST", "TX", "FT", "IS", "ID", ""})
_ANSWERS = _CODED | _NUMBERS | _IN_WORDS
_DELETED = frozenset({"D", "W"})  # OBX-11
_DIAGNOSES = frozenset({"ICD10", "ICD10CM", "ICD9", "ICPC", "GS40", "DHD"})  # systems that hold little else
_OF_HISTORY = frozenset({"11348-0", "8677-7", "10164-2", "11329-0"})  # LOINC: past illness, history of …
_OF_DIAGNOSIS = frozenset(
    {"11450-4", "29308-4", "52797-8", "46241-6", "42347-5", "8651-2", "75326-9", "52534-5", "78375-3", "18630-4"}
)  # LOINC: problem list, diagnosis on admission, at discharge, encounter, primary
_HISTORY = re.compile(
    r"histor|voorgeschied|anamnes|vorgeschicht|vorerkrank|ant[ée]c[ée]dent|previous|prior|eerder|doorgemaakt|\bvg\b"
    r"|past (?:medical|illness)|\bpmh\b|\bhx\b|storia|zustand nach|tidigare|tidligere|aiem",
    re.IGNORECASE,
)
_DIAGNOSIS = re.compile(
    r"diagno|problem|probleem|contra-?\s?ind|kontraind|comorbid|aandoening|ziekte|erkrankung|maladie|condition"
    r"|risk factor|risicofactor",
    re.IGNORECASE,
)
_FAMILY_QUESTION = re.compile(
    r"famil|\b(?:vader|moeder|broer|zus|father|mother|brother|sister|parent|sibling|vater|mutter|p[èe]re|m[èe]re)",
    re.IGNORECASE,
)
_YES_WORDS = (
    "Y YES J JA 1 TRUE T WAAR O OUI S SI SÍ SIM TAK ANO IGEN KYLLÄ KYLLA JOO EVET DA X + POS POSITIVE POSITIEF POSITIV"
    " PRESENT AANWEZIG VORHANDEN 373066001 LA33-6 52101004 ДА ТАК ΝΑΙ JAH TAIP はい 是 有 예 네 نعم כן"
)
_NO_WORDS = (
    "N NO NEE NEEN NEIN NON NÃO NAO NIE NE NEM EI HAYIR 0 FALSE F - NEG NEGATIVE NEGATIEF NEGATIV ABSENT AFWEZIG GEEN"
    " NONE 373067005 LA32-8 НЕТ НЕ НІ ΟΧΙ いいえ 否 无 無 아니오 아니요 لا לא"
)
_YES, _NO = frozenset(_YES_WORDS.split()), frozenset(_NO_WORDS.split())
_LONGEST_QUESTION = 120
_FIRST_WORD = re.compile(r"(\w{2,})\s*(?:[,;:.(-]|(?:19|20)\d\d)")  # "ja, in 2018", "yes 2018"; not "no longer"
_JUST_NOW = timedelta(days=1)


def read_answers(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[Condition]:
    """Yield every diagnosis of one patient that is the value of an OBX, or its question with yes or no for a value."""
    at = event_time(message, defaults)
    for obx in segments:
        if obx.name != "OBX" or (obx.raw(2) in _NUMBERS and not _is_yes_or_no(obx)):  # first, because most OBX end here
            continue
        kind = obx.text(2).strip().upper()
        if kind in _ANSWERS and obx.raw(5) and obx.raw(3) and not obx.is_null(5):
            yield from _read(obx, kind, patient, header, at, defaults)


def _is_yes_or_no(obx: Segment) -> bool:
    """Whether a number is 1 or 0 for a question about the past, and no measurement."""
    return obx.raw(5) in _NUMBERS_THAT_ANSWER and _HISTORY.search(obx.whole(3)) is not None


def _read(
    obx: Segment, kind: str, patient: tuple[Identifier, ...], header: Header, at: datetime | None, defaults: Defaults
) -> Iterator[Condition]:
    answer = _answer(obx)
    if answer is not None:
        question, asked = read_coded(obx, 3, defaults)
        words = " ".join(asked.replace("?", " ").split())  # the question is answered: the question mark is no doubt
        if len(words) <= _LONGEST_QUESTION and (THROMBOSIS.search(words) or any(map(names_thrombosis, question))):
            yield from _answered(obx, question, words, answer, patient, header, at, defaults)
    elif kind in _CODED:
        yield from _values(obx, patient, header, at, defaults)


def _answer(obx: Segment) -> bool | None:
    """Yes or no, as a code or in a word; None for anything else."""
    for component in (1,) if obx.plain(5) else (1, 2):
        said = obx.text(5, component).strip().upper().rstrip(".")
        if said in _YES:
            return True
        if said in _NO:
            return False
    first = _FIRST_WORD.match(obx.text(5).strip().upper())
    return None if first is None else True if first[1] in _YES else False if first[1] in _NO else None


def _action(obx: Segment) -> Literal["assert", "delete"]:
    """What OBX-11 asks for: an answer that was given in error is taken back."""
    return "delete" if obx.text(11).strip() in _DELETED else "assert"


def _answered(
    obx: Segment,
    question: tuple[Coding, ...],
    words: str,
    yes: bool,
    patient: tuple[Identifier, ...],
    header: Header,
    at: datetime | None,
    defaults: Defaults,
) -> Iterator[Condition]:
    """Yield the question as a diagnosis; a question about prevention, a risk or a service yields none."""
    of_family: Certainty = "family" if _FAMILY_QUESTION.search(words) else "confirmed"
    yield Condition(
        patient=patient,
        path=obx.path(5),
        at=at,
        flags=("stated_as_answer",),
        key=natural_key("answer", question, words, ""),
        category="diagnosis",
        action=_action(obx),
        codings=question,
        text=words,
        certainty=of_family if yes else "refuted",
        onset=_onset(obx, words, header, defaults),
    )


def _values(
    obx: Segment, patient: tuple[Identifier, ...], header: Header, at: datetime | None, defaults: Defaults
) -> Iterator[Condition]:
    """Yield each code of the value, where the question asks for a diagnosis or its system holds little else."""
    question, words = read_coded(obx, 3, defaults)
    asks = any(each.code in _OF_HISTORY | _OF_DIAGNOSIS for each in question)
    asks = asks or bool(_HISTORY.search(words) or _DIAGNOSIS.search(words))
    for repetition in range(1, obx.repetitions(5) + 1):
        codings = read_codings(obx, 5, defaults, repetition)
        said = read_words(obx, 5, repetition)
        is_diagnosis = asks or any(coding.system in _DIAGNOSES for coding in codings)
        if not is_diagnosis or not (codings or said):
            continue
        is_of_family = bool(_FAMILY_QUESTION.search(words))
        yield Condition(
            patient=patient,
            path=obx.path(5),
            at=at,
            flags=("stated_as_answer",),
            key=natural_key("answer", codings, joined(words, said), obx.text(14)),
            category="diagnosis",
            action=_action(obx),
            codings=codings,
            text=said,
            certainty="family" if is_of_family else "confirmed",
            onset=_onset(obx, words, header, defaults, question),
        )


def _onset(
    obx: Segment, words: str, header: Header, defaults: Defaults, question: Sequence[Coding] = ()
) -> Moment | None:
    """OBX-14, unless what is of the past was only written down then."""
    observed = moment(obx.text(14), defaults.zone)
    is_history = bool(_HISTORY.search(words)) or any(each.code in _OF_HISTORY for each in question)
    if observed is None or not is_history:
        return observed
    told = header.sent_at
    return None if told is not None and observed.at > told.at - _JUST_NOW else observed
