"""Amounts, rates and strengths in running text: `0,4 g/kg/dag, verdeeld over 5 dagen`, `300 ml 10 %-ig`.

The words are looked for in Dutch and English; `languages` puts those of other languages into English first.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from clinical.quantities import Quantity, interval
from parsers.medication.languages import in_english
from parsers.medication.units import CONCENTRATION, MASS, RATES, SentAmount, Unit, read_number, read_range, read_unit

_NUMBER = r"[0-9]{1,6}(?:[.,][0-9]{1,4}){0,2}"
_RANGE = rf"{_NUMBER}(?:\s?(?:-|–|tot|to|à)\s?{_NUMBER})?"
_START = r"(?<![\w.,/-])"
_MASS = r"(?:gram(?:s|men)?|gms?|gr|g|milligram(?:s)?|mgr|mg|microgram|mcg|ug|µg)"
_VOLUME = r"(?:millilit(?:er|re)s?|mls?|cc)"
_LITRES = r"(?:l|lit(?:er|re)s?|dl)"
_WEIGHT = r"(?:kg(?:\s?(?:kg|kgg|[iatl]?bw|lg|lichaamsgewicht|k[öo]rpergewicht))?|kilo(?:gram)?)"
_HOUR = r"(?:hours|uur|uren|u|hours?|hrs?|h|minuten|minuut|minutes?|min)"
_DAY = r"(?:dag|days|day|d|24\s?(?:uur|u|h)|etmaal)"
_OVER = r"\s*(?:/|\bper\b)\s*"
_END = r"(?![\w])"

_PIECES = (  # before what each holds: `3 flacons à 10 g`
    r"\s?(?:stuks?|fl(?:\.|es(?:sen)?|ac\w*|aschen?)?|vials?|viales|frascos?|fial[ae]|zakk?(?:en)?|poches?|beutel|bags?"
    r"|bottles?|durchstechflaschen?|ampul\w*|infusionsflaschen?|ампул\w*|флакон\w*)"
    r"\s*(?:(?:à|a|van|of|de|da|di|zu je|zu|je|x|по)\s)?\s*"
)
_DOSE = re.compile(
    rf"{_START}(?:(?P<count>[0-9]{{1,2}})(?:\s?[x×]\s?|(?P<pieces>{_PIECES})))?(?P<number>{_RANGE})\s*(?P<mass>{_MASS})"
    rf"(?P<kg>{_OVER}{_WEIGHT})?(?P<per>{_OVER}(?:{_DAY}|kuur|course))?{_END}"
    rf"(?!{_OVER}(?:[0-9.,]*\s?)(?:{_VOLUME}|{_LITRES}|{_WEIGHT}|{_HOUR}|fl\w*|vial\w*){_END})(?!\s*=\s*[0-9.,]+\s*{_VOLUME})",
    re.IGNORECASE,
)
_VOLUME_PER_KG = re.compile(
    rf"{_START}(?P<number>{_RANGE})\s*(?P<volume>{_VOLUME}){_OVER}{_WEIGHT}(?P<per>{_OVER}{_DAY})?{_END}(?!{_OVER}{_HOUR}{_END})",
    re.IGNORECASE,
)
_RATE = re.compile(
    rf"{_START}(?P<number>{_RANGE})\s*(?P<amount>{_MASS}|{_VOLUME})(?P<kg>{_OVER}{_WEIGHT})?{_OVER}(?P<time>{_HOUR}){_END}",
    re.IGNORECASE,
)
_STRENGTH = re.compile(
    rf"{_START}(?P<number>{_NUMBER})\s*(?P<mass>{_MASS})\s*(?:/|\bper\b|=)\s*(?P<volume>{_NUMBER})?\s*(?P<unit>{_VOLUME}|{_LITRES}){_END}",
    re.IGNORECASE,
)
_PERCENT = re.compile(  # the sign or its word, which Turkish writes first
    rf"{_START}(?P<number>{_NUMBER})\s*-?\s*(?:%|pct\b"
    r"|pro[cz]ent\w*|p(?:er|or|our) ?[cs]i?en\w*|százalék\w*|процент\w*)"
    rf"|(?<![\w%])%\s?(?P<behind>{_NUMBER}){_END}",
    re.IGNORECASE,
)
_DILUENT = re.compile(
    r"(?:glucose|gluc\.?|dextrose|nacl|na\s?cl|natriumchloride|sodium\s?chloride|zout|saline|ringer\w*|albumine?|water"
    r"|kcl|kaliumchloride|mannitol|manitol|g5)\s*(?:oplossing|infuus|iv|i\.v\.|inf\w*)?\s*$",
    re.IGNORECASE,
)
_ORDERED_VOLUME = re.compile(
    rf"(?<![\w.,/=-])(?:(?P<count>[0-9]{{1,2}})(?:\s?[x×]\s?|(?P<pieces>{_PIECES})))?"
    rf"(?P<number>{_RANGE})\s*(?P<unit>{_VOLUME}|l|lit(?:er|re)s?){_END}(?!{_OVER})",
    re.IGNORECASE,
)
_ORDERED_PIECES = re.compile(
    rf"(?<![\w.,/=-])(?P<count>[0-9]{{1,2}})(?P<pieces>{_PIECES})(?![\w])(?!\s*[0-9])", re.IGNORECASE
)
_OTHER_FLUID = re.compile(  # the volume near such a word is not of the immunoglobulin
    r"glu[ck]ose|dextros|na\s?cl|sodium|natrium|\bzout|saline|salin[ea]|ringer|albumin|water|\bkcl|kalium|mannit|manit|\bg5\b"
    r"|s[eé]rum|physiol|fysiol|kochsalz|fl[uü]ssigk|hydrat|hydrer|spoel|sp[uü]l|flush|rin[sc]|voorloop|verdun|dilu|verd[uü]nn"
    r"|oploss|oplos|opgelost|dissol|solv|gel[oö]st|drink|urin|plasma|bloed|blood|blut|parac|acetaminoph|prednis|medrol",
    re.IGNORECASE,
)
_NEAR = 30  # characters
COUNTED, FROM_VOLUME = "multiplied_in_text", "dose_from_volume"  # flags
_PACKAGE = re.compile(rf"(?<![\w.,/=])(?P<number>{_NUMBER})\s*(?P<unit>{_VOLUME}){_END}(?!{_OVER})", re.IGNORECASE)
_PACKAGE_MASS = re.compile(rf"{_START}(?P<number>{_NUMBER})\s*(?P<mass>{_MASS}){_END}(?!{_OVER})", re.IGNORECASE)
_DIVIDED = re.compile(
    r"(?P<sure>verdeeld|verspreid|gespreid|divided|split|spread)\s+(?:over|in)\s+(?P<first>[0-9]{1,2})"
    r"(?:\s?(?:-|tot|to|à)\s?(?P<last>[0-9]{1,2}))?\s*(?:achtereenvolgende\s|opeenvolgende\s|consecutive\s)?(?:dagen|dgn|days|d\b)"
    r"|\b(?:in|over)\s+(?P<days>[0-9]{1,2})(?:\s?(?:-|tot|to|à)\s?(?P<last_days>[0-9]{1,2}))?"
    r"\s*(?:achtereenvolgende\s|opeenvolgende\s|consecutive\s)?(?:dagen|dgn|days)\b",
    re.IGNORECASE,
)
_RISING = re.compile(
    r"verhog|ophog|opvoer|verdubbel|opbouw|increas|titrat|step\s?up|escalat|verder\s+op", re.IGNORECASE
)
_WEAKEST, _STRONGEST = 20, 250  # mg/mL: a lower concentration is a blood level of a patient
_PACKED_FROM = 10  # mL: a strength stated in this volume describes one package
_LONGEST_BARE_DIVISION = 10  # days: "over 28 dagen" is the time to the next visit

_NUMERALS = {
    word: str(number)
    for number, words in {
        1: "een één eén one",
        2: "twee two",
        3: "drie three",
        4: "vier four",
        5: "vijf five",
        6: "zes six",
        7: "zeven seven",
        8: "acht eight",
        9: "negen nine",
        10: "tien ten",
        12: "twaalf twelve",
    }.items()
    for word in words.split()
}
_SPELLED_OUT = re.compile(r"(?<=\d)\s?\([^()\d]{2,20}\)")  # "every 6 (six) hours"
_NUMERAL = re.compile(r"\b(" + "|".join(_NUMERALS) + r")(maal|keer)?\b", re.IGNORECASE)


def with_digits(text: str) -> str:
    """Write numbers in words as digits: `eenmaal per vier weken` becomes `1 maal per 4 weken`."""

    def digits(found: re.Match[str]) -> str:
        number = _NUMERALS[found[1].lower()]
        return f"{number} {found[2]}" if found[2] else number

    return _NUMERAL.sub(digits, _SPELLED_OUT.sub("", _in_english(text)))


def _in_english(text: str) -> str:
    """Return the text in the words that are looked for here; as it was where it has no others."""
    english = in_english(text)
    return text if english == text.lower() else english


@lru_cache(maxsize=512)
def find_doses(text: str) -> tuple[SentAmount, ...]:
    """Return every mass that may be a dose: g, g/kg, either of them per day; never a rate or a strength.

    Where a text has none, millilitres count: per kg, or beside a strength (flag `dose_from_volume`).
    """
    found = []
    for match in _DOSE.finditer(_in_english(text)):
        unit = read_unit(_compact(match["mass"], match["kg"], match["per"]))
        value = read_range(match["number"])
        if unit is None or value is None:
            continue
        found.append(SentAmount(_counted(value, match), unit))
    return tuple(found) or tuple(_volumes_per_kg(text)) or tuple(_of_a_strength(text))


def _volumes_per_kg(text: str) -> Iterator[SentAmount]:
    """Yield `6 ml/kg/dag`; millilitres alone may be of a solvent."""
    for match in _VOLUME_PER_KG.finditer(_in_english(text)):
        unit, value = read_unit(_compact(match["volume"], "/kg", match["per"])), read_range(match["number"])
        if unit is not None and value is not None:
            yield SentAmount(value, unit)


def _of_a_strength(text: str) -> Iterator[SentAmount]:
    """Yield the grams of a volume beside its strength: `300 ml 10%`, `5% 500cc`, `3 x 100 ml à 10 %`."""
    concentration = find_concentration(text)
    if concentration is None:
        return
    english = _in_english(text)
    rest = _PERCENT.sub(_blank, _STRENGTH.sub(_blank, english))
    volumes = list(_ordered_volumes(rest, english))
    if not volumes and (size := find_package_volume(text)) is not None:
        volumes = [_counted(size, match) for match in _ORDERED_PIECES.finditer(rest)]
    for volume in volumes:
        grams = volume * concentration.value / 1000
        yield SentAmount(interval(grams.low, grams.high, *grams.flags, FROM_VOLUME), Unit("g", MASS))


def _ordered_volumes(rest: str, text: str) -> Iterator[Quantity]:
    """Yield the millilitres in what is left of a text without its strengths, but not those of another fluid."""
    for match in _ORDERED_VOLUME.finditer(rest):
        volume, unit = read_range(match["number"]), read_unit(match["unit"])
        if volume is not None and unit is not None and not _OTHER_FLUID.search(_beside(text, match)):
            yield _counted(volume * unit.factor, match)


def _counted(each: Quantity, match: re.Match[str]) -> Quantity:
    """Return an amount as often as is said before it: `3 x` is one to three of it, `3 flacons` is all three."""
    count = int(match["count"] or 1)
    if count <= 1:
        return each
    least = each.low * count if match["pieces"] else each.low
    return interval(least, each.high * count, *each.flags, COUNTED)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _beside(text: str, found: re.Match[str]) -> str:
    """Return what stands near, up to the end of its part of the text."""
    before = _PART_END.split(text[max(0, found.start() - _NEAR) : found.start()])[-1]
    return before + _PART_END.split(text[found.end() : found.end() + _NEAR])[0]


_PART_END = re.compile(r"[;\n+]|,(?![0-9])")


@lru_cache(maxsize=512)
def find_rates(text: str) -> tuple[SentAmount, ...]:
    """Return every infusion rate, in the order they stand: several are steps."""
    found = []
    for match in _RATE.finditer(_in_english(text)):
        unit = read_unit(_compact(match["amount"], match["kg"], "/" + match["time"]))
        value = read_range(match["number"])
        if unit is not None and value is not None and unit.base in RATES:
            found.append(SentAmount(value, unit))
    return tuple(found)


def rises(text: str) -> bool:
    """Return whether the text says that a rate goes up without saying how far."""
    return _RISING.search(text) is not None


@lru_cache(maxsize=1024)
def find_concentration(text: str) -> SentAmount | None:
    """Return the strength in a product's name, in mg/mL: `100MG/ML`, `2,5 G=50 ML`, `10%`; not that of a diluent."""
    text = _in_english(text)
    for match in _STRENGTH.finditer(text):
        if _DILUENT.search(text[: match.start()]):
            continue
        mass, unit, per = read_number(match["number"]), read_unit(match["mass"]), read_unit(match["unit"])
        volume = read_number(match["volume"]) if match["volume"] else interval(1, 1)
        if mass is None or unit is None or volume is None or per is None or volume.low <= 0:
            continue
        strength = mass * (unit.factor * 1000) / (volume * per.factor)
        if per.name == "mL" or _WEAKEST <= strength.low <= _STRONGEST:
            return SentAmount(strength, Unit("mg/mL", CONCENTRATION))
    for match in _PERCENT.finditer(text):
        if _DILUENT.search(text[: match.start()]):
            continue
        percent = read_number(match["number"] or match["behind"])
        if (
            percent is not None and percent.low >= 3 and percent.high <= 25
        ):  # 0,9% is salt; no immunoglobulin is stronger
            return SentAmount(percent * 10, Unit("mg/mL", CONCENTRATION))
    return None


def find_package_volume(text: str) -> Quantity | None:
    """Return the millilitres of one package, when the text names exactly one volume: `INFVLST 100MG/ML FLACON 50ML`.

    Where it names none but in its strength, `10 GRAM/100 ML`, it is that.
    """
    volumes = {number.high: number for match in _PACKAGE.finditer(text) if (number := read_number(match["number"]))}
    if not volumes:
        stated = [number for match in _STRENGTH.finditer(text) if (number := _millilitres(match)) is not None]
        volumes = {number.high: number for number in stated if number.low >= _PACKED_FROM}
    return volumes.popitem()[1] if len(volumes) == 1 else None


def _millilitres(strength: re.Match[str]) -> Quantity | None:
    is_small = (read_unit(strength["unit"]) or Unit("", "")).name == "mL"
    return read_number(strength["volume"]) if strength["volume"] and is_small else None


def find_package_mass(text: str) -> Quantity | None:
    """Return the grams of one package, if the text has one mass that is not a strength: `Kiovig 10 g flacon`."""
    masses: dict[Decimal, Quantity] = {}
    for match in _PACKAGE_MASS.finditer(text):
        number, unit = read_number(match["number"]), read_unit(match["mass"])
        if number is not None and unit is not None:
            grams = number * unit.factor
            masses[grams.high] = grams
    return masses.popitem()[1] if len(masses) == 1 else None


@lru_cache(maxsize=512)
def days_divided_over(text: str) -> tuple[int, int] | None:
    """Over how many days a text spreads the amount: `verdeeld over 2-5 dagen`, `in 2 days`."""
    for match in _DIVIDED.finditer(with_digits(text)):
        sure = match["sure"] is not None
        first = int(match["first"] or match["days"])
        last = int(match["last"] or match["last_days"] or first)
        low, high = min(first, last), max(first, last)
        if 1 < high <= (31 if sure else _LONGEST_BARE_DIVISION) and low > 0:
            return low, high
    return None


def _compact(*parts: str | None) -> str:
    """One unit of the pieces a text was matched in."""
    text = "".join(part for part in parts if part)
    return re.sub(r"\s*(?:/|\bper\b)\s*", "/", text, flags=re.IGNORECASE).replace(" ", "")
