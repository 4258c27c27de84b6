"""Free text: "geen DVT" is not a thrombosis, "vader trombosebeen" is of a relative."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.assertions import Span, reader_of
from rules.codes import Codes, Remembered, TextPattern
from rules.forms import Cues, RecognitionForm
from rules.layout import KINDS as LAYOUT_KINDS
from rules.layout import Layout
from rules.literals import letters_of
from rules.patterns import NEVER, Language, choice_of, compiled, plain
from rules.spelling import Spelling
from rules.statements import KINDS as STATEMENT_KINDS
from rules.statements import Statements, Told, in_the_end
from rules.tenor import KINDS as TENOR_KINDS
from rules.tenor import Tenors

Mention = tuple[str, str]  # value set, certainty
_SUREST = ("confirmed", "suspected", "family", "refuted")
_YEAR = re.compile(r"(?<![\d.,/-])(?:19|20)\d\d(?![\d.,])")
_ANY_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_FULL_DATE = re.compile(r"\b\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d\d\b")
_ONLY_YEAR = re.compile(r"\W*(?:19|20)\d\d\W*")
_CLAUSE_END = re.compile(r"[,;()]")
KINDS = (
    "years", "ago", "in_year", "little", "procedures", "joins", "joins_nothing", "lung_names", "either_names",
    "vein_examined", "ultrasound", "limbs", "lungs_examined", "chest_examined",
)  # fmt: skip  # a list of words


class Named(NamedTuple):
    """One term in a sentence: its value set and place."""

    set: str
    span: Span


class FreeText:
    """Finds value sets in text, with the certainty given by the words around each term."""

    def __init__(
        self,
        codes: Codes,
        languages: Sequence[Language],
        spelling: Spelling,
        cues: Cues,
        recognition: RecognitionForm,
    ) -> None:
        self._patterns = codes.patterns
        elsewhere = {*KINDS, *LAYOUT_KINDS, *TENOR_KINDS, *STATEMENT_KINDS}
        self._reader, self._spelling = reader_of(languages, elsewhere), spelling
        self._tenors, self._statements = Tenors(languages), Statements(languages)
        self.layout, self._parts, self._years = Layout(languages), _BodyParts(languages), _Years(languages)
        self._with_tenor = frozenset(recognition.with_tenor)
        self._past_of, self._over_of = recognition.past_of, recognition.over_of
        self._set_of_today = {over: name for name, over in recognition.over_of.items()}
        self._dated_by_words = frozenset(recognition.dated_by_words)
        self._hides = {name: frozenset(hidden) for name, hidden in recognition.hidden_by.items()}
        self._imaging = _any_of(recognition.imaging)
        self._active, self._active_denied = _any_of(cues.active), _any_of(cues.active_denied)
        self._over, self._over_denied = _any_of(cues.over), _any_of(cues.over_denied)
        little = rf"(?:\W|\b(?:{choice_of(languages, 'little')}|(?:19|20)\d\d)\b)*"
        # "history of breast cancer", and not "status na lobectomie longcarcinoom"
        of_what = rf"(?:(?!\w*(?:{choice_of(languages, 'procedures')})\b)\w+ )?"
        self._beside = compiled(
            rf"\b(?:{choice_of(languages, 'joins')})\b(?! *(?:$|{choice_of(languages, 'joins_nothing')})\b| *$)"
        )
        before, after = _any_of(cues.over_before).pattern, _any_of(cues.over_after).pattern
        self._over_before = compiled(f"(?:{before}|{_any_of(cues.over).pattern}){little}{of_what}$")
        self._over_after = compiled(f"(?:{after}){little}$")
        self._over_headed = compiled(rf"(?:{_any_of(cues.over_headed).pattern})[^:]*$")
        self._now, self._lasting, self._seldom_over = map(_any_of, (cues.now, cues.lasting, cues.seldom_over))
        self._treated, self._treated_before = _any_of(cues.treated), _any_of(cues.treated_before)
        self._over_next = compiled(f"^{little}(?:{_any_of(cues.over).pattern})|^{little}(?:{after}){little}$")
        self._not_meant, self._past = _any_of(cues.not_meant), _any_of(cues.past)
        self._positive, self._negative = _any_of(cues.positive), _any_of(cues.negative)
        self._cache: Remembered[str, tuple[Told, ...]] = Remembered()
        self._named: Remembered[str, frozenset[str]] = Remembered()

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Return each value set in the text, with its certainty."""
        return tuple(dict.fromkeys((each.set, each.certainty) for each in self._told(text)))

    def surest(self, text: str) -> dict[str, str]:
        """Return each value set with its highest certainty: "geen DVT, wel longembolie" is a thrombosis."""
        told = sorted(self._told(text), key=lambda each: _SUREST.index(each.certainty), reverse=True)
        return {each.set: each.certainty for each in told}

    def excerpts(self, text: str) -> dict[str, str]:
        """Return for each value set the sentence with the highest certainty, as written."""
        told = sorted(self._told(text), key=lambda each: _SUREST.index(each.certainty))
        return {each.set: each.sentence for each in reversed(told)}

    def shown_by_imaging(self, text: str, names: Sequence[str], *, is_report: bool) -> bool:
        """Return whether a text affirms one of these value sets by imaging: it is a report of it, or names it."""
        affirmed = [each.sentence for each in self._told(text) if each.set in names and each.certainty == "confirmed"]
        return bool(affirmed) and (is_report or bool(self._imaging.search(plain(text))))

    def years(self, text: str) -> dict[str, int]:
        """Return for the value sets that words date the year they name, or, below 0, how many years ago it was."""
        dated: dict[str, int] = {}
        told = self._told(text)
        active = {each.set for each in told if each.active or (each.ago is None and each.set in self._dated_by_words)}
        for each in told:
            if each.ago is not None and each.set not in active and each.ago > dated.get(each.set, -1000):
                dated[each.set] = each.ago
        return dated

    def listed(self, text: str) -> dict[str, int]:
        """Return the sets that a list of the history names, as if of today, with the latest year beside them."""
        dated: dict[str, int] = {}
        for each in self._told(text):
            if each.listed and each.ago is not None:
                name = self._set_of_today[each.set]
                dated[name] = max(each.ago, dated.get(name, each.ago))
        return dated

    def _told(self, text: str) -> tuple[Told, ...]:
        """Return what the text says, sentence by sentence; remembered per text."""
        found = self._cache.get(text)
        if found is None:
            found = self._cache.keep(text, in_the_end(list(self._read(text))))
        return found

    def sets_named(self, text: str) -> frozenset[str]:
        """Return the value sets whose patterns occur, whatever is said of them: for names of medicines."""
        found = self._named.get(text)
        if found is None:
            words = self._spelling.mended(plain(text))
            letters = letters_of(words)
            possible = [each for each in self._patterns if each.may_match(letters)]
            named = frozenset(each.set for each in possible if each.pattern.search(words))
            found = self._named.keep(text, named)
        return found

    def rules_out(self, text: str) -> bool:
        """Return whether a text says that something was looked for and not found, rather than that it is absent."""
        return self._reader.rules_out(plain(text))

    def is_positive(self, text: str) -> bool:
        """Return whether a result in words says that something was found."""
        words = plain(text)
        return bool(self._positive.search(words)) and not self._negative.search(words)

    def _read(self, text: str) -> Iterator[Told]:
        ends, is_report, is_doubted, is_amended, denied = 0, False, False, False, ""
        for written in self._reader.sentences(self.layout.in_sentences(self._statements.without_misquotes(text))):
            begins, ends = ends, ends + len(written) + 1
            words = self._not_meant.sub(" ", self._spelling.mended(plain(written)))
            named, sentence = self._names(words), words.lower()
            is_report = is_report or self._tenors.reports(sentence)
            is_amended = is_amended or (begins > 0 and self._statements.amends(sentence))
            if self._with_tenor.isdisjoint(each.set for each in named):
                if is_doubted and self._statements.bears_out(sentence):
                    yield Told("", "confirmed", written, looked=True, at=begins)
                elif is_doubted and self._reader.settles(sentence):
                    standing = self._standing_of_answer(sentence)
                    yield Told(
                        "",
                        "refuted",
                        written,
                        self._parts.examined(sentence),
                        looked=True,
                        at=begins,
                        standing=standing,
                    )
                elif is_doubted and self._tenors.finds_another(sentence) and not self._tenors.is_acted_on(sentence):
                    yield Told("", "refuted", written, self._parts.examined(sentence), looked=True, at=begins)
                if self._tenors.is_mistaken(sentence):
                    yield Told("", "mistaken", written, at=begins, standing="enquired")
                if denied and self._statements.recalls(sentence):
                    yield self._placed(Told(denied, "confirmed", written, at=begins), sentence, (0, 0))
            if not named:
                continue
            read = self._reader.read(sentence, [each.span for each in named])
            for each in named:
                certainty = read.says(each.span)
                if each.set in self._with_tenor:
                    certainty = self._tenors.qualified(sentence, each.span, certainty)
                    denied = each.set if certainty == "refuted" else denied
                if certainty is not None:
                    part, at = self._parts.named(sentence[slice(*each.span)]), begins + each.span[0]
                    looked = read.is_looked_for or (is_report and not self._past.search(sentence))
                    is_doubted |= certainty == "suspected"
                    told = Told(each.set, certainty, written, part, looked, at=at)
                    is_later = is_amended or self._statements.amends(sentence[: each.span[0]])
                    told = told._replace(standing=self._standing(told, sentence, each.span, is_later))
                    is_doubted |= told.standing == "presumed"
                    yield self._placed(told, sentence, each.span)

    def _standing(self, told: Told, sentence: str, span: Span, is_amended: bool) -> str:
        """Return what a later statement has to be, to take this back; of a denial, what it takes back."""
        if told.set not in self._with_tenor:
            return ""
        if told.certainty == "refuted":
            is_enquired = self._statements.enquires(sentence) or self._tenors.is_mistaken(sentence)
            if is_amended and not self._statements.is_partial(sentence, span):
                return "amends"
            return "enquired" if is_enquired else ""
        if self._statements.cites(sentence):
            return "cited"
        if self._statements.presumes(sentence) and not _ANY_YEAR.search(sentence):
            return "presumed"
        return "dated" if self._past.search(sentence) else ""

    def _standing_of_answer(self, sentence: str) -> str:
        """Return which doubts an answer may settle: none, where it checks what was known or treatment ended with it."""
        if self._tenors.checks_on(sentence):
            return "checked"
        return "ended" if self._tenors.is_acted_on(sentence) else ""

    def _placed(self, told: Told, sentence: str, span: Span) -> Told:
        """Place in time what a sentence tells: of today, of the year it names, or of the past."""
        clause = _clause(sentence, span)
        may_end = told.set in self._over_of
        if may_end and self._is_active(sentence, clause):
            return told._replace(active=True)
        name = self._dated(told, sentence, span, clause)
        if may_end and name == told.set and self._lasting.search(sentence[slice(*clause)]):
            return told._replace(active=True)
        if may_end and name != told.set and self._is_only_listed(sentence, span, clause):
            return told._replace(set=name, ago=self._years.beside(sentence, clause), listed=True)
        return told._replace(
            set=name, ago=self._years.beside(sentence, clause) if name in self._dated_by_words else None
        )

    def _names(self, sentence: str) -> list[Named]:
        """Return the terms in the sentence, without those hidden in another: "retinal vein thrombosis" is not a VTE."""
        letters = letters_of(sentence)
        possible = [each for each in self._patterns if each.may_match(letters)]
        found = [Named(each.set, _span(match, each)) for each in possible for match in each.pattern.finditer(sentence)]
        return [each for each in found if not any(self._is_hidden(each, other) for other in found)]

    def _is_hidden(self, named: Named, other: Named) -> bool:
        return (
            named.set in self._hides.get(other.set, ())
            and named.span[0] < other.span[1]
            and other.span[0] < named.span[1]
        )

    def _dated(self, told: Told, sentence: str, span: Span, clause: Span) -> str:
        """Return the set it belongs to: that of the past, when its clause says so."""
        if told.certainty != "confirmed":
            return told.set
        if told.set in self._over_of and self._is_over(sentence, span, clause):
            return self._over_of[told.set]
        if told.set not in self._past_of or (
            told.set in self._dated_by_words and self._years.beside(sentence, clause) is not None
        ):
            return told.set  # a year says more than "status na"
        words = sentence[slice(*clause)]
        if told.set in self._dated_by_words:
            words = _FULL_DATE.sub(" ", words)  # of a day it is not told here how long ago that is
        return self._past_of[told.set] if self._past.search(words) else told.set

    def _is_active(self, sentence: str, clause: Span) -> bool:
        """Whether the sentence says that a cancer is of today, or a medicine against it stands beside it."""
        begins, ends = clause
        if self._active.search(self._active_denied.sub(" ", sentence)):
            return True
        beside = sentence[begins : _next_clause(sentence, ends)[1]]
        return bool(self._treated.search(self._treated_before.sub(" ", beside)))

    def _is_over(self, sentence: str, span: Span, clause: Span) -> bool:
        """Whether its clause, or the next where that begins with it, says that something is over."""
        begins, ends = clause
        before, after = sentence[begins : span[0]], self._active_denied.sub(" ", sentence[span[1] : ends])
        following = self._active_denied.sub(" ", sentence[slice(*_next_clause(sentence, ends))])
        lasts = self._lasting.search(sentence[begins:ends])
        if self._over.search(following) and self._over_denied.search(following):
            return False
        if (found := self._over_before.search(before)) and not self._over_denied.search(before[: found.start()]):
            if self._over_headed.search(found.group()):
                if self._is_past_in_list(sentence, clause):
                    return True
            elif not lasts or self._over.search(found.group()):
                return True
        if self._over_denied.search(after):
            return False
        if self._over_headed.search(sentence[:begins]) and self._is_past_in_list(sentence, clause):
            return True  # one of a list: "VG: DM, mammacarcinoom"
        found = self._over.search(after)
        if (found and not self._beside.search(after[: found.start()])) or (
            not lasts and self._over_after.search(after)
        ):
            return True
        return bool(self._over_next.search(following)) and not (lasts and not self._over.search(following))

    def _is_past_in_list(self, sentence: str, clause: Span) -> bool:
        """Whether what stands in a list of the history is over: not what is of now, nor what seldom ends."""
        words = sentence[slice(*clause)]
        if self._now.search(words) or self._lasting.search(words):
            return False
        return not self._seldom_over.search(words) or self._years.beside(sentence, clause) is not None

    def _is_only_listed(self, sentence: str, span: Span, clause: Span) -> bool:
        """Whether the heading of its list and a year are all that says that something is over."""
        begins, ends = clause
        if not self._over_headed.search(sentence[: span[0]]) or self._years.beside(sentence, clause) is None:
            return False
        found = self._over_before.search(sentence[begins : span[0]])
        if found and not self._over_headed.search(found.group()):
            return False
        return not self._over.search(sentence[begins : _next_clause(sentence, ends)[1]])


def _clause(sentence: str, span: Span) -> Span:
    """Return where the clause around a name begins and ends."""
    begins = max((match.end() for match in _CLAUSE_END.finditer(sentence, 0, span[0])), default=0)
    ends = _CLAUSE_END.search(sentence, span[1])
    return begins, ends.start() if ends else len(sentence)


def _next_clause(sentence: str, ends: int) -> Span:
    """Return the clause behind one that ends here."""
    return ends + 1, _clause(sentence, (ends + 1, ends + 1))[1]


class _Years:
    """When something was, as a sentence says it: a year, or so many years ago."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self._ago = compiled(rf"\b(\d{{1,2}}) (?:{choice_of(languages, 'years')}) (?:{choice_of(languages, 'ago')})\b")
        self._leading = compiled(rf"\W*(?:(?:{choice_of(languages, 'in_year')})\s+)?(?:19|20)\d\d\W*")

    def beside(self, sentence: str, clause: Span) -> int | None:
        """Return the latest year in a clause, or in one beside it that is only a year: "longcarcinoom (2025)"."""
        begins, ends = clause
        following, leading = sentence[slice(*_next_clause(sentence, ends))], sentence[: max(begins - 1, 0)]
        is_led = self._leading.fullmatch(leading) is not None
        beside = [following] if _ONLY_YEAR.fullmatch(following) else [leading] if is_led else []
        return self._named(sentence[begins:ends]) or (self._named(beside[0]) if beside else None)

    def _named(self, sentence: str) -> int | None:
        """Return the latest year that a sentence names, else how many years ago it says, as a negative number."""
        named = [int(each) for each in _YEAR.findall(sentence)]
        if named:
            return max(named)
        ago = [int(each) for each in self._ago.findall(sentence)]
        return -min(ago) if ago else None


class _BodyParts:
    """Where a thrombosis is: "lung", "vein", or "" for either."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self._either = compiled(choice_of(languages, "either_names"))
        self._lung = compiled(choice_of(languages, "lung_names"))
        ultrasound, limbs = choice_of(languages, "ultrasound"), choice_of(languages, "limbs")
        self._veins_examined = compiled(
            rf"{choice_of(languages, 'vein_examined')}|\b(?:{ultrasound})\b.{{0,12}}\b(?:{limbs})\b"
        )
        self._lungs_examined = compiled(rf"\b(?:{choice_of(languages, 'lungs_examined')})\b")
        self._chest_examined = compiled(rf"\b(?:{choice_of(languages, 'chest_examined')})\b")

    def examined(self, sentence: str) -> str:
        """Return what an examination speaks of: a vein that is compressed says nothing of a lung."""
        if self._veins_examined.search(sentence):
            return "" if self._chest_examined.search(sentence) else "vein"
        return "lung" if self._lungs_examined.search(sentence) else ""

    def named(self, name: str) -> str:
        """Return what a name of a thrombosis speaks of."""
        return "lung" if self._lung.search(name) else "" if self._either.search(name) else "vein"


def _span(match: re.Match[str], pattern: TextPattern) -> Span:
    """Return where the name itself stands: some patterns begin before it, to look around."""
    name = next((each for each in pattern.pattern.groupindex if match[each] is not None), None)
    if name is not None:
        return match.span(name)
    if pattern.pattern.pattern.startswith("^"):
        return match.end() - len(match.group().split()[-1].lstrip("?(\"'")), match.end()
    start, end = match.span()
    while start > 0 and match.string[start - 1].isalpha():  # the name ends a longer word: "mammacarcinoom"
        start -= 1
    return start, end


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    return compiled("|".join(f"(?:{plain(word)})" for word in words) or NEVER)
