"""Words about measurements. A preliminary result may make a condition hold; it never makes one fail."""

from decimal import Decimal

from rules.conditions.vocabulary import COMPARISONS, Kind, WrittenCondition, compare, word
from rules.dates import days, may_be_within
from rules.picture import MeasuredValue, Picture
from rules.terms import Check, Outcome


@word(Kind.MEASUREMENT, needs={"within_days": Kind.NUMBER, "if_missing": Kind.ANSWER}, compares=COMPARISONS)
def latest(written: WrittenCondition) -> Check:
    """The newest value that is not too old; none, undated or in an unknown unit counts as missing."""
    window, missing = days(written.number("within_days")), written.holds("if_missing")
    comparison, limit = written.limit
    unknown = Outcome(missing, saw="missing")

    def check(picture: Picture) -> Outcome:
        at = picture.case.at
        for reading in picture.readings(written.name):
            if not may_be_within(reading.fact, at, window):
                break
            if compare(comparison, reading.low, reading.high, limit):
                return Outcome(held=True, facts=(reading.fact,), saw=_value(reading))
            if not reading.preliminary:
                return Outcome(held=False, saw=_value(reading))
        return unknown

    return check


def _value(reading: MeasuredValue) -> str:
    fact = reading.fact
    value = fact.value.low if fact.value else Decimal(0)
    return f"{fact.comparator}{value} {fact.unit}".strip()


@word(Kind.NUMBER, needs={"if_missing": Kind.ANSWER})
def aged_at_least(written: WrittenCondition) -> Check:
    """The age in whole years at the judged moment."""
    limit, missing = written.value, written.holds("if_missing")

    def check(picture: Picture) -> Outcome:
        age = picture.age
        if age is None:
            return Outcome(held=missing, saw="age unknown")
        return Outcome(held=age >= limit, saw=f"{age} years")

    return check
