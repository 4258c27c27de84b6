"""How often and how long: a pattern of table 0335, a local code, or words → hours between two starts."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from clinical.quantities import unique
from parsers.medication.languages import weekdays_among, weekdays_in
from parsers.medication.medication_text import with_digits
from parsers.medication.units import HOURS, read_number, read_unit


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time, or a number of occurrences, or an amount after which to stop."""

    hours: Decimal | None = None
    occurrences: int | None = None
    until: Decimal | None = None  # Tn: until this much has been given
    flags: tuple[str, ...] = ()


NONE = Duration()
_A_TABLE = re.compile(r"HL7[0-9]{3,5}", re.IGNORECASE)  # `1^QD^HL70335`: the table of the pattern, and no duration
_LETTERS = {"S": "s", "M": "min", "H": "h", "D": "d", "W": "wk", "L": "mo"}
_PREFIXED = re.compile(r"([SMHDWLXT])\s*([0-9]{1,5}(?:[.,][0-9]{1,2})?)", re.IGNORECASE)
_SUFFIXED = re.compile(r"([0-9]{1,5}(?:[.,][0-9]{1,2})?)\s*([a-z.]{0,9})", re.IGNORECASE)
_IN_TEXT = re.compile(
    r"(?<![\w.,/])(?<!\bover )(?<!\bin )(?<!\bper )(?<!\bp )(?<!\belke )(?<!\bom de )(?<!\bevery )(?<!\bna )"
    r"(?<!\biedere )(?<!\bin de )(?<!\bq )"
    r"(?:x\s*)?(?P<count>[0-9]{1,3})\s*(?P<unit>d|dagen|dgn|days?|wk|wkn|weken|weeks?|mnd|maanden|months?)\b"
)
_TIMES_IN_TEXT = re.compile(
    r"(?:\b|(?<=\bx))(?P<count>[0-9]{1,2})\s*(?:giften|gift|doses|infusies|infusions|toedieningen|kuren)\b"
)


@lru_cache(maxsize=4096)
def read_duration(text: str, unit: str = "") -> Duration:
    """Read a duration as HL7 (`D5`) or as people (`5 dagen`) write it; a number needs its unit."""
    text = text.strip().replace("(s)", "s").replace("(S)", "S")  # Cerner writes `5 dose(s)`
    if not text or text.upper() == "INDEF" or _A_TABLE.fullmatch(text):
        return NONE
    if found := _PREFIXED.fullmatch(text):
        return _prefixed(found[1].upper(), found[2])
    if found := _SUFFIXED.fullmatch(with_digits(text)):
        return _counted(found[1], found[2] or unit)
    return Duration(flags=("duration_unread",))


def _prefixed(letter: str, digits: str) -> Duration:
    number = read_number(digits)
    if number is None:
        return Duration(flags=("duration_unread",))
    if letter == "X":
        return Duration(occurrences=int(number.high)) if number.high >= 1 else NONE
    if letter == "T":
        return Duration(until=number.high, flags=("until_amount",))
    return _counted(digits, _LETTERS[letter])


def _counted(digits: str, unit_text: str) -> Duration:
    number, unit = read_number(digits), read_unit(unit_text)
    if number is None or number.high == 0:
        return NONE
    if unit_text.lower() in ("x", "keer", "maal", "times", "dose", "doses", "giften", "infusions"):
        return Duration(occurrences=int(number.high))
    if unit is None or unit.base != HOURS:
        return Duration(flags=("duration_unread",))
    return Duration(hours=(number * unit.factor).high, flags=number.flags)


@lru_cache(maxsize=512)
def duration_in(text: str) -> Duration:
    """Find for how long in running text: `gedurende 5 dagen`, `po bid x 5d`, `6 giften`."""
    text = with_digits(text.lower())
    if found := _TIMES_IN_TEXT.search(text):
        return Duration(occurrences=int(found["count"]))
    if found := _IN_TEXT.search(text):
        return _counted(found["count"], found["unit"])
    return NONE


DAY, WEEK, MONTH = Decimal(24), Decimal(168), Decimal(720)
_HOURS = {
    "S": Decimal(1) / 3600,
    "M": Decimal(1) / 60,
    "H": Decimal(1),
    "D": DAY,
    "W": WEEK,
    "L": MONTH,
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a frequency means. `hours` is None for a single time and for what nobody knows."""

    hours: Decimal | None = None
    per_period: int = 1
    once: bool = False
    months: int = 0  # calendar months, of which `hours` is only the usual length
    weekdays: tuple[int, ...] = ()  # 1 is Monday
    flags: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether it says how often."""
        return self.once or self.hours is not None

    @property
    def per_day(self) -> Decimal:
        """Administrations in a day of administration: at least one."""
        if self.hours is None:
            return Decimal(1)
        return max(Decimal(1), self.per_period * DAY / self.hours)


ONCE = Pattern(once=True)
UNKNOWN = Pattern(flags=("unknown_pattern",))

_ONCE = frozenset(
    [
        "ONCE",
        "1X",
        "X1",
        "X001",
        "STAT",
        "NOW",
        "EENMALIG",
        "ENKEL",
        "ONETIME",
        "1TIME",
        "SINGLE",
        "SINGLEDOSE",
        "EENMAAL",
        "ONCEONLY",
        "1XONLY",
        "DIRECT",
        "NU",
    ]
)
_NAMED = {
    word: Pattern(Decimal(hours), count)
    for (hours, count), words in {  # a bare Qn is so many hours
        (
            24,
            1,
        ): "QD Q1D SID QAM QPM QHS HS AM PM OD DAILY QDAY QDAILY QN QNOC NOCTE MANE DD 1DD 1D EVERYDAY ONCEDAILY Q24",
        (24, 2): "BID BD 2D TWICEDAILY",
        (24, 3): "TID TDS QSHIFT 3D",
        (24, 4): "QID QDS 4D",
        (48, 1): "QOD EOD QAD QODAY Q48",
        (168, 1): "QW QWK QWEEK WEEKLY QWEEKLY",
        (84, 1): "BIW",
        (56, 1): "TIW",
        (336, 1): "QOW EOW BIWEEKLY",
        (4, 1): "Q4",
        (6, 1): "Q6",
        (8, 1): "Q8",
        (12, 1): "Q12",
    }.items()
    for word in words.split()
}
_MONTHLY = frozenset(["QM", "QMO", "QMONTH", "MONTHLY", "QMONTHLY", "QL"])
_INTERVAL = re.compile(r"Q([0-9]{0,3})([SMHDWL])")
_LONG_INTERVAL = re.compile(r"Q([0-9]{0,3})(WK|WKS|WEEK|WEEKS|DAY|DAYS|MO|MON|MONTH|MONTHS|HR|HRS|HOUR|HOURS|U)")
_SO_MANY_HOURS = re.compile(r"(?:1X)?(?:C?/)?([0-9]{1,3})(?:H|HR|HRS|UUR|STD)")
_SCHEME = re.compile(r"(?<![0-9-])[0-2](?:-[0-2]){2,3}(?![0-9-])")  # in the morning, at noon, in the evening, at night
_WEEKDAYS = re.compile(r"Q([0-9]{0,2})J([1-7]{1,7})")
_TIMES_A_DAY = re.compile(r"([1-9][0-9]?)(?:ID|XD|DD[0-9]*|XDAAGS|D[0-9]{1,2}[A-Z]{0,3})")
_TIMES_A_WEEK = re.compile(r"([1-9])(?:XW|XWK|W[0-9]{1,2}[A-Z]{0,3})")
_LETTER = {"W": "W", "D": "D", "M": "L", "H": "H", "U": "H"}


@lru_cache(maxsize=4096)
def read_pattern(text: str) -> Pattern:
    """Read a pattern; one we do not know is returned as UNKNOWN, with its flag."""
    code = re.sub(r"[\s.]", "", text.upper())[:60]
    if code in _ONCE:
        return ONCE
    if code.startswith("PRN"):
        return _when_needed(text.strip()[3:])
    if code in ("C", "CONT", "CONTINU", "CONTINUOUS", "CONTINUOUSLY"):
        return Pattern(DAY, flags=("continuous",))
    coded = _NAMED.get(code) or _coded(code)
    if coded is None and (days := weekdays_in(text)):
        return Pattern(WEEK, len(days), weekdays=days)
    return coded if coded is not None else pattern_in(text)


def _when_needed(rest: str) -> Pattern:
    """As needed: the highest stated frequency, else once a day."""
    stated = read_pattern(rest) if rest.strip() else UNKNOWN
    if stated.hours is None:
        return Pattern(DAY, flags=("prn",))
    return Pattern(stated.hours, stated.per_period, months=stated.months, flags=("prn", *stated.flags))


def _coded(code: str) -> Pattern | None:
    if code in _MONTHLY:
        return Pattern(MONTH, months=1, flags=("pattern_assumed",) if code == "QM" else ())
    if found := _INTERVAL.fullmatch(code):
        return _every(int(found[1] or 1), found[2])
    if found := _LONG_INTERVAL.fullmatch(code):
        return _every(int(found[1] or 1), _LETTER[found[2][0]])
    if found := _SO_MANY_HOURS.fullmatch(code):
        return _every(int(found[1]), "H")
    if found := _SCHEME.fullmatch(code):
        return _of_scheme(found[0])
    if found := _WEEKDAYS.fullmatch(code):
        days = tuple(sorted({int(day) for day in found[2]}))
        weeks = int(found[1] or 1)
        return Pattern(WEEK * weeks, len(days), weekdays=days) if weeks else None
    if found := _TIMES_A_DAY.fullmatch(code):
        return Pattern(DAY, int(found[1]))
    if found := _TIMES_A_WEEK.fullmatch(code):
        return Pattern(WEEK, int(found[1]))
    return None


def _of_scheme(scheme: str) -> Pattern:
    """`1-0-1` is twice a day."""
    times = sum(part != "0" for part in scheme.split("-"))
    return Pattern(DAY, times) if times else UNKNOWN


def every(count: int, unit: str) -> Pattern | None:
    """Once in so many of a unit, named by its HL7 letter (S M H D W L) or its word in `parsers.units`."""
    letter = {"s": "S", "min": "M", "h": "H", "d": "D", "wk": "W", "mo": "L"}.get(unit, unit)
    return _every(count, letter) if letter in _HOURS else None


def _every(count: int, letter: str) -> Pattern | None:
    if count < 1:
        return None
    # QnM is minutes by the standard, but no medicine is given every four minutes.
    flags = ("minutes_period",) if letter in "SM" else ()
    return Pattern(_HOURS[letter] * count, months=count if letter == "L" else 0, flags=flags)


_UNIT = (
    r"(?P<unit>uren|uur|u|hours?|hrs?|h|dagen|dag|days?|dgn|d|weken|week|weeks|wkn|wks|wk|w|maanden|maand|mnd|months?|mo)"
    r"\b"
)
_TIMES = r"(?P<times>[0-9]{1,2})\s*(?:x|×|maal|keer|times|dd)\b"
_A_COURSE_DAY = (  # `1x dag 1, 8, 15`, `1x day 1 every 21 days`, but `1x dag 20 g`
    r"\s*[0-9]++(?:[.,/-][0-9]++)*+\s*(?:$|[,;.)&+]|(?:en|and|et|und|t/m|tot|to|elke|every|iedere|each|per|daarna|then)\b)"
)
_COUNTED = re.compile(
    rf"\b{_TIMES}\s*(?:daags|daily|(?P<weekly>weekly|wekelijks|in a week)|(?P<monthly>monthly|maandelijks)"
    rf"|(?P<bare>dag|day|week|maand|month)\b(?!{_A_COURSE_DAY})"
    rf"|(?:per|/|p\.?|a|each|every|in de|elke|iedere)\s*(?P<n>[0-9]{{1,3}})?\s*{_UNIT})"
)
_EVERY = re.compile(rf"\b(?:elke|iedere|om de|every|each|q)\s*(?P<n>[0-9]{{1,3}})?\s*{_UNIT}")
_FROM_TO = re.compile(  # `every 3-4 weeks`, `om de 3 à 4 weken`, `1x/3-4wk`
    r"((?:\b(?:elke|iedere|om de|every|each|q|per)|/)\s*)([0-9]{1,2})"
    r"\s*(?:-|–|à|a|to|tot|or|of|bis|do)\s*[0-9]{1,2}(?=\s*[a-z])"
)
_PER = re.compile(
    r"(?:\bper|/)\s*(?P<n>[0-9]{1,3})?\s*(?P<unit>dagen|dag|days?|d|weken|week|weeks|wkn|wks|wk|maanden|maand|mnd|months?)\b"
)
_WORDS = (
    (re.compile(r"\bdaily-on-end\b"), Pattern(DAY)),  # `every 4 weeks, day 1-5`: the days of the course count
    (re.compile(r"\b(?:eenmalig|single dose|once only|one time|1 malig)\b|^\s*(?:once|1 maal|1 keer|1x)\s*$"), ONCE),
    (re.compile(r"\b(?:om de dag|every other day|alternate days?|om de andere dag)\b"), Pattern(Decimal(48))),
    (re.compile(r"\b(?:om de week|every other week)\b"), Pattern(WEEK * 2)),
    (re.compile(r"\btwice (?:daily|a day)\b"), Pattern(DAY, 2)),
    (re.compile(r"\btwice (?:weekly|a week|per week|each week)\b"), Pattern(WEEK, 2)),
)
_LATER_WORDS = (
    (re.compile(r"\b(?:dagelijks|daags|daily|per dag)\b"), Pattern(DAY)),
    (re.compile(r"\b(?:wekelijks|weekly)\b"), Pattern(WEEK)),
    (re.compile(r"\b(?:maandelijks|monthly)\b"), Pattern(MONTH, months=1)),
)
_TOKEN = re.compile(r"\b(?:qd|bid|tid|qid|qod|q[0-9]{1,3}[hdwl]|[1-9]\s?dd[0-9]*)\b")


@lru_cache(maxsize=512)
def pattern_in(text: str) -> Pattern:
    """Find how often in running text: `1x per 4 weken`, `om de dag`, `po bid x 5d`; else UNKNOWN."""
    text = with_digits(text.lower().replace("×", "x"))
    if _FROM_TO.search(text):
        shortest = pattern_in(_FROM_TO.sub(r"\1\2", text))
        return replace(shortest, flags=unique((*shortest.flags, "pattern_assumed")))
    for expression, pattern in _WORDS:
        if expression.search(text):
            return pattern
    if found := _COUNTED.search(text):
        named = "w" if found["weekly"] else "mo" if found["monthly"] else "d"
        counted = _from_words(found["n"], found["unit"] or found["bare"] or named, int(found["times"]))
        return _of_the_course(text, counted) if found["bare"] else counted
    if found := _EVERY.search(text):
        return _from_words(found["n"], found["unit"], 1)
    if found := _SCHEME.search(text):
        return _of_scheme(found[0])
    for expression, pattern in _LATER_WORDS:
        if expression.search(text):
            return pattern
    if found := _TOKEN.search(text):
        return read_pattern(found[0])
    if found := _PER.search(text):
        return _from_words(found["n"], found["unit"], 1)
    if days := weekdays_among(text):
        return Pattern(WEEK, len(days), weekdays=days)
    return UNKNOWN


def _of_the_course(text: str, counted: Pattern) -> Pattern:
    """Return how often the course recurs where the words say that too, unless they also say how long it lasts."""
    found = _EVERY.search(text) or _PER.search(text)
    course = _from_words(found["n"], found["unit"], 1) if found else UNKNOWN
    if counted.hours is None or course.hours is None or course.hours <= counted.hours:
        return counted
    lasts = duration_in(text).hours
    return counted if lasts is not None and lasts < course.hours else course


def _from_words(count: str | None, unit: str, times: int) -> Pattern:
    letter = "L" if unit.startswith("m") else "H" if unit[0] in "uh" else unit[0].upper()
    pattern = _every(int(count or 1), letter)
    if pattern is None or times < 1:
        return UNKNOWN
    return Pattern(pattern.hours, times, months=pattern.months, flags=pattern.flags)
