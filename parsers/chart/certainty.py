"""How certain a text is of the thrombosis it names: confirmed, suspected, ruled out, or somebody else's.

Dutch and English, clause by clause: "geen DVT, wel longembolie" is a pulmonary embolism. When clauses differ the most
certain one counts, so that doubt about one leg never hides the other. In doubt a word is not taken as a denial.
"""

import re
from collections.abc import Iterator

from clinical.events import Certainty
from parsers.chart.certainty_words import (
    CLAUSE_ENDS,
    CONFIRMED,
    CONNECTIVES,
    CONTRASTS,
    FAMILY,
    HISTORY_IMPLIED,
    NOT_A_DIAGNOSIS,
    NOT_EXCLUDED,
    REFUTED_AFTER,
    REFUTED_BEFORE,
    SCOPE_ENDS,
    SENTENCE_ENDS,
    SUSPECTED,
    THROMBOSIS,
)

_ORDER: tuple[Certainty, ...] = ("confirmed", "suspected", "family", "refuted", "unknown")
_REACH = 6  # words between a denial and what it denies


def certainty_of(text: str, about: re.Pattern[str] = THROMBOSIS) -> Certainty:
    """How certain the text is of what `about` finds in it; without a find, of the text as a whole."""
    sentences = (part for sentence in SENTENCE_ENDS.split(text) for part in CONTRASTS.split(sentence))
    found = {certainty for sentence in sentences for certainty in _of_sentence(sentence, about)}
    if not found and text.strip():
        return _judge(text, "", near=text) if not REFUTED_AFTER.search(text) else "refuted"
    return next((certainty for certainty in _ORDER if certainty in found), "unknown")


def _of_sentence(sentence: str, about: re.Pattern[str]) -> Iterator[Certainty]:
    carried: Certainty | None = None  # "geen DVT, longembolie of trombose": a bare list goes on as it began
    for clause in _clauses(sentence, about):
        spans = [match.span() for match in about.finditer(clause)]
        if not spans:
            continue
        if carried is not None and _is_bare(_without(clause, spans)):
            yield carried
            continue
        for index in range(len(spans)):
            before, after = _context(clause, spans, index)
            start, end = spans[index]
            carried = _judge(before, after, near=f"{before}{clause[start:end]}{after}")
            yield carried


def _clauses(sentence: str, about: re.Pattern[str]) -> list[str]:
    """A clause that only denies or doubts what went before, belongs to it: "verdenking DVT, uitgesloten"."""
    clauses: list[str] = []
    for clause in CLAUSE_ENDS.split(sentence):
        if clauses and not about.search(clause) and _comments(clause.strip()):
            clauses[-1] += " " + clause
        else:
            clauses.append(clause)
    return clauses


def _comments(clause: str) -> bool:
    return bool(REFUTED_AFTER.match(clause) or NOT_EXCLUDED.match(clause) or CONFIRMED.match(clause))


def _context(clause: str, spans: list[tuple[int, int]], index: int) -> tuple[str, str]:
    """The words around one find, up to the next one; a find that is merely joined to it ("DVT en PE") is no border."""
    first = last = index
    while first > 0 and _is_bare(clause[spans[first - 1][1] : spans[first][0]]):
        first -= 1
    while last + 1 < len(spans) and _is_bare(clause[spans[last][1] : spans[last + 1][0]]):
        last += 1
    begins = spans[first - 1][1] if first else 0
    ends = spans[last + 1][0] if last + 1 < len(spans) else len(clause)
    return clause[begins : spans[first][0]], clause[spans[last][1] : ends]


def _is_bare(text: str) -> bool:
    return not CONNECTIVES.sub("", text).strip(" ,;/&+()-:.")


def _without(clause: str, spans: list[tuple[int, int]]) -> str:
    for start, end in reversed(spans):
        clause = clause[:start] + " " + clause[end:]
    return clause


def _judge(before: str, after: str, near: str) -> Certainty:
    if NOT_A_DIAGNOSIS.search(near):
        return "unknown"
    if NOT_EXCLUDED.search(near):
        return "suspected"
    if _is_denied(before, after):
        return "refuted"
    if FAMILY.search(before) or FAMILY.search(" ".join(after.split()[:4])):
        return "family"
    if CONFIRMED.search(near):
        return "confirmed"
    return "suspected" if SUSPECTED.search(near) else "confirmed"


def _is_denied(before: str, after: str) -> bool:
    denials = list(REFUTED_BEFORE.finditer(SCOPE_ENDS.split(before)[-1]))
    if denials:
        between = denials[-1].string[denials[-1].end() :]
        if len(between.split()) <= _REACH and not HISTORY_IMPLIED.search(between):
            return True
    return REFUTED_AFTER.search(" ".join(after.split()[: _REACH + 1])) is not None
