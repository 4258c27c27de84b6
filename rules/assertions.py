"""What a sentence says about a term in it: affirmed, denied, doubted, or of a relative.

After ConText (Harkema 2009), with more grammar, since a missed thrombosis costs most: a denial reaches the noun after
it and a list of nouns, and nothing else; where its reach is unclear, it does not apply.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from rules.patterns import Language, choice_of, compiled, compiled_small, plain

Certainty = Literal["confirmed", "suspected", "family", "refuted"]
Span = tuple[int, int]

_WORD = re.compile(r"[\w'.§¤]+|[,/;:()+&-]")
_BREAK = re.compile(r"[.!?]+(?=\s|$)|\n+|;")
_LAST_WORD = re.compile(r"[\w.]*\w$")
_NEXT_WORD = re.compile(r"\s*(\w+)")
_ARROW = re.compile(r"[-=]+>|→|⇒")
_CLIPPED = re.compile(r"[^\W\d]{2,6}")  # as long as a word cut short may be: "aanw.", "verd."
_DASH = re.compile(r"\s-\s")
_JOINED = re.compile(r"\s*(?:[,/+&]|-|\Z)\s*")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\d")
_NAMED, _SIGN = "¤", "§"  # in a gap between words: another disease; a word that a denial passes through
_LONGEST_ITEM, _LONGEST_GAP, _LONGEST_TAIL = 5, 6, 3  # words
_ANYWHERE = ("[", "(?<=", "\\s", "\\?", "\\(")  # the beginning of a pattern that need not be at the start of a word
_FIELD_ANSWERS = ("yes_words", "no_words", "yes_initials", "no_initials", "field_answers")
_DENIALS = frozenset({"denies", "denies_all", "excludes", "not"})


class Cue(NamedTuple):
    """A word of a sentence that qualifies the diseases around it."""

    start: int
    end: int
    kind: str
    language: int = 0  # which of the languages it belongs to


@dataclass(frozen=True, slots=True)
class Reader:
    """The cues of every language, compiled."""

    cues: Mapping[str, tuple[re.Pattern[str], ...]]  # by kind, a pattern for each language, in the same order
    abbreviations: frozenset[str]
    fields: re.Pattern[
        str
    ]  # where one field of a form ends and the label of the next begins: "Trombose: nee   Allergie: nee"

    def sentences(self, text: str) -> list[str]:
        """Split a text into sentences; a full stop after an abbreviation does not end one."""
        text = self.fields.sub(r"\1; ", text)
        found, begin = [], 0
        for stop in _BREAK.finditer(text):
            before = text[begin : stop.start()]
            if not before.strip() or (stop.group().startswith(".") and self._is_abbreviation(before)):
                continue
            if stop.group().startswith("?") and self._is_answered(text[stop.end() :]):
                continue
            if self._goes_on(text[stop.end() :]) or (stop.group() == "." and self._is_mid_phrase(text, stop)):
                continue
            found.append(text[begin : stop.end()].strip(" ;\n"))
            begin = stop.end()
        found.append(text[begin:].strip(" ;\n"))
        return [sentence for sentence in found if sentence]

    def _is_answered(self, after: str) -> bool:
        word = re.match(r"\s*(?:[\[(]\s*[xX]?\s*[\])]\s*)?(\w+)", after)
        return word is not None and any(each.fullmatch(plain(word[1]).lower()) for each in self.cues.get("answers", ()))

    def _goes_on(self, after: str) -> bool:
        """Whether what follows is an answer about another person: "Trombose in de familie: nee; zelf: ja"."""
        rest = plain(after.lstrip()).lower()
        return any(each.match(rest) for kind in ("own_yes", "relative_had") for each in self.cues.get(kind, ()))

    def _is_mid_phrase(self, text: str, stop: re.Match[str]) -> bool:
        """Whether a preposition in small letters follows a short word: "geen aanw. voor LE", "neg. for PE"."""
        word, following = _LAST_WORD.search(text[: stop.start()]), _NEXT_WORD.match(text, stop.end())
        if word is None or following is None or not _CLIPPED.fullmatch(word.group()) or not following[1].islower():
            return False
        return any(each.fullmatch(plain(following[1]).lower()) for each in self.cues.get("prepositions", ()))

    def _is_abbreviation(self, before: str) -> bool:
        word = _LAST_WORD.search(before)
        return word is not None and word.group().casefold() in self.abbreviations

    def settles(self, sentence: str) -> bool:
        """Return whether a sentence answers a doubt before it: a scan was normal, it was something else."""
        return any(each.search(sentence.lower()) for each in self.cues.get("settles", ()))

    def rules_out(self, text: str) -> bool:
        """Return whether any word of a text rules something out."""
        small = text.lower()
        return any(each.search(small) for kind in ("excludes", "denied") for each in self.cues.get(kind, ()))

    def read(self, sentence: str, spans: Sequence[Span]) -> "Sentence":
        """Return one sentence with its cues; `spans` are the places of the terms in it."""
        return Sentence(sentence.lower(), tuple(spans), self)


def reader_of(languages: Sequence[Language], elsewhere: Set[str]) -> Reader:
    """Compile the cues of several languages into one reader: a text may mix them, and rarely says which it is in.

    What is read `elsewhere` is no cue of a sentence.
    """
    cues: dict[str, tuple[re.Pattern[str], ...]] = {}
    short: set[str] = set()
    for language in languages:
        for kind, patterns in language.items():
            if kind in elsewhere or kind in _FIELD_ANSWERS:
                continue
            if kind == "abbreviations":
                short.update(word.casefold() for word in patterns)
            else:
                cues[kind] = (*cues.get(kind, ()), _joined(patterns))
    fields = compiled(
        r"(?<=[^\s:;,=?])(?:[ \t]{2,}|\t)(?=[^\W\d][^:;,.?\n]{0,30}[:?])|"
        rf"([:=?]\s*(?:{choice_of(languages, *_FIELD_ANSWERS)}))[ \t]+(?=[^\W\d][\w/ -]{{1,24}}[:=?])"
    )
    return Reader(cues, frozenset(short), fields)


def _joined(patterns: Sequence[str]) -> re.Pattern[str]:
    """Join patterns into one; those that begin with a letter or a choice match at the start of a word."""
    longest_first = sorted(map(plain, patterns), key=len, reverse=True)
    inside = [each for each in longest_first if each.startswith(_ANYWHERE)]
    words = [each for each in longest_first if not each.startswith(_ANYWHERE)]
    choices = [rf"(?<!\w)(?:{'|'.join(words)})"] if words else []
    if not patterns:
        return compiled_small(r"(?!)")
    return compiled_small(rf"(?:{'|'.join([*choices, *inside])})(?!(?<=\w)\w)")


class Sentence:
    """One sentence in small letters, the terms in it, and what it says about each."""

    def __init__(self, text: str, spans: tuple[Span, ...], reader: Reader) -> None:
        self.text, self.spans, self._words = text, spans, reader.cues

    @cached_property
    def _leading(self) -> list[Cue]:
        """The cues that qualify what follows, in order."""
        return _resolved(cue for cue in self._cues if cue.kind in _LEADING)

    @cached_property
    def _trailing(self) -> list[Cue]:
        """The cues that qualify what precedes, in order."""
        return _resolved(cue for cue in self._cues if cue.kind in _TRAILING)

    @cached_property
    def _cues(self) -> list[Cue]:
        """Every cue outside the terms, by its place, the longer first."""
        found = [
            Cue(*match.span(), kind, language)
            for kind in _CUES
            for language, pattern in enumerate(self._words.get(kind, ()))
            for match in pattern.finditer(self.text)
        ]
        free = [cue for cue in found if cue.end > cue.start and not any(_clashes(cue, span) for span in self.spans)]
        return sorted(free, key=lambda cue: (cue.start, -cue.end))

    @cached_property
    def is_looked_for(self) -> bool:
        """Whether the sentence says how something was looked for: by ultrasound, on a scan."""
        return any(self._has("methods", word) for word in _WORD.findall(self.text))

    def says(self, span: Span) -> Certainty | None:
        """Return how certain the sentence is of a term in it; None if it is only mentioned ("DVT-profylaxe")."""
        if self._is_only_spoken_of(span):
            return None
        if self._is_open(span):
            return "suspected"
        if self._is_denied_before(span) and (self._is_since(span) or self._is_asked(span)):
            return "suspected"
        if self._is_denied_before(span) or self._is_denied_after(span) or self._is_of("unrelated", span):
            return self._of_another(span) or "refuted"
        if self._is_of("relatives", span) or self._is_answered_of_relatives(span):
            return "confirmed" if self._of_another(span) == "confirmed" else "family"
        if not self._is_suspected(span):
            return "confirmed"
        return "refuted" if self._is_settled_behind(span) else "suspected"

    def _is_settled_behind(self, span: Span) -> bool:
        """Whether the sentence goes on to what it was instead: "verdenking LE, CT toonde alleen pneumonie"."""
        cue = next((each for each in self._before(span) if each.kind == "suspects"), None)
        if cue is not None and self._has("treated_as", self.text[cue.start : cue.end]):
            return False  # treated, whatever it was: asked
        return any(
            span[1] <= found.start() for each in self._words.get("settles", ()) for found in each.finditer(self.text)
        )

    def _before(self, span: Span) -> Iterator[Cue]:
        """Return the cues before it, the nearest first."""
        return (cue for cue in reversed(self._leading) if cue.end <= span[0])

    def _after(self, span: Span) -> Iterator[Cue]:
        return (cue for cue in self._trailing if cue.start >= span[1])

    def _of_another(self, span: Span) -> Certainty | None:
        """Return of whom it is affirmed behind a denial: "never had a DVT, though her brother did"."""
        answer = next((cue for cue in self._after(span) if cue.kind in _ANSWERS_OF_ANOTHER), None)
        if answer is None or any(span[1] <= other[0] < answer.start for other in self.spans):
            return None
        return "confirmed" if answer.kind == "own_yes" else "family"

    def _is_answered_of_relatives(self, span: Span) -> bool:
        """Whether the answer directly behind it is about the family: "blood clots in family? Yes"."""
        answer = next((cue for cue in self._after(span) if cue.kind == "relative_had"), None)
        if answer is None:
            return False
        between = self.text[span[1] : answer.start]
        return ";" not in between and all(not self._weighs(word) for word in self._gap(span[1], answer.start))

    # Cues before the term

    def _is_denied_before(self, span: Span) -> bool:
        cue = self._governing(span, _DENIALS, ends=frozenset({"contrasts", "resets", "again", "denied", "no"}))
        return cue is not None and self._reaches(cue, span) and not self._is_affirmed_behind(span)

    def _is_affirmed_behind(self, span: Span) -> bool:
        """Whether a word joined to it says that it was there: "geen VTE-recidief", "geen HVZ, DVT+"."""
        following = next(self._after(span), None)
        return (
            following is not None
            and following.kind in ("again", "yes")
            and self.text[span[1] : following.start].strip() in ("", "-")
        )

    def _is_since(self, span: Span) -> bool:
        """Whether it is denied for a time alone: "geen DVT sinds de apixaban" tells of one before."""
        words = _WORD.findall(self.text[span[1] : self._item_end(span[1])])
        return (bool(words) and self._has("since", words[0])) or self._is_denied_since(span)

    def _is_asked(self, span: Span) -> bool:
        """Whether a question mark follows at once: "Ausschluss TVT?" asks for it."""
        return self.text[span[1] :].lstrip(" )").startswith("?")

    def _is_denied_since(self, span: Span) -> bool:
        """Whether a time stands directly before the denial: "sinds 2015 geen trombose"."""
        cue = next((each for each in self._before(span) if each.kind in _DENIALS), None)
        if cue is None or self._has("accompanied", self.text[cue.start : cue.end].split()[0]):
            return False
        begin = max(self.text.rfind(sign, 0, cue.start) for sign in ",;:(") + 1
        words = _WORD.findall(self.text[begin : cue.start])
        return 1 < len(words) <= _LONGEST_TAIL and self._has("since", words[0])

    def _governing(self, span: Span, wanted: frozenset[str], ends: frozenset[str]) -> Cue | None:
        """Return the nearest cue of these kinds before it, unless another word ends its reach first."""
        following: Cue | None = None
        for cue in self._before(span):
            if cue.kind in wanted:
                return cue if following is None or self._leads_to(cue, following) else None
            if cue.kind in ends:
                return None
            if cue.kind == "past":  # "no history of DVT", but "geen CVA, VG DVT"
                is_listed = self._is_behind_or(cue) or self._is_asked_among_symptoms(cue, span)
                following = None if is_listed else cue
            elif following is not None and not self._is_small(self.text[cue.end : following.start]):
                return None
            if "suspects" in wanted and self._is_afterwards(cue):
                return None  # "work-up for thrombophilia after a DVT"
        return None

    def _is_afterwards(self, cue: Cue) -> bool:
        return self._has("afterwards", self.text[cue.start : cue.end])

    def _leads_to(self, cue: Cue, past: Cue) -> bool:
        """Whether a denial gets to a word of the past: "keine Hinweise auf stattgehabte Thrombosen"."""
        return all(word in (":", "-", _SIGN) or self._has("small", word) for word in self._gap(cue.end, past.start))

    def _is_behind_or(self, cue: Cue) -> bool:
        """Whether a history is the last of a list: "without fever, cough or history of DVT"."""
        before = _WORD.findall(self.text[: cue.start])
        return bool(before) and self._has("or", before[-1])

    def _is_asked_among_symptoms(self, past: Cue, span: Span) -> bool:
        """Whether a history is one item of a review of systems: "Denies CP, SOB, hx of DVT, recent travel"."""
        before = next((cue for cue in self._before(span) if cue.kind == "denies_all"), None)
        if before is None or before.end >= past.start:
            return False
        *earlier, last = self._items(_commas(self._gap(before.end, past.start)))
        behind = self._items(_commas(self._gap(span[1], len(self.text))))[1:]
        asked = [item for item in (*earlier, *behind) if item != [_NAMED]]
        is_dated = _YEAR.search(self.text, span[1], self._item_end(span[1])) is not None
        return not last and not is_dated and any(behind) and all(self._is_symptom(item) for item in asked)

    def _is_symptom(self, words: list[str]) -> bool:
        return any(self._has("symptoms", word) for word in words) and len(words) <= _LONGEST_TAIL

    def _reaches(self, cue: Cue, span: Span) -> bool:
        """Return whether a denial or doubt reaches from its cue to this term: within one noun phrase or a list."""
        gap = self._gap(cue.end, span[0])
        if cue.kind == "not":  # "niet massale longembolie" is an embolism
            is_reply = ":" in gap and self._is_reply(cue)
            return not is_reply and all(word == ":" or self._has("articles", word) for word in gap)
        if self._is_beyond_dash(cue, span):
            return False
        items = self._items(gap)
        *earlier, last = items
        listed = all(self._is_item(self._without_cause(item), cue.language) for item in earlier)
        if not listed or not self._is_item(last, cue.language) or self._is_told_behind(gap, span):
            return False
        if len(items) == 1:
            return len([word for word in gap if self._weighs(word)]) <= _LONGEST_GAP
        if self._list_has_or(cue, span):
            return True
        is_bare = self._is_bare(items[-1]) and self._is_bare(self._gap(span[1], self._item_end(span[1])))
        return is_bare and (cue.kind not in ("denies", "excludes") or self._is_list_of_diseases(cue, span, items[:-1]))

    def _is_reply(self, cue: Cue) -> bool:
        """Whether "not" ends what is said of one side: "links daarentegen niet: stolsel in de v. poplitea"."""
        begin = max(self.text.rfind(sign, 0, cue.start) for sign in ",;:.") + 1
        return any(self._weighs(word) for word in self._gap(begin, cue.start))

    def _is_beyond_dash(self, cue: Cue, span: Span) -> bool:
        """Whether a dash ends a list whose items are denied one by one: "no cancer, no surgery - DVT left leg"."""
        dash = _DASH.search(self.text, cue.end, span[0])
        if dash is None or cue.kind != "denies":
            return False
        is_repeated = any(each.kind == "denies" for each in self._leading if each.end <= cue.start)
        return is_repeated and any(self._weighs(word) for word in self._gap(cue.end, dash.start()))

    def _without_cause(self, item: list[str]) -> list[str]:
        """Return an item of a list without a cause that ends it: "geen cardiale oorzaak, maligniteit of trombose"."""
        return item[:-1] if item and self._has("causes", item[-1]) else item

    def _is_told_behind(self, gap: list[str], span: Span) -> bool:
        """Whether a colon begins what contradicts a denial: "never had a DVT is wrong: PE in 2012", or a finding."""
        is_behind = ":" in gap and _NAMED in gap[: gap.index(":")]
        is_finding = len(_WORD.findall(self.text[slice(*span)])) > _LONGEST_TAIL
        return is_behind and (is_finding or _YEAR.search(self.text, span[1], self._item_end(span[1])) is not None)

    def _is_list_of_diseases(self, cue: Cue, span: Span, items: list[list[str]]) -> bool:
        """Return whether a list continues with a disease: "geen CVA, DVT" does, "geen koorts, DVT" does not."""
        if any(self._has("symptoms", word) for word in _WORD.findall(self.text[cue.end : span[0]])):
            return False
        is_history = any(cue.end <= each.start < span[0] for each in self._leading if each.kind == "past")
        return is_history or len(items) > 1 or any(_NAMED in item for item in items)

    def _items(self, gap: list[str]) -> list[list[str]]:
        """Return the items of a list, split at commas and at "and"; "or" joins more tightly."""
        items: list[list[str]] = [[]]
        for word in gap:
            if word in (",", "(", ")") or self._has("and", word):
                items.append([])
            else:
                items[-1].append(word)
        return items

    def _is_item(self, words: list[str], language: int) -> bool:
        """Return whether these words are one noun phrase: no verb, and no "of" after the noun that ends it."""
        passes = True
        heavy = 0
        for word in words:
            if word == _SIGN or word == ":" or word in "/+&-" or self._has("or", word, language):
                passes, heavy = True, 0
            elif self._has("subordinates", word) or self._has("causes", word):
                return False
            elif self._has("prepositions", word, language) or self._has("accompanied", word):
                if not passes:
                    return False
            elif self._weighs(word):
                passes = False
                heavy += 1
        return heavy <= _LONGEST_ITEM

    def _list_has_or(self, cue: Cue, span: Span) -> bool:
        """Return whether the list around it ends in "or": "geen CVA, AMI, DVT of LE"."""
        end = next((each.start for each in self._after(span) if self._ends_list(each)), len(self.text))
        gap = self._gap(cue.end, end)
        commas = [place for place, word in enumerate(gap) if word == ","]
        ors = [place for place, word in enumerate(gap) if self._has("or", word, cue.language)]
        last = next((place for place in ors if not commas or place > commas[-1]), None)
        if last is None or not commas:
            return False
        items = [self._without_cause(item) for item in self._items(gap[:last])]
        return all(len(item) <= _LONGEST_ITEM and self._is_item(item, cue.language) for item in items)

    def _ends_list(self, cue: Cue) -> bool:
        return cue.kind in _LIST_ENDS and not self._has("or", self.text[cue.start : cue.end])  # "ni", "noch"

    def _item_end(self, begin: int) -> int:
        found = re.compile(r"[,;)]").search(self.text, begin)
        return found.start() if found else len(self.text)

    # Cues after the term

    def _is_denied_after(self, span: Span) -> bool:
        if self._is_behind_denied_claim(span):
            return False
        for cue in self._after(span):
            if cue.kind == "contrasts":
                return self._is_denied_in_the_end(span, cue)
            if cue.kind in ("open", "confirms") or cue.kind in _DENIALS:
                return False
            if cue.kind == "yes" and self._is_answer(span, cue):
                return False
            if cue.kind == "patient" and "," in self._gap(span[1], cue.start):
                return False
            if cue.kind == "no":
                return self._is_answer(span, cue)
            if cue.kind == "denied":
                return self._is_tail(span, cue)
            if cue.kind == "denied_by":
                return self._is_denied_by_patient(span, cue)
        return False

    def _is_behind_denied_claim(self, span: Span) -> bool:
        """Whether what stands behind it denies a claim that there was none: "dat er geen DVT was, klopt niet"."""
        cue = next(self._before(span), None)
        if cue is None or cue.kind != "past":
            return False
        return any(each.search(self.text, cue.start, cue.end) for each in self._words.get("denies", ()))

    def _is_denied_by_patient(self, span: Span, cue: Cue) -> bool:
        """Whether the patient denies it, its history too: "trombose/embolie in VG ontkent pt", not "DVT 2014, ..."."""
        gap = self._gap(span[1], cue.start)
        if gap[:1] and (gap[0] == "/" or self._has("or", gap[0])):
            gap = gap[2:]  # the other thing that is denied, whatever it is
        return self._is_bare(gap) or self._is_list_of_denied(gap) or self._is_tail(span, cue)

    def _is_list_of_denied(self, gap: list[str]) -> bool:
        """Whether it is the first of a list that ends in "or": "trombose, CVA of MI in VG: pt ontkent dit"."""
        first, *others = self._items(gap)
        if first or not any(self._has("or", word) for item in others for word in item):
            return False
        alone = any(self._has("symptoms", word) or self._is_side(word) or _YEAR.search(word) for word in gap)
        return not alone and all(len(item) <= _LONGEST_ITEM for item in others)

    def _is_denied_in_the_end(self, span: Span, contrast: Cue) -> bool:
        """Whether a doubt ends in a denial: "PE was considered but ruled out"."""
        following = next((cue for cue in self._trailing if cue.start >= contrast.end), None)
        if following is None or following.kind != "denied":
            return False
        words = _WORD.findall(self.text[span[1] : contrast.start])
        is_doubted = any(self._has("doubted", word) for word in words) or self._is_suspected(span)
        names_another = any(following.end <= other[0] <= following.end + 1 for other in self.spans)
        return (
            is_doubted
            and not names_another
            and len([word for word in words if self._weighs(word)]) <= _LONGEST_TAIL
            and all(map(self._is_passing, _WORD.findall(self.text[contrast.end : following.start])))
        )

    def _is_passing(self, word: str) -> bool:
        """Whether a word between a contrast and a denial is none that is denied: "doch deze werd op CT niet gezien"."""
        return any(self._has(kind, word) for kind in ("small", "methods", "prepositions", "points_back"))

    def _is_answer(self, span: Span, cue: Cue) -> bool:
        """Return whether "no" answers this term: only list items and the method of the search are between them."""
        gap = self._gap(span[1], cue.start)
        if _ARROW.search(self.text, span[1], cue.start) and any(self._weighs(word) for word in gap):
            return False  # "DVT -> filter? nee"
        if "," in gap:  # a sign belongs to one name: "DVT, LE-"
            is_sign = not any(letter.isalnum() for letter in self.text[cue.start : cue.end])
            return not is_sign and all(self._is_bare(item) for item in self._items(gap))
        return len([word for word in gap if self._weighs(word)]) <= _LONGEST_TAIL

    def _is_tail(self, span: Span, cue: Cue) -> bool:
        """Return whether a word after it qualifies this term, and not another noun in between."""
        gap = self._gap(span[1], cue.start)
        if self._points_back(gap):
            return True
        if any(self._has("denied_of", word) or self._has("subordinates", word) for word in self._not_as_cause(gap)):
            return False
        if any(each.kind in ("resets", "past") for each in self._trailing if span[1] <= each.start < cue.start):
            return False
        *earlier, last = self._items(gap)
        if earlier and not self._is_all_of_it(earlier, last):
            return False
        if "," in gap and _NAMED in last:  # "DVT, LE uitgesloten" says nothing of the DVT
            return False
        return self._is_manner(last)

    def _is_all_of_it(self, earlier: list[list[str]], last: list[str]) -> bool:
        """Whether a denial behind a comma has nothing else to deny: "verdenking DVT li, op echo niet bevestigd"."""
        if all(self._is_bare(item) for item in [*earlier, last]):
            return True
        is_method = not any(word == _NAMED or (self._weighs(word) and not self._has("methods", word)) for word in last)
        first, *others = [[word for word in item if not self._is_side(word)] for item in earlier]
        is_short = len(first) <= _LONGEST_GAP and _NAMED not in first and not any(map(_YEAR.search, first))
        return is_method and bool(last) and is_short and all(self._is_bare(item) for item in others)

    def _not_as_cause(self, words: list[str]) -> list[str]:
        """Leave out "as the cause": "LE als oorzaak van de hypoxie uitgesloten" denies the embolism."""
        return words[2:] if words[:1] and self._has("as_cause", words[0]) else words

    def _points_back(self, gap: list[str]) -> bool:
        """Whether only a word such as "which" stands between: "verdenking LE, welke werd uitgesloten"."""
        words = [word for word in gap if word != ","]
        return bool(words) and self._has("points_back", words[0]) and self._is_bare(words[1:])

    def _is_manner(self, words: list[str]) -> bool:
        """Return whether few words are between, after a preposition only the method: "DVT met echo uitgesloten"."""
        heavy = [word for word in words if self._weighs(word)]
        if any(self._has("accompanied", word) for word in words):
            return all(self._has("methods", word) or word == _NAMED for word in heavy)
        return len(heavy) <= _LONGEST_TAIL

    # Doubt

    def _is_open(self, span: Span) -> bool:
        """Return whether it is stated not to be excluded."""
        if self._became_certain(span):
            return False
        for cue in self._after(span):
            if cue.kind == "open":
                return self._is_tail(span, cue) or self._is_predicate(span, cue)
            if cue.kind in ("contrasts", "denied", "no"):
                break
        cue_before = self._governing(
            span, frozenset({"open"}), ends=frozenset({"contrasts", "resets", "past", "denies"})
        )
        return cue_before is not None and self._reaches(cue_before, span)

    def _is_predicate(self, span: Span, cue: Cue) -> bool:
        """Whether it is the subject of what its clause ends in: "LE is bij dit CT (onrust) niet uit te sluiten"."""
        gap = self._gap(span[1], cue.start)
        others = any(
            word == _NAMED and not self._has("resets", before) for before, word in zip(["", *gap], gap, strict=False)
        )
        if others or any(self._has("denied_of", word) or self._has("subordinates", word) for word in gap):
            return False
        heavy = [word for word in gap if self._weighs(word)]
        is_clause = not any(word in ",()" or _YEAR.search(word) for word in gap) and len(heavy) <= _LONGEST_ITEM
        leads = any(self._has(kind, word) for word in gap[:1] for kind in ("methods", "resets"))
        return (is_clause and leads) or any(self._has("links", word) for word in gap[:1])

    def _became_certain(self, span: Span) -> bool:
        """Whether it was proven since: "gisteren niet uit te sluiten, vandaag is zij bewezen"."""
        return any(each.search(self.text, span[1]) for each in self._words.get("became", ()))

    def _is_suspected(self, span: Span) -> bool:
        if any(cue.kind == "confirms" for cue in self._after(span)):
            return False
        ends = frozenset({"contrasts", "again", "confirms", "denies", "denied"})
        cue = self._governing(span, frozenset({"suspects"}), ends)
        if cue is not None and self._reaches(cue, span):
            return True
        if any(each.kind == "again" and self._is_small(self.text[each.end : span[0]]) for each in self._before(span)):
            return False
        return any(self._is_doubt_behind(span, each) for each in self._after(span))

    def _is_doubt_behind(self, span: Span, cue: Cue) -> bool:
        if cue.kind != "suspected":
            return False
        gap = self._gap(span[1], cue.start)
        if any(self._has("denied_of", word) for word in gap) or self._is_asked_after(span, cue):
            return False  # "longembolie, oorzaak onbekend"
        between = [each for each in self._trailing if span[1] <= each.start < cue.start]
        if any(each.kind in ("contrasts", "resets", "past", "relatives") for each in between):
            return self._is_whole_question(span, cue, between)
        items = self._items(gap)
        return all(self._is_bare(item) for item in items) or (len(items) == 1 and self._is_manner(gap))

    def _is_whole_question(self, span: Span, cue: Cue, between: list[Cue]) -> bool:
        """Whether all that is asked is whether it was there before: "DVT in VG?"."""
        places = [(span[1], span[1]), *((each.start, each.end) for each in between), (cue.start, cue.start)]
        is_past = all(each.kind == "past" for each in between)
        is_bare = all(self._is_small(self.text[one[1] : other[0]]) for one, other in itertools.pairwise(places))
        before = [word for word in self._gap(0, span[0]) if self._weighs(word)]
        return is_past and is_bare and len(before) <= 1 and self.text[cue.start : cue.end].startswith("?")

    def _is_asked_after(self, span: Span, cue: Cue) -> bool:
        """Whether a question is about something else, after it: "is IVIg safe given his prior thromboses?"."""
        before = next((each for each in self._before(span) if each.kind == "past" or self._is_afterwards(each)), None)
        if before is None or not self.text[cue.start : cue.end].startswith("?"):
            return False
        is_question = len([word for word in self._gap(0, before.start) if self._weighs(word)]) > 1
        return is_question and self._is_small(self.text[before.end : span[0]])

    # Only mentioned

    def _is_only_spoken_of(self, span: Span) -> bool:
        if self._is_of_bystander(span):
            return True
        ends = frozenset({"contrasts", "resets", "past", "again", "confirms", "suspects", "open"})
        cue = self._governing(span, frozenset({"about_before"}), ends)
        if cue is not None and self._is_joined(self._gap(cue.end, span[0])):
            return not self._was_found(span)
        following = next(self._after(span), None)
        if following is None or following.kind != "about_after":
            return False
        gap = self._gap(span[1], following.start)
        return "," not in gap and all(
            word in ("/", _NAMED) or self._has("or", word) or self._has("and", word) for word in gap
        )

    def _was_found(self, span: Span) -> bool:
        """Whether a clause about it says that it was found: "uitleg over de DVT die vandaag is vastgesteld"."""
        following = next((cue for cue in self._after(span) if cue.kind == "confirms"), None)
        gap = self._gap(span[1], following.start) if following else []
        return bool(gap) and self._has("points_back", gap[0]) and "," not in gap

    def _is_joined(self, gap: list[str]) -> bool:
        """Return whether only articles and other diseases of the same list are in between."""
        return all(word in (_NAMED, ",") or not self._weighs(word) for word in gap) and (
            "," not in gap or _NAMED in gap
        )

    # Of whom

    def _is_of_bystander(self, span: Span) -> bool:
        """Whether the clause tells of somebody else whom the patient knows: "kamergenoot kreeg een longembolie"."""
        for cue in (*self._before(span), *self._after(span)):
            if cue.kind == "bystanders":
                gap = self._gap(*((cue.end, span[0]) if cue.end <= span[0] else (span[1], cue.start)))
                is_near = cue.end <= span[0] or not any(self._weighs(word) for word in gap)
                return is_near and not any(word in ",:()" for word in gap)
            if cue.kind in ("patient", *_PERSONS, "contrasts"):
                return False
        return False

    def _is_of(self, kind: str, span: Span) -> bool:
        """Return whether only another person has it: named earlier in the sentence, or attached after it."""
        if any(cue.kind == "patient_too" for cue in self._after(span)):
            return False
        return self._is_of_one_before(kind, span) or self._is_of_one_behind(kind, span)

    def _is_of_one_before(self, kind: str, span: Span) -> bool:
        following: Cue | None = None
        for cue in self._before(span):
            if cue.kind == kind:
                return self._goes_on(self._gap(cue.end, following.start if following else span[0]), span)
            if cue.kind in ("patient", *_PERSONS):
                return False
            if cue.kind == "past":
                following = cue
        return False

    def _goes_on(self, gap: list[str], span: Span) -> bool:
        """Return whether a statement about a relative continues after a comma: in a list, or under a heading."""
        first = next((place for place, word in enumerate(gap) if word == ","), None)
        if first is None or ":" in gap[:2] or not any(self._weighs(word) for word in gap[:first]):
            return True
        is_bare = self._is_bare(self._items(gap)[-1]) and self._is_bare(self._gap(span[1], self._item_end(span[1])))
        return is_bare and _NAMED in gap[:first]

    def _is_of_one_behind(self, kind: str, span: Span) -> bool:
        for cue in self._after(span):
            if cue.kind in (*_PERSONS, "patient") or cue.kind == kind:
                gap = self._gap(span[1], cue.start)
                listed = all(word == "," or self._is_named_or_joined(word) for word in gap)
                heavy = [word for word in gap if self._weighs(word) and word != _NAMED and not word.isdigit()]
                near = "," not in gap and len([word for word in heavy if not self._has("at", word)]) <= 1
                return cue.kind == kind and (near or listed)
            if cue.kind in ("contrasts", "resets", "past", "denied", "denies"):
                if cue.kind == "resets" and self._has("at", self.text[cue.start : cue.end]):
                    continue
                return False
        return False

    def _is_named_or_joined(self, word: str) -> bool:
        return word in (_NAMED, "/", "+", "&") or self._has("or", word) or self._has("and", word)

    # Words

    def _gap(self, begin: int, end: int) -> list[str]:
        """Return the words between two places; terms and words that a denial passes become one mark each."""
        pieces, at = [], begin
        marks = [(start, stop, _NAMED) for start, stop in self.spans]
        marks += [(cue.start, cue.end, _SIGN) for cue in self._leading if cue.kind in _PASSED]
        for start, stop, sign in sorted(marks):
            if begin <= start and stop <= end and start >= at:
                pieces += [self.text[at:start], f" {sign} "]
                at = stop
        pieces.append(self.text[at:end])
        return [word for word in _WORD.findall("".join(pieces)) if word.strip(".'")]

    def _has(self, kind: str, word: str, language: int | None = None) -> bool:
        """Return whether a word is of this kind, in a language or in any: "of" is "or" in Dutch alone."""
        bare, patterns = word.strip("."), self._words.get(kind, ())
        asked = patterns if language is None else patterns[language : language + 1]
        return any(each.fullmatch(bare) for each in asked)

    def _weighs(self, word: str) -> bool:
        """Return whether a word has content: not an article, a sign or a conjunction."""
        if word in ",/;:()+&-" or word == _SIGN:
            return False
        return not any(self._has(kind, word) for kind in ("small", "prepositions", "accompanied", "or", "and"))

    def _is_small(self, text: str) -> bool:
        return all(word in ":-" or self._has("small", word) for word in _WORD.findall(text))

    def _is_bare(self, words: list[str]) -> bool:
        """Return whether a list item is only a term: with a year or statement of its own it stands for itself."""
        return all(word in (_NAMED, _SIGN) or not self._weighs(word) for word in words) and not any(
            _YEAR.search(word) or self._is_side(word) for word in words
        )

    def _is_side(self, word: str) -> bool:
        return self._has("sides", word)


_BOTH_WAYS = (
    "denies", "denies_all", "not", "open", "contrasts", "resets", "past", "again", "confirms", "relatives", "unrelated",
    "not_relatives", "patient", "bystanders",
)  # fmt: skip  # a list of words
_LEADING = frozenset({*_BOTH_WAYS, "excludes", "suspects", "about_before", "signs"})
_ANSWERS_OF_ANOTHER = ("own_yes", "relative_had")
_TRAILING = frozenset(
    {*_BOTH_WAYS, *_ANSWERS_OF_ANOTHER, "patient_too", "denied", "denied_by", "no", "yes", "suspected", "about_after"}
)
_CUES = sorted(  # a word that may be more is more
    _LEADING | _TRAILING, key=lambda kind: (kind == "signs", kind != "denied_by", kind)
)
_PERSONS = ("relatives", "unrelated")
_LIST_ENDS = frozenset({"contrasts", "resets", "again", *_DENIALS})
_PASSED = frozenset({"signs", "suspects", "past", "relatives", "confirms", "patient", "not_relatives", "open"})


def _resolved(cues: Iterable[Cue]) -> list[Cue]:
    """Return, of overlapping cues, the one that begins first, and of those the longest."""
    kept: list[Cue] = []
    for cue in cues:
        if not kept or cue.start >= kept[-1].end:
            kept.append(cue)
    return kept


def _commas(words: list[str]) -> list[str]:
    """Write a list with slashes as one with commas: "denies CP/SOB/hx DVT/recent travel"."""
    return ["," if word == "/" else word for word in words]


def _clashes(cue: Cue, span: Span) -> bool:
    """Whether a cue overlaps a term, and is not a longer word around it: "im" is a route, "im Falle einer" is not."""
    is_around = cue.start <= span[0] and span[1] <= cue.end and span[1] - span[0] < cue.end - cue.start
    return cue.start < span[1] and span[0] < cue.end and not is_around
