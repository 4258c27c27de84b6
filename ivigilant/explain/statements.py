"""Events in words: each statement of an event, with the fields it was read from."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from clinical.codes import Coding
from clinical.events import (
    Allergy,
    AnyEvent,
    Component,
    Condition,
    MedicationGiven,
    MedicationOrdered,
    Observation,
    PatientMerged,
    PatientSeen,
    Procedure,
)
from clinical.identities import Identifier
from clinical.quantities import Quantity
from clinical.times import Moment
from clinical.timings import Timing
from ivigilant.explain.explained import Doubt, StatementRead
from parsers.medication.doubts import DOUBTS


def doubts(flags: Iterable[str]) -> tuple[Doubt, ...]:
    """Return each flag with its words."""
    return tuple(Doubt(flag, *DOUBTS.get(flag, ("", ""))) for flag in flags)


def statements(event: AnyEvent) -> list[StatementRead]:
    """Return everything that one event states."""
    speak: Callable[[Any], Iterator[StatementRead]] = _SPEAKERS[type(event)]
    return list(speak(event))


def _patient(event: PatientSeen) -> Iterator[StatementRead]:
    yield StatementRead("patient", _numbers(event.patient), event.path, doubts(event.flags))
    person = [
        f"{event.name.family}, {event.name.given}".strip(", ") if event.name else "",
        f"born {event.birth_date}" if event.birth_date else "",
        event.sex,
        "deceased" if event.deceased else "",
    ]
    yield from _if_said("person", person, event.path)
    admitted = f"admitted {_moment(event.admitted_at)}" if event.admitted_at else ""
    visit = [f"class {event.patient_class}" if event.patient_class else "", event.ward, event.visit, admitted]
    yield from _if_said("visit", visit, "PV1[1]")


def _merge(event: PatientMerged) -> Iterator[StatementRead]:
    what = "is no longer" if event.undone else "is from now on"
    says = f"{_numbers(event.retired)} {what} {_numbers(event.patient)}"
    yield StatementRead("merge", says, event.path, doubts(event.flags))


def _condition(event: Condition) -> Iterator[StatementRead]:
    parts = [
        "DELETED" if event.action == "delete" else "",
        _coded(event.codings, event.text),
        event.certainty,
        event.status,
        f"since {_moment(event.onset)}" if event.onset else "",
        f"until {_moment(event.resolved)}" if event.resolved else "",
    ]
    yield StatementRead(event.category, _joined(parts), event.path, doubts(event.flags))


def _procedure(event: Procedure) -> Iterator[StatementRead]:
    performed = f"on {_moment(event.performed)}" if event.performed else ""
    deleted = "DELETED" if event.action == "delete" else ""
    says = _joined([deleted, _coded(event.codings, event.text), performed])
    yield StatementRead("procedure", says, event.path, doubts(event.flags))


def _allergy(event: Allergy) -> Iterator[StatementRead]:
    deleted = "DELETED" if event.action == "delete" else ""
    yield StatementRead(
        "allergy", _joined([deleted, _coded(event.codings, event.text)]), event.path, doubts(event.flags)
    )


def _observation(event: Observation) -> Iterator[StatementRead]:
    number = f"{event.comparator}{event.number}" if event.number is not None else event.value or "no value"
    if event.value_codings:
        number = _coded(event.value_codings, "")
    parts = [
        f"{_coded(event.codings, event.text)} = {_short(number)} {event.unit}".rstrip(),
        event.status,
        f"range {event.range}" if event.range else "",
        f"flagged {event.abnormal}" if event.abnormal else "",
        f"taken {_moment(event.taken)}" if event.taken else "",
    ]
    yield StatementRead("result", _joined(parts), event.path, doubts(event.flags))


def _order(event: MedicationOrdered) -> Iterator[StatementRead]:
    numbers = [
        f"placer {event.keys.placer}" if event.keys.placer else "",
        f"filler {event.keys.filler}" if event.keys.filler else "",
        f"replaces {event.keys.replaces}" if event.keys.replaces else "",
    ]
    control = [f"control {event.control or '(none)'}", f"status {event.status}" if event.status else "", event.source]
    yield StatementRead("order", _joined([*control, *numbers]), event.path, doubts(event.flags))
    yield from _product(event)
    for what, amount in (("amount", event.amount), ("dose", event.dose), ("course", event.course_grams)):
        yield from _amount(what, amount, event.path)
    yield from _amount("strength", event.concentration, event.path)
    yield from _amount("rate", event.rate, event.path)
    yield from _amount("mean rate", event.rate_mean, event.path)
    for timing in event.timings:
        yield StatementRead("timing", _timing(timing), timing.path or event.path, doubts(timing.flags))
    for component in event.components:
        yield from _component(component, event.path)
    if event.indications:
        yield StatementRead("indication", _coded(event.indications, ""), event.path)
    if event.instructions:
        yield StatementRead("instructions", _short(event.instructions), event.path)
    if event.starts:
        yield StatementRead("starts", _moment(event.starts), event.path)


def _given(event: MedicationGiven) -> Iterator[StatementRead]:
    times = [
        f"from {_moment(event.started)}" if event.started else "no start",
        f"until {_moment(event.ended)}" if event.ended else "",
        event.completion,
        "DELETED" if event.action == "delete" else "",
        f"for order {event.keys.placer or event.keys.filler}" if event.keys.placer or event.keys.filler else "",
    ]
    yield StatementRead("administration", _joined(times), event.path, doubts(event.flags))
    yield from _product(event)
    for what, amount in (("amount", event.amount), ("grams", event.grams), ("rate", event.rate)):
        yield from _amount(what, amount, event.path)


def _product(event: MedicationOrdered | MedicationGiven) -> Iterator[StatementRead]:
    if event.codings or event.text:
        yield StatementRead("product", _coded(event.codings, event.text), event.path)
    if event.routes:
        yield StatementRead("route", _coded(event.routes, ""), event.path)
    if event.lots:
        yield StatementRead("lots", ", ".join(event.lots), event.path)


def _component(component: Component, path: str) -> Iterator[StatementRead]:
    grams = f"= {interval(component.grams)}" if component.grams else ""
    amount = interval(component.amount) if component.amount else "amount not read"
    flags = component.grams.flags if component.grams else ()
    says = _joined([_coded(component.codings, component.text), f"{amount} {grams}".strip()])
    yield StatementRead(component.kind, says, component.path or path, doubts(flags))


def _amount(what: str, amount: Quantity | None, path: str) -> Iterator[StatementRead]:
    if amount is not None:
        yield StatementRead(what, interval(amount), amount.basis or path, doubts(amount.flags))


def interval(amount: Quantity) -> str:
    """Return both ends and the unit; one number when they are the same."""
    low, high = _plain(amount.low), _plain(amount.high)
    return f"{low} {amount.unit}".strip() if low == high else f"{low} to {high} {amount.unit}".strip()


def _plain(number: Decimal) -> str:
    text = f"{number:.4f}".rstrip("0").rstrip(".")
    return text or "0"


def _timing(timing: Timing) -> str:
    every = f"{timing.per_period} per {_plain(timing.period_hours)} h" if timing.period_hours else ""
    low, high = timing.occurrences or (None, None)
    times = "" if low is None else f"{low} times" if low == high else f"{low} to {high} times"
    parts = [
        timing.pattern,
        every,
        times,
        f"at {' '.join(timing.clock_times)}" if timing.clock_times else "",
        f"from {_moment(timing.starts)}" if timing.starts else "",
        f"until {_moment(timing.ends)}" if timing.ends else "",
        f"each lasts {_plain(timing.occurrence_hours)} h" if timing.occurrence_hours else "",
    ]
    return _joined(parts) or "once"


def _coded(codings: tuple[Coding, ...], text: str) -> str:
    coded = [f"{coding.system} {coding.code} {coding.display}".strip() for coding in codings if coding.code]
    return _short("; ".join(coded) or text or "neither code nor text")


def _numbers(identifiers: tuple[Identifier, ...]) -> str:
    return ", ".join(f"{each.value} of {each.authority or '(no authority)'}" for each in identifiers)


def _moment(moment: Moment) -> str:
    """Return a time in UTC; of a day without a time, the local date, which begins within twelve hours of it in UTC."""
    if moment.precision in _DAYS:
        return f"{moment.at + timedelta(hours=12):{_DAYS[moment.precision]}}"
    return f"{moment.at:%Y-%m-%d %H:%M}Z"


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _if_said(what: str, parts: Iterable[str], path: str) -> Iterator[StatementRead]:
    says = _joined(parts)
    if says:
        yield StatementRead(what, says, path)


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 300 else words[:299] + "…"


_DAYS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
_SPEAKERS: dict[type, Callable[[Any], Iterator[StatementRead]]] = {
    PatientSeen: _patient,
    PatientMerged: _merge,
    Condition: _condition,
    Procedure: _procedure,
    Allergy: _allergy,
    Observation: _observation,
    MedicationOrdered: _order,
    MedicationGiven: _given,
}
