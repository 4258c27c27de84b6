"""History sent as an answer: a diagnosis as the value of an OBX, or a yes, a date or a number for "thrombosis?"."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from clinical.codes import Coding
from clinical.events import Certainty, Condition, Header
from clinical.identities import Identifier
from clinical.times import Moment
from parsers.chart.condition_words import THROMBOSIS
from parsers.chart.patients import event_time
from parsers.chart.reasons import action_of, condition_in_words, lines_that_name_thrombosis, names_thrombosis
from parsers.defaults import Defaults
from parsers.hl7.codes import read_coded, read_codings, read_words
from parsers.hl7.identifiers import joined, natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment

_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_NUMBERS = frozenset({"NM", "SN"})
_NUMBERS_THAT_ANSWER = frozenset({"0", "1"})
_DATES = frozenset({"DT", "TS", "DTM"})
_IN_WORDS = frozenset({"ST", "TX", "FT", "IS", "ID", ""})
_ANSWERS = _CODED | _NUMBERS | _IN_WORDS | _DATES
# `Date of last DVT`, `Number of thromboses`: a day, a year or a count answers it; not that of an examination.
_ASKS_WHEN = re.compile(
    r"\bdat(?:e|um|a|o)\b|\bdat[eu]m?\w*|\bwhen\b|wanneer|\bwann\b|\bjaar\b|\byear\b|\bjahr\b|ann[ée]e"
    r"|a[ñn]o\b|fecha|quand|laatste|last"
    r"|most recent|letzte|derni[eè]re?|[úu]ltim|ultim|onset|begin",
    re.IGNORECASE,
)
_ASKS_HOW_MANY = re.compile(
    r"aantal|number|how many|hoeveel|count\b|anzahl|wie ?viele|nombre|combien|n[úu]mero|cu[áa]nt|quanti"
    r"|quant[ao]s|\bantal|\bantall"
    r"|lukum|liczba|po[čc]et|количеств|число|回数|次数|횟수",
    re.IGNORECASE,
)
_OF_AN_ACT = re.compile(
    r"onderzo|echo|duplex|ultras|sonogr|\bct\b|\bmri?\b|imaging|beeldvorm|scan|\btest|consult|control"
    r"|start|stop|behandel|treatm"
    r"|therap|medicat|vaccin|inject|spuit|afspraak|appoint|verslag|report",
    re.IGNORECASE,
)
_DIAGNOSES = frozenset({"ICD10", "ICD10CM", "ICD9", "ICPC", "GS40", "DHD"})  # systems that hold little else
_OF_HISTORY = frozenset({"11348-0", "8677-7", "10164-2", "11329-0"})  # LOINC: past illness, history of …
_OF_DIAGNOSIS = frozenset(
    {"11450-4", "29308-4", "52797-8", "46241-6", "42347-5", "8651-2", "75326-9", "52534-5", "78375-3", "18630-4"}
)  # LOINC: problem list, diagnosis on admission, at discharge, encounter, primary
_HISTORY = re.compile(
    r"histor|voorgeschied|anamnes|vorgeschicht|vorerkrank|ant[ée]c[ée]dent|previous|prior(?!it)|eerder"
    r"|doorgemaakt|\bvg\b"
    r"|\bever\b|\booit\b|\bjemals\b|既往|病歴|病史|병력|анамнез|αναμνησ|ιστορικ|wywiad|öykü|öz ?geçmiş|istoric"
    r"|in het verleden|vroeger|in the past|past (?:medical|illness)"
    r"|\bpmh\b|\bhx\b|storia|zustand nach|tidigare|tidligere|aiem",
    re.IGNORECASE,
)
_DIAGNOSIS = re.compile(
    r"diagno|problem|probleem|contra-?\s?ind|kontraind|comorbid|aandoening|ziekte|erkrankung|maladie|condition"
    r"|risk ?factor|risicofactor|risikofaktor|facteurs? de risque",
    re.IGNORECASE,
)
_FAMILY_QUESTION = re.compile(
    r"famil|\b(?:vader|moeder|broer|zus|father|mother|brother|sister|parent|sibling|vater|mutter|p[èe]re|m[èe]re)",
    re.IGNORECASE,
)
_YES_WORDS = (
    "CONFIRMED BEVESTIGD BESTÄTIGT CHECKED AANGEVINKT TICKED SELECTED ✓ ✔ ☑ ☒ あり 有り 있음 유 ++ +++ "
    "Y YES J JA 1 TRUE T WAAR O OUI S SI SÍ SIM TAK ANO IGEN KYLLÄ KYLLA JOO EVET DA X + POS POSITIVE POSITIEF POSITIV"
    " PRESENT AANWEZIG VORHANDEN 373066001 LA33-6 52101004 ДА ТАК ΝΑΙ JAH TAIP はい 是 有 예 네 نعم כן"
)
_NO_WORDS = (
    "なし 無し 没有 없음 무 UNCHECKED ☐ NEVER NOOIT JAMAIS NUNCA MAI ALDRIG "
    "N NO NEE NEEN NEIN NON NÃO NAO NIE NE NEM EI HAYIR 0 FALSE F - NEG NEGATIVE NEGATIEF NEGATIV ABSENT AFWEZIG GEEN"
    " NONE 373067005 LA32-8 НЕТ НЕ НІ ΟΧΙ いいえ 否 无 無 아니오 아니요 لا לא"
)
# A question about care, material or advice, not about what the patient had; `VTE risk: previous DVT?` asks for that.
_OF_CARE = re.compile(
    r"uitgelegd|uitleg|besproken|voorlicht|educat|explain|informed|instruct|folder|pomp|pump|kous"
    r"|stocking|strumpf|device"
    r"|protocol|polikliniek|dienst|clinic\b|score|screen|risico(?!fact)|risk(?! ?factor)|assessment|beleid|policy"
    r"|profyla|prophyla|prevent|aufgeklärt|toestemming|consent",
    re.IGNORECASE,
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
    asked: Segment | None = None  # a question that stands in a value of its own
    for obx in segments:
        if obx.name != "OBX" or (obx.raw(2) in _NUMBERS and not _may_answer(obx)):  # first, because most OBX end here
            continue
        if asked is not None and obx.raw(4) and obx.raw(4) == asked.raw(4) and (answer := _answer(obx)) is not None:
            words = " ".join(asked.whole(5).replace("?", " ").split())
            yield from _answered(obx, (), words, answer, patient, header, at, defaults)
        asked = obx if _is_question(obx) else None
        kind = obx.text(2).strip().upper()
        if kind in _ANSWERS and obx.raw(5) and obx.raw(3) and not obx.is_null(5):
            yield from _read(obx, kind, patient, header, at, defaults)


def _is_question(obx: Segment) -> bool:
    """Whether the value is the question, and the answer follows under the same sub-id."""
    return obx.raw(5)[-1:] == "?" and asks_for_thrombosis((), obx.whole(5))


def _may_answer(obx: Segment) -> bool:
    """Whether a number is 1 or 0 for a question about the past, or how many thromboses there were, or in which year."""
    asked = obx.raw(3)
    if obx.raw(5) in _NUMBERS_THAT_ANSWER and _HISTORY.search(asked):
        return True
    return _asks_for_a_number(asked)


@lru_cache(maxsize=1024)  # a laboratory sends the same hundred tests all day
def _asks_for_a_number(asked: str) -> bool:
    return bool(THROMBOSIS.search(asked) and (_ASKS_HOW_MANY.search(asked) or _ASKS_WHEN.search(asked)))


def _read(
    obx: Segment, kind: str, patient: tuple[Identifier, ...], header: Header, at: datetime | None, defaults: Defaults
) -> Iterator[Condition]:
    if kind in _DATES | _NUMBERS or obx.raw(5)[:1].isdecimal():
        result = _told_by_number(obx, kind, patient, header, at, defaults)
        if result is not None:
            yield result
            return
    answer = None if kind in _DATES else _answer(obx)
    if answer is not None:
        question, asked = read_coded(obx, 3, defaults)
        words = " ".join(asked.replace("?", " ").split())  # the question is answered: the question mark is not a doubt
        if asks_for_thrombosis(question, words):
            yield from _answered(obx, question, words, answer, patient, header, at, defaults)
    elif kind in _CODED:
        yield from _values(obx, patient, header, at, defaults)
    elif kind in _IN_WORDS:
        yield from _named(obx, patient, header, at, defaults)


def _told_by_number(
    obx: Segment, kind: str, patient: tuple[Identifier, ...], header: Header, at: datetime | None, defaults: Defaults
) -> Condition | None:
    """Return the thrombosis that a day, a year or a number of them tells of; none of them is a denial."""
    question, words = read_coded(obx, 3, defaults)
    if not asks_for_thrombosis(question, words) or _OF_AN_ACT.search(words):
        return None
    value = obx.text(5).strip()
    when = _YEAR.fullmatch(value) or kind in _DATES or (_ASKS_WHEN.search(words) and _A_DAY.match(value))
    onset = None
    if when and (kind in _DATES or _ASKS_WHEN.search(words)):
        onset = moment(value, defaults.zone) or moment(value[-4:], defaults.zone)  # of `3-1-2018` the year is sure
    is_count = onset is None and _ASKS_HOW_MANY.search(words) is not None and _COUNT.fullmatch(value) is not None
    if onset is None and not is_count:
        return None
    return Condition(
        patient=patient,
        path=obx.path(5),
        at=at,
        flags=("stated_as_answer",),
        key=natural_key("answer", question, words, value if onset is not None else ""),
        category="diagnosis",
        action=action_of(obx),
        codings=question,
        text=words,
        certainty="family" if is_about_family(words) else "refuted" if is_count and not int(value) else "confirmed",
        onset=onset if onset is not None else _onset(obx, words, header, defaults),
    )


_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_A_DAY = re.compile(r"(?:19|20)[0-9]{2}[-/.]?[0-9]{2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:19|20)[0-9]{2}")
_COUNT = re.compile(r"[0-9]{1,2}")


def _named(
    obx: Segment, patient: tuple[Identifier, ...], header: Header, at: datetime | None, defaults: Defaults
) -> Iterator[Condition]:
    """Yield what a value in words names, where the question asks for what the patient had: `risk factors: DVT`."""
    lines = lines_that_name_thrombosis(obx.whole(5)) if len(obx.raw(5)) <= _LONGEST_QUESTION else []
    if not lines:
        return
    question, words = read_coded(obx, 3, defaults)
    if any(each.system == "LOINC" for each in question) or not (
        asks_for_thrombosis(question, words) or asks_for_diagnosis(question, words, ())
    ):
        return
    for line in lines:
        yield condition_in_words(
            line,
            patient,
            obx.path(5),
            at,
            action=action_of(obx),
            certainty="family" if is_about_family(words) else "confirmed",
            onset=_onset(obx, words, header, defaults, question),
        )


def _answer(obx: Segment) -> bool | None:
    """Yes or no, as a code or in a word; None for anything else."""
    return answer_in(*(obx.text(5, component) for component in ((1,) if obx.plain(5) else (1, 2))))


def answer_in(*values: str) -> bool | None:
    """Return yes or no, as a code or in a word or as the first word of more; None for anything else."""
    written = [each.strip().upper().rstrip(".!") for each in values if each.strip()]
    for said in written:
        if said in _YES:
            return True
        if said in _NO:
            return False
    for said in written:
        first = _FIRST_WORD.match(said)
        if first is not None and first[1] in _YES | _NO:
            return first[1] in _YES
    return None


def asks_for_thrombosis(question: Sequence[Coding], words: str) -> bool:
    """Return whether a question is whether the patient had a thrombosis."""
    if len(words) > _LONGEST_QUESTION or (_OF_CARE.search(words) and not _HISTORY.search(words)):
        return False
    return bool(THROMBOSIS.search(words)) or any(map(names_thrombosis, question))


def asks_for_diagnosis(question: Sequence[Coding], words: str, answer: Sequence[Coding]) -> bool:
    """Return whether a question asks for what a patient has or had, or the answer is a code of diagnoses."""
    if any(each.code in _OF_HISTORY | _OF_DIAGNOSIS for each in question) or _HISTORY.search(words):
        return True
    return bool(_DIAGNOSIS.search(words)) or any(each.system in _DIAGNOSES for each in answer)


def is_about_family(words: str) -> bool:
    """Return whether a question is about relatives."""
    return _FAMILY_QUESTION.search(words) is not None


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
    of_family: Certainty = "family" if is_about_family(words) else "confirmed"
    yield Condition(
        patient=patient,
        path=obx.path(5),
        at=at,
        flags=("stated_as_answer",),
        key=natural_key("answer", question, words, ""),
        category="diagnosis",
        action=action_of(obx),
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
    asks = asks_for_diagnosis(question, words, ())
    for repetition in range(1, obx.repetitions(5) + 1):
        codings = read_codings(obx, 5, defaults, repetition)
        said = read_words(obx, 5, repetition)
        is_diagnosis = asks or any(coding.system in _DIAGNOSES for coding in codings)
        if not is_diagnosis or not (codings or said):
            continue
        is_of_family = is_about_family(words)
        yield Condition(
            patient=patient,
            path=obx.path(5),
            at=at,
            flags=("stated_as_answer",),
            key=natural_key("answer", codings, joined(words, said), obx.text(14)),
            category="diagnosis",
            action=action_of(obx),
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
    sent = header.sent_at
    return None if sent is not None and observed.at > sent.at - _JUST_NOW else observed
