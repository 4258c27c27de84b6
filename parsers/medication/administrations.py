"""Administrations: what was really given, one event for each RXA; rows of one infusion are its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from clinical.codes import Coding
from clinical.events import Header, MedicationGiven, OrderKeys
from clinical.identities import Identifier
from clinical.quantities import Quantity, unique
from clinical.times import Moment
from parsers.defaults import Defaults
from parsers.hl7.codes import read_words
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import plausible, read_time, stamp
from parsers.medication.amounts import amount_of, per_administration
from parsers.medication.drug_lines import DrugLine, assumed_if_immunoglobulin, read_routes
from parsers.medication.order_groups import Group, Part, group_orders, read_keys
from parsers.medication.rates import Step, over_hours, read_give_per
from parsers.medication.units import MASS, SentAmount

_NOTHING_GIVEN = frozenset({"RE", "NA"})
_NOT_KNOWN = Decimal(999)  # RXA-6 cannot be left out: 999 is how the standard says that nobody knows


def read_administrations(
    message: Message,  # noqa: ARG001  # every reader is called alike
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[MedicationGiven]:
    """Every administration of one patient."""
    found: list[MedicationGiven] = []
    for group in group_orders(segments):
        keys = read_keys(group.control, _prescription(group), header)
        rows = group.named("RXA")
        found.extend(
            _Row(part, group, keys, _routes_after(rows[number:], group), patient, header, defaults).read()
            for number, part in enumerate(rows)
        )
    return found


def _prescription(group: Group) -> str:
    lines = (DrugLine(part.drug) for part in group.parts)
    return next((number for line in lines if (number := line.text(line.places.prescription))), "")


def _routes_after(parts: Sequence[Part], group: Group) -> list[Segment]:
    """One RXR follows several RXA: the first after this row serves it, else one that stood before."""
    after = next((part.routes for part in parts if part.routes), None)
    return after or [segment for part in group.parts for segment in part.routes] or group.routes


@dataclass(frozen=True, slots=True)
class _Row:
    part: Part
    group: Group
    keys: OrderKeys
    routes: list[Segment]
    patient: tuple[Identifier, ...]
    header: Header
    defaults: Defaults

    def read(self) -> MedicationGiven:
        segment = self.part.drug
        line = DrugLine(segment)
        codings, text = line.codings(self.defaults), line.name()
        started, doubts = self._time(segment, 3)
        ended, more = self._time(segment, 4)
        completion = segment.text(20).strip().upper()
        quantity, _, unread = line.amount()
        grams, why = _grams(line, quantity, codings, text, completion)
        at = self._reported(segment)
        return MedicationGiven(
            patient=self.patient,
            path=line.path,
            at=at.at if at is not None else None,
            flags=unique([*line.flags, *doubts, *more, *(() if _was_refused(completion) else unread), *why]),
            keys=self.keys,
            key=self._key(segment, started),
            action="delete" if segment.text(21).strip().upper() in ("D", "X") else "assert",
            codings=codings,
            text=text,
            routes=read_routes(self.routes, self.defaults),
            amount=amount_of(quantity, line.amount_path) if quantity is not None else None,
            grams=grams,
            rate=_rate(line, grams, started, ended),
            started=started,
            ended=ended,
            completion=completion,
            lots=tuple(segment.texts(line.places.lots)),
            manufacturer=read_words(segment, line.places.maker) or segment.text(line.places.maker),
        )

    def _reported(self, segment: Segment) -> Moment | None:
        """When the row was entered or changed: the later report of one row is the one that counts."""
        control = self.group.control
        entered, _ = self._time(segment, 22)
        return entered or (self._time(control, 9)[0] if control is not None else None)

    def _time(self, segment: Segment, field: int) -> tuple[Moment | None, tuple[str, ...]]:
        found, doubts = read_time(segment.text(field), self.defaults.zone)
        return plausible(found), doubts

    def _key(self, segment: Segment, started: Moment | None) -> str:
        """The order, the row's own numbers and its start: what stays the same when the row is corrected."""
        order = self.keys.placer or self.keys.filler or segment.text(5).strip()
        when = stamp(started) if started is not None else segment.text(3).strip()
        return "|".join([order, segment.text(1).strip(), segment.text(2).strip(), when])


def _was_refused(completion: str) -> bool:
    return completion in _NOTHING_GIVEN


def _grams(
    line: DrugLine, quantity: SentAmount | None, codings: Sequence[Coding], text: str, completion: str
) -> tuple[Quantity | None, tuple[str, ...]]:
    """The grams of this row: nothing when it was refused or not given, whatever the amount says."""
    basis = line.amount_path
    if _was_refused(completion):
        return Quantity(low=Decimal(0), high=Decimal(0), unit=MASS, basis=line.segment.path(20)), ()
    if quantity is None:
        return None, ("amount_missing",)
    if quantity.value.low == quantity.value.high == _NOT_KNOWN:
        return None, ("amount_not_recorded",)
    if quantity.value.high == 0:
        return Quantity(low=Decimal(0), high=Decimal(0), unit=MASS, basis=basis), ()
    if not quantity.unit.base:
        return None, ()  # the reader of the line has said why
    product = assumed_if_immunoglobulin(line.product(text), codings, text)
    grams, why = per_administration(quantity, product, basis)
    if grams is not None and grams.unit != MASS:
        return None, ("per_kg_given",)
    return grams, why


def _rate(line: DrugLine, grams: Quantity | None, started: Moment | None, ended: Moment | None) -> Quantity | None:
    """By the clock; without an end, by the time it was to be given in."""
    if grams is None or grams.high == 0:
        return None
    by_clock = Step(grams, started.at if started else None, ended.at if ended else None).rate
    if by_clock is not None:
        return by_clock
    return over_hours(grams, read_give_per(line.give_per).hours)
