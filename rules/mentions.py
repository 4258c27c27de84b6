"""Which value sets a fact belongs to: by its codes, and by its words."""

from collections.abc import Mapping

from rules.codes import coding_of_words
from rules.facts import HISTORY, Fact
from rules.terms import Mentions, Terms

OWN = frozenset({"confirmed", "unknown"})
NARRATIVES = "history-in-words"  # tests whose result is a written history
_LOOKALIKES = "venous-thromboembolism-lookalikes"
_THROMBOSIS = "venous-thromboembolism"


def mentions_of(fact: Fact, terms: Terms) -> Mentions:
    """Return the value sets of a fact; remembered by its codes, words, kind and certainty."""
    remembered = terms.memory.mentions
    key = (fact.codings, fact.text, fact.kind, fact.certainty)
    found = remembered.get(key)
    return remembered.keep(key, _mentions(fact, terms)) if found is None else found


def _mentions(fact: Fact, terms: Terms) -> Mentions:
    codes, words = terms.codes, terms.words
    # Words that a hospital mapped count where they stand for a diagnosis, as a code of it does.
    known_by = (*fact.codings, coding_of_words(fact.text)) if fact.text and fact.kind in HISTORY else fact.codings
    names = {name: fact.certainty for coding in known_by for name in codes.sets_of(coding)}
    is_narrative = fact.kind == "observation" and NARRATIVES in names
    if fact.kind != "observation" or is_narrative:
        _add_words(fact, names, terms, is_narrative=is_narrative)
    narrated = tuple(words.excerpts(fact.text).items()) if is_narrative else ()
    own = tuple(sorted(name for name, certainty in names.items() if certainty in OWN))
    others = tuple(sorted((name, certainty) for name, certainty in names.items() if certainty not in OWN))
    is_history = is_narrative or fact.kind in HISTORY
    dated = words.years(fact.text) if fact.text and is_history else {}
    years = tuple((name, year) for name, year in dated.items() if name in own)
    listed = tuple(words.listed(fact.text).items()) if dated else ()
    return Mentions(codes.bits_of(names), own, others, narrated, years, listed)


def _add_words(fact: Fact, names: dict[str, str], terms: Terms, *, is_narrative: bool) -> None:
    """Add what the words of a fact name, and what they say of its code; a look-alike code silences the words."""
    text = fact.text or "; ".join(coding.display for coding in fact.codings if coding.display)
    if not text:
        return
    if fact.kind == "medication":
        for name in terms.words.sets_named(text):
            names.setdefault(name, fact.certainty)
    elif (is_narrative or fact.kind in HISTORY) and _LOOKALIKES not in names:
        doubt = _doubt_of_code(fact, names, terms)
        for name, certainty in terms.words.surest(text).items():
            names.setdefault(name, _lesser(fact.certainty, certainty))
        names.update(doubt)


def _doubt_of_code(fact: Fact, names: Mapping[str, str], terms: Terms) -> dict[str, str]:
    """Return the certainty of a code with the words beside it: ruled out stays so, other denials are doubts.

    The displays of a code speak only where nothing else does.
    """
    coded = [name for name, certainty in names.items() if certainty in OWN]
    if not coded:
        return {}
    displays = {coding.display for coding in fact.codings}
    typed = "; ".join(part for part in fact.text.split("; ") if part not in displays)
    words = terms.words
    said = words.surest(typed) if typed else {}
    text = typed if any(_subject(name) in map(_subject, said) for name in coded) else fact.text
    found: dict[str, str] = {}
    for name in coded:
        written = [each for other, each in words.surest(text).items() if _subject(other) == _subject(name)]
        if written and not any(each in OWN for each in written):
            ruled_out = set(written) == {"refuted"} and words.rules_out(text)
            found[name] = "refuted" if ruled_out else "suspected"
    return found


def _lesser(stated: str, written: str) -> str:
    """Combine what a field states with what its words say: a denial in either wins, then a doubt."""
    if stated in OWN or written in ("refuted", "family"):
        return stated if stated == "refuted" else written
    return stated


def _subject(name: str) -> str:
    """Return the subject of a value set: those of venous thrombosis (history, acute, possible) are one subject."""
    return _THROMBOSIS if name.startswith(_THROMBOSIS) else name
