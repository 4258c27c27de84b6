"""Laboratory results and measurements: OBX, in any message."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from clinical.codes import Coding
from clinical.events import Header, Observation
from clinical.identities import Identifier
from clinical.times import Moment
from parsers.chart.body_measures import MEASURED_IN, WEIGHT, is_weight, measure_named, read_weight, weighs_in_pounds
from parsers.chart.patients import event_time
from parsers.defaults import Defaults
from parsers.hl7.codes import read_all_codings, read_coded, read_words
from parsers.hl7.segments import NULL, Message, Segment
from parsers.hl7.times import moment, read_time, stamp
from parsers.medication.units import read_number
from parsers.medication.units import read_unit as read_dose_unit

_UCUM = {
    "10*9/L": "10*9/l 10^9/l x10^9/l x10*9/l 10e9/l x10e9/l 10e+9/l 10x9/l 10^9l giga/l g.pt/l gpt/l /nl 10(9)/l"
    " x10(9)/l 10exp9/l 1e9/l k/ul k/mm3 10^3/ul 10*3/ul 10e3/ul x10^3/ul x10e3/ul 10^3/mm3 thou/ul thousand/ul",
    "10*12/L": "10*12/l 10^12/l x10^12/l x10*12/l 10e12/l x10e12/l tera/l /pl 10^6/ul 10*6/ul x10^6/ul m/ul 10e6/ul",
    "umol/L": "umol/l µmol/l μmol/l mcmol/l micromol/l",
    "mmol/L": "mmol/l",
    "nmol/L": "nmol/l",
    "g/L": "g/l gr/l gram/l",
    "g/dL": "g/dl",
    "mg/dL": "mg/dl mg%",
    "mg/L": "mg/l",
    "ug/L": "ug/l µg/l μg/l mcg/l",
    "ug/mL": "ug/ml µg/ml μg/ml mcg/ml",
    "ng/mL": "ng/ml",
    "ng/L": "ng/l",
    "pg/mL": "pg/ml",
    "ug/L{FEU}": "ug/lfeu µg/lfeu μg/lfeu ugfeu/l µgfeu/l feuug/l ug{feu}/l ug/l{feu} mcgfeu/l mcg/lfeu",
    "ng/mL{FEU}": "ng/mlfeu ngfeu/ml ng{feu}/ml ng/ml{feu}",
    "mg/L{FEU}": "mg/lfeu mgfeu/l mg{feu}/l mg/l{feu} ug/mlfeu µg/mlfeu ugfeu/ml ug{feu}/ml mcg/mlfeu mcgfeu/ml",
    "U/L": "u/l e/l ie/l iu/l eh/l",
    "U/mL": "u/ml ie/ml iu/ml",
    "kU/L": "ku/l",
    "mL/min": "ml/min",
    "mL/min/{1.73_m2}": "ml/min/{1.73_m2} ml/min/1.73m2 ml/min/1,73m2 ml/min/1.73m^2 ml/min/1,73m^2 ml/min/1.73m²"
    " ml/min/1,73m² ml/min/1.73 ml/min/1,73 ml/min/{1.73m2} ml/min/{1.73} ml/min/[1.73_m2] ml/min/1.73m*2",
    "{INR}": "{inr} inr inr-eenheden {ratio}inr",
    "1": "1 {ratio} ratio",
    "%": "% procent percent",
    "kg": "kg kilogram kilo kgs kilograms kilogramm kilogramme kilogrammes kilogramos kilogrammi kilogramas kg. кг",
    "g": "g gram gr grams",
    "[lb_av]": "lb lbs [lb_av] pound pounds lb. lbs.",
    "[oz_av]": "oz ounce ounces [oz_av] oz.",
    "[stone_av]": "stone stones [stone_av]",
    "[degF]": "[degf] degf °f fahrenheit",
    "cm": "cm centimeter centimeters",
    "m": "m meter",
    "[in_i]": "in inch inches [in_i] [in_us]",
    "kg/m2": "kg/m2 kg/m^2 kg/m² kg/m*2",
    "s": "s sec seconden seconds secs",
    "mm/h": "mm/h mm/hr mm/u mm/uur",
    "mPa.s": "mpa.s mpas mpa*s mpa·s cp centipoise",
    "mm[Hg]": "mmhg mm[hg] mmhg.",
    "/min": "/min bpm /minuut slagen/min",
    "Cel": "cel °c graden celsius degc c",
    "L/L": "l/l",
    "fL": "fl",
}
_OURS = {spelling: ucum for ucum, spellings in _UCUM.items() for spelling in spellings.split()}
_BLANKS = re.compile(r"\s+")


def ucum_of(written: str) -> str:
    """Return the UCUM spelling of a unit; an unknown one is returned as written."""
    spelled = _BLANKS.sub("", written).lower()
    return _OURS.get(spelled) or _OURS.get(spelled.strip("()[]")) or written.strip()


_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_ATTACHED = frozenset({"ED", "RP"})
_NUMBER = re.compile(r"\s*(<=|>=|=<|=>|<|>|≤|≥|=)?\s*([+-]?)\s*([0-9][0-9.,]*)\s*(?:[A-Za-z%µ/{\[*^·].*)?", re.DOTALL)
_PLAIN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
_COMPARATORS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">=", "=": ""}
_COUNTS = frozenset({"NM", "SN", "ST", "TX", "", "NA", "FT", "CQ"})


@dataclass(frozen=True, slots=True)
class Measured:
    """One value: as sent, and as far as it is a number or a code."""

    value: str = ""
    comparator: str = ""
    number: Decimal | None = None
    codings: tuple[Coding, ...] = ()
    flags: tuple[str, ...] = ()


_NOTHING = Measured()


def read_measured(obx: Segment, defaults: Defaults) -> Measured:
    """Read OBX-5 by its type in OBX-2; two double quotes, or nothing, mean no value."""
    kind = obx.text(2)
    if kind != "NM":
        kind = kind.strip().upper()
    value = obx.raw(5)
    if not value or (NULL in value and obx.is_null(5)):
        return _NOTHING
    if kind in _ATTACHED:
        return Measured(flags=("attachment",))
    if kind in _CODED:
        words = "\n".join(read_words(obx, 5, repetition) for repetition in range(1, obx.repetitions(5) + 1))
        codings = read_all_codings(obx, 5, defaults)
        return Measured(value=words or " ".join(coding.code for coding in codings), codings=codings)
    if kind == "SN":
        return _read_structured(obx)
    if not (value := obx.plain(5)):
        value = "\n".join(obx.whole(5, each) for each in range(1, obx.repetitions(5) + 1))
    return _plainly(value, kind)


@lru_cache(maxsize=2048)  # most results are one of few numbers
def _plainly(value: str, kind: str) -> Measured:
    value = value.strip()
    if kind not in _COUNTS:
        return Measured(value=value)
    comparator, number, flags = read_figure(value, is_numeric=kind == "NM")
    return Measured(value=value, comparator=comparator, number=number, flags=flags)


def _read_structured(obx: Segment) -> Measured:
    """SN: comparator, number, separator, number. A range has no single number; `100^+` is 100 or more."""
    comparator, first, separator, second = (obx.text(5, component).strip() for component in (1, 2, 3, 4))
    value = f"{comparator}{first}{separator}{second}"
    if not first:
        inner, number, flags = read_figure(comparator, is_numeric=True)
        return Measured(value=value, comparator=inner, number=number, flags=flags)
    if separator and second:
        return Measured(value=value, flags=("value_range",))
    inner, number, flags = read_figure(first, is_numeric=True)
    comparator = _COMPARATORS.get(comparator, comparator) or inner or (">=" if separator == "+" else "")
    return Measured(value=value, comparator=comparator, number=number, flags=flags)


def read_figure(text: str, *, is_numeric: bool) -> tuple[str, Decimal | None, tuple[str, ...]]:
    """Comparator and number of `>5000`, `2,6` or `2.6 H`; a lone point before three digits is a decimal one in NM."""
    if _PLAIN.fullmatch(text):
        return "", Decimal(text), ()
    found = _NUMBER.fullmatch(text)
    if found is None:
        return "", None, ("not_a_number",) if is_numeric else ()
    read = read_number(found[3].rstrip(".,"))
    if read is None:
        return "", None, ("not_a_number",) if is_numeric else ()
    number = -read.low if found[2] == "-" else read.low
    certain = read.low == read.high or (is_numeric and "." in found[3])
    comparator = found[1] or ""
    return _COMPARATORS.get(comparator, comparator), number, () if certain else read.flags


def read_unit(obx: Segment) -> str:
    """OBX-6 in UCUM: the triplet that says it is, else the first; `10^9/L` that nobody escaped is put together."""
    sent = obx.usual(6)
    return _usual_unit(sent) if sent else _unit(obx.components(6))


@lru_cache(maxsize=1024)
def _usual_unit(sent: str) -> str:
    return _unit(tuple(sent.split("^")))


@lru_cache(maxsize=512)
def _unit(parts: tuple[str, ...]) -> str:
    if not parts:
        return ""
    if parts[0].lower().replace(" ", "") in ("10", "x10") and len(parts) > 1 and parts[1][:1].isdigit():
        return ucum_of(f"10^{parts[1].strip()}")
    if len(parts) > 5 and parts[5].strip().upper() == "UCUM" and parts[3].strip():
        return ucum_of(parts[3])
    of_a_device = next((each.strip() for each in parts if each.strip().upper().startswith(_OF_A_DEVICE)), "")
    if of_a_device:
        device = read_dose_unit(of_a_device)
        return ucum_of(device.name) if device is not None else of_a_device
    return ucum_of(parts[0]) or (ucum_of(parts[1]) if len(parts) > 1 else "")


Status = Literal["final", "preliminary", "corrected", "withdrawn", "no_value"]

# OBX-11 and OBR-25, table 0085 and 0123
_STATUSES: dict[str, Status] = {
    **dict.fromkeys(("F", "U", "A", "V", "B"), "final"),
    "C": "corrected",
    **dict.fromkeys(("P", "R", "S", "I"), "preliminary"),
    **dict.fromkeys(("D", "W"), "withdrawn"),
    **dict.fromkeys(("X", "N", "O"), "no_value"),
}


@dataclass(slots=True)
class _Around:
    """The order an OBX stands under, for what it leaves open itself."""

    number: str = ""
    status: str = ""
    taken: tuple[str, ...] = ()  # OBR-7, SPM-17, OBR-22, as sent
    changed: datetime | None = None  # OBR-22, else ORC-9, else EVN-2
    segments: Sequence[Segment] = ()  # of the whole patient

    def in_pounds(self, zone: tzinfo) -> bool:
        """Return whether a weight without a unit may be in pounds."""
        return weighs_in_pounds((read_unit(each) for each in self.segments if each.name == "OBX"), zone)


def read_observations(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[Observation]:
    """Return every OBX of one patient, also those under a medication order, an admission or a problem."""
    around = _Around(changed=event_time(message, defaults), segments=segments)
    found: list[Observation] = []
    for index, segment in enumerate(segments):
        if segment.name == "ORC":
            ordered = moment(segment.text(9), defaults.zone)
            changed = ordered.at if ordered else around.changed
            around = replace(around, number="", status="", taken=(), changed=changed)
        elif segment.name == "OBR":
            around = _read_request(segment, segments[index + 1 :], around, defaults)
        elif segment.name == "OBX" and segment.raw(3):
            found.append(_read_observation(segment, patient, header, around, defaults))
    return found


def _read_request(obr: Segment, following: Sequence[Segment], before: _Around, defaults: Defaults) -> _Around:
    number = _entity(obr, 3) or _entity(obr, 2)
    changed = moment(obr.text(22), defaults.zone)
    sampled = next((segment.text(17) for segment in _until_next_request(following) if segment.name == "SPM"), "")
    return replace(
        before,
        number=number,
        status=obr.text(25).strip().upper(),
        taken=tuple(text for text in (obr.text(7), sampled, obr.text(22)) if text),
        changed=changed.at if changed else before.changed,
    )


def _until_next_request(segments: Sequence[Segment]) -> Iterator[Segment]:
    for segment in segments:
        if segment.name in ("OBR", "ORC"):
            return
        yield segment


def _entity(segment: Segment, field: int) -> str:
    number = segment.text(field, 1).strip()
    return f"{segment.text(field, 2).strip()}|{number}" if number else ""


def _read_observation(
    obx: Segment, patient: tuple[Identifier, ...], header: Header, around: _Around, defaults: Defaults
) -> Observation:
    codings, text = read_coded(obx, 3, defaults)
    measured = read_measured(obx, defaults)
    unit = read_unit(obx) or (_unit_beside(measured.value) if measured.number is not None else "")
    may_be_named = unit in MEASURED_IN and measured.number is not None
    by_name = measure_named(codings, text, unit) if may_be_named else None
    if not unit and measured.value and is_weight(codings, text):
        weight = read_weight(text, measured.value, measured.number, in_pounds=around.in_pounds(defaults.zone))
        measured, unit = replace(measured, number=weight.number, flags=measured.flags + weight.flags), weight.unit
        by_name = WEIGHT if WEIGHT.code not in [coding.code for coding in codings] else None
    status, flags = _status(obx, around, measured)
    taken, doubts = _taken(obx, around, header, defaults)
    return Observation(
        patient=patient,
        path=obx.path(5),
        at=around.changed,
        flags=flags + doubts + measured.flags,
        key=_key(obx, codings, text, around, taken),
        codings=(*codings, by_name) if by_name is not None else codings,
        text=text,
        value=measured.value,
        comparator=measured.comparator,
        number=measured.number,
        unit=unit,
        range=obx.whole(7).strip(),
        abnormal=obx.text(8).strip().upper(),
        status=status,
        taken=taken,
        value_codings=measured.codings,
    )


def _unit_beside(value: str) -> str:
    """Return the unit that was typed behind the number, when it is one of ours: `80 kg`."""
    found = _BEHIND.fullmatch(value)
    return _OURS.get(found[1].lower(), "") if found is not None else ""


_OF_A_DEVICE = "MDC_DIM_"
_BEHIND = re.compile(r"[<>=≤≥\s]*[0-9][0-9.,\s]*\^?([A-Za-z%µ\[_\]]{1,12})\.?\s*")


def _status(obx: Segment, around: _Around, measured: Measured) -> tuple[Status, tuple[str, ...]]:
    """OBX-11, and OBR-25 only when it is empty. A result without a value never overwrites one that has it."""
    sent = obx.text(11)
    if sent not in _STATUSES:
        sent = sent.strip().upper()
    status = _STATUSES.get(sent or around.status)
    flags = () if sent in _STATUSES else ("result_status",)
    if status in ("withdrawn", "no_value"):
        return status, flags
    if not measured.value and not measured.codings:
        return "no_value", flags
    return status or "final", flags


def _taken(obx: Segment, around: _Around, header: Header, defaults: Defaults) -> tuple[Moment | None, tuple[str, ...]]:
    """Return when it was measured: OBX-14, else the order's times, else the message's own, which is said."""
    for text in (obx.text(14), *around.taken):
        found, doubts = read_time(text, defaults.zone)
        if found is not None:
            return found, doubts
    return header.sent_at, ("time_assumed",) if header.sent_at else ()


def _key(obx: Segment, codings: tuple[Coding, ...], text: str, around: _Around, taken: Moment | None) -> str:
    """Order, test, sub-id and time: by these a corrected result finds the one it corrects."""
    test = f"{codings[0].system}:{codings[0].code}" if codings else " ".join(text.lower().split())
    return f"{around.number}/{test}/{obx.text(4).strip()}/{stamp(taken)}"
