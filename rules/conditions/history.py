"""Words about what the patient has or had. Only certainty `confirmed` or `unknown` counts, unless the word says so."""

from datetime import timedelta

from rules.conditions.vocabulary import Kind, WrittenCondition, word
from rules.dates import days, days_between, last_moment, may_be_within, show_in_trace
from rules.facts import DOSE_WORDS, Dose, Fact
from rules.mentions import OWN
from rules.picture import Picture
from rules.terms import Check, Outcome

_SUSPECTED, _FAMILY = frozenset({"suspected"}), frozenset({"family"})
_NO = Outcome(held=False)
_SHOWN = 3


def saw(facts: list[Fact]) -> str:
    """Write facts for the trace: code or words, and date; of many, the first few."""
    more = f"; +{len(facts) - _SHOWN}" if len(facts) > _SHOWN else ""
    return "; ".join([f"{_label(fact)} ({_when(fact)})" for fact in facts[:_SHOWN]]) + more


def _label(fact: Fact) -> str:
    return fact.codings[0].code if fact.codings else fact.text


def _when(fact: Fact) -> str:
    return show_in_trace(fact.starts, fact.precision) if fact.starts else "undated"


def _found(facts: list[Fact]) -> Outcome:
    return Outcome(held=True, facts=tuple(facts), saw=saw(facts)) if facts else _NO


def is_new(fact: Fact, picture: Picture, window: timedelta) -> bool:
    """Whether a fact may have begun in the window; one without a date may have."""
    return fact.starts is None or may_be_within(fact, picture.case.at, window)


@word(Kind.SETS)
def ever_diagnosed(written: WrittenCondition) -> Check:
    """Any time, dated or not, also resolved."""

    def check(picture: Picture) -> Outcome:
        return _found(picture.history(written.names))

    return check


@word(Kind.SETS)
def now_has(written: WrittenCondition) -> Check:
    """On record and neither resolved, inactive nor ended."""

    def check(picture: Picture) -> Outcome:
        return _found([fact for fact in picture.history(written.names) if picture.is_present(fact)])

    return check


@word(Kind.SETS)
def now_has_undated(written: WrittenCondition) -> Check:
    """On record without a date, and neither resolved, inactive nor ended."""

    def check(picture: Picture) -> Outcome:
        facts = picture.history(written.names)
        return _found([fact for fact in facts if fact.starts is None and picture.is_present(fact)])

    return check


@word(Kind.SETS, needs={"within_days": Kind.NUMBER, "if_undated": Kind.ANSWER})
def diagnosed_recently(written: WrittenCondition) -> Check:
    """Dated at most so many days before the judged moment, or after it; a vague date counts when it may be."""
    window, undated = days(written.number("within_days")), written.holds("if_undated")

    def check(picture: Picture) -> Outcome:
        at = picture.case.at
        return _found(
            [
                fact
                for fact in picture.history(written.names)
                if (undated and fact.starts is None) or may_be_within(fact, at, window)
            ]
        )

    return check


@word(Kind.SETS, needs={"more_than_days": Kind.NUMBER, "if_undated": Kind.ANSWER})
def diagnosed_before(written: WrittenCondition) -> Check:
    """Dated more than so many days before the judged moment."""
    window, undated = days(written.number("more_than_days")), written.holds("if_undated")

    def check(picture: Picture) -> Outcome:
        at = picture.case.at
        return _found(
            [
                fact
                for fact in picture.history(written.names)
                if (undated if fact.starts is None else not may_be_within(fact, at, window))
            ]
        )

    return check


@word(Kind.SETS)
def suspected(written: WrittenCondition) -> Check:
    """Recorded as suspected only."""

    def check(picture: Picture) -> Outcome:
        return _found(picture.with_certainty(written.names, _SUSPECTED))

    return check


@word(Kind.SETS)
def in_family(written: WrittenCondition) -> Check:
    """Recorded of a relative."""

    def check(picture: Picture) -> Outcome:
        return _found(picture.with_certainty(written.names, _FAMILY))

    return check


@word(Kind.SETS, may={"last_days": Kind.NUMBER})
def found_positive(written: WrittenCondition) -> Check:
    """A result in words that says it was found; with `last_days` no older than that, or undated."""
    window = days(written.number("last_days")) if "last_days" in written.parts else None

    def check(picture: Picture) -> Outcome:
        results = [fact for fact in picture.with_certainty(written.names, OWN) if fact.kind == "observation"]
        if window is not None:
            results = [fact for fact in results if is_new(fact, picture, window)]
        return _found([fact for fact in results if picture.terms.words.is_positive(fact.text)])

    return check


@word(Kind.SETS, needs={"within_days": Kind.NUMBER})
def diagnosed_after_ivig(written: WrittenCondition) -> Check:
    """Begun at most so many days after a dose of IVIg, or stated as a reaction to it, whatever its date.

    A date without a month is too vague to say so.
    """
    window = days(written.number("within_days"))

    def check(picture: Picture) -> Outcome:
        facts: list[Fact] = []
        for event in picture.history(written.names):
            if event.is_reaction:
                facts.append(event)
                continue
            last = last_moment(event)
            if event.starts is None or last is None or event.precision == "year":
                continue
            doses = [
                each for each in picture.case.doses if each.at <= last and days_between(each.at, event.starts) <= window
            ]
            if doses:
                facts += [event, dose_fact(doses[-1])]
        return _found(facts)

    return check


def dose_fact(dose: Dose) -> Fact:
    """Return a dose as a fact, so that a finding leads back to its message."""
    words = DOSE_WORDS[0] if dose.given else DOSE_WORDS[1]
    return Fact(
        "medication", (), words, dose.grams, "g" if dose.grams else "", starts=dose.at, precision="minute",
        route="IV", provenance=dose.provenance,
    )  # fmt: skip  # one line of what, one of where
