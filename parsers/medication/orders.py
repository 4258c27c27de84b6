"""Orders for a medicine: one event for each order of a message, whatever segments it was sent in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from clinical.events import Coding, Header, Identifier, MedicationOrdered, Moment, OrderKeys, Timing
from parsers.defaults import Defaults
from parsers.hl7.plausible_times import plausible, plausible_moment
from parsers.hl7.segments import Message, Segment
from parsers.medication.decimals import unique
from parsers.medication.drug_lines import DrugLine
from parsers.medication.immunoglobulins import looks_like_immunoglobulin
from parsers.medication.order_content import Written, read_content
from parsers.medication.order_groups import Group, Part, group_orders
from parsers.medication.order_keys import read_keys
from parsers.medication.routes import read_routes
from parsers.medication.schedules import Sent, timing_in_text
from parsers.medication.timing_fields import Chosen, choose, read_tq, read_tq1

Source = Literal["request", "encoded", "give", "dispense", "control"]
_SOURCES: dict[str, Source] = {"RXO": "request", "RXE": "encoded", "RXG": "give", "RXD": "dispense"}
_REQUEST_ORDER = ("RXG", "RXE", "RXO", "RXD")  # whose drug line tells most


def read_orders(
    message: Message,  # noqa: ARG001  # every reader is called alike
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[MedicationOrdered]:
    """Every order of one patient; what was only given is not one of them."""
    before: Segment | None = None
    found: list[MedicationOrdered] = []
    for group in group_orders(segments):
        reader = _OrderReader(group, before, patient, header, defaults)
        found.extend(reader.events())
        before = group.control or before
    return found


@dataclass(frozen=True, slots=True)
class _OrderReader:
    group: Group
    before: Segment | None  # the ORC of the order before this one
    patient: tuple[Identifier, ...]
    header: Header
    defaults: Defaults

    def events(self) -> Iterator[MedicationOrdered]:
        """One event, or one for each give, encoding or request that stands under the same ORC."""
        drugs = [part for name in _REQUEST_ORDER for part in self.group.named(name)]
        if drugs:
            parts = self.group.named(drugs[0].drug.name)
            orders = [self._with_drug(part) for part in parts]
            yield from _each_its_own(orders) if self._source() in ("request", "encoded") else orders
        elif self.group.control is not None and not self.group.named("RXA"):
            yield self._control(self.group.control)

    def _orc(self, field: int) -> str:
        return self.group.control.text(field).strip() if self.group.control is not None else ""

    def _at(self, field: int) -> Moment | None:
        return plausible_moment(self._orc(field), self.defaults.zone)

    def _control(self, control: Segment) -> MedicationOrdered:
        done = self._at(9)
        return MedicationOrdered(
            patient=self.patient,
            path=control.path(1),
            at=done.at if done is not None else None,
            keys=read_keys(control, self.before, "", self.header),
            control=self._orc(1).upper(),
            status=self._orc(5).upper(),
            source="control",
            starts=self._at(15) or done or plausible(self.header.sent_at),
        )

    def _with_drug(self, part: Part) -> MedicationOrdered:
        line = DrugLine(part.drug)
        codings, text = self._drug(part)
        chosen = self._timing(part)
        written = [words for sent in (*chosen.sent, *chosen.steps) if (words := sent.text)]
        instructions = "; ".join(unique([*self._instructions(part), *written]))
        in_words = not codings and not text  # an order wholly in words: they name the drug too
        text = instructions if in_words else text
        timings = chosen.timings if chosen.tells else self._in_words(f"{instructions}; {text}", chosen, part)
        components = part.components or [each for other in self.group.beside(part) for each in other.components]
        content = read_content(line, components, Written(codings, text, instructions, chosen, timings), self.defaults)
        done = self._at(9)
        return MedicationOrdered(
            patient=self.patient,
            path=line.path,
            at=done.at if done is not None else None,
            flags=unique(
                [*line.flags, *chosen.flags, *content.flags, *_doubts(bool(timings), in_words and bool(text))]
            ),
            keys=read_keys(self.group.control, self.before, self._prescription(), self.header),
            control=self._orc(1).upper(),
            status=self._orc(5).upper(),
            source=self._source(),
            codings=codings,
            text=text,
            routes=self._routes(part),
            amount=content.amount,
            dose=content.dose.each,
            concentration=content.strength,
            rate=content.rate.peak,
            rate_mean=content.rate.mean,
            timings=timings,
            components=content.components,
            indications=self._indications(),
            instructions=instructions,
            lots=tuple(part.drug.texts(line.places.lots)) if line.places.lots else (),
            starts=self._starts(timings, chosen),
            course_grams=content.dose.course,
        )

    def _source(self) -> Source:
        """What the message is about: a dispense may repeat the order it belongs to."""
        for name in ("RXD", "RXG", "RXE"):
            if self.group.named(name):
                return _SOURCES[name]
        return "request"

    def _drug(self, part: Part) -> tuple[tuple[Coding, ...], str]:
        """Codes and names of the line itself first, then those of the lines beside it; a line without any has all."""
        for parts in ([part, *self.group.beside(part)], self.group.parts):
            lines = [DrugLine(each.drug) for each in parts]
            codings = dict.fromkeys(coding for line in lines for coding in line.codings(self.defaults))
            text = "; ".join(unique(line.name() for line in lines))
            if codings or text:
                return tuple(codings), text
        return (), ""

    def _indications(self) -> tuple[Coding, ...]:
        lines = (DrugLine(part.drug) for part in self.group.parts)
        return tuple(dict.fromkeys(coding for line in lines for coding in line.indications(self.defaults)))

    def _prescription(self) -> str:
        lines = (DrugLine(part.drug) for part in self.group.parts)
        return next((number for line in lines if (number := line.text(line.places.prescription))), "")

    def _routes(self, part: Part) -> tuple[Coding, ...]:
        """The routes after the drug line that counts, else those of the rest of the order."""
        rest = [segment for other in self.group.parts for segment in other.routes]
        segments = part.routes or rest or self.group.routes
        return read_routes(segments, self.defaults) if segments else DrugLine(part.drug).route

    def _instructions(self, part: Part) -> Iterator[str]:
        for owner in [part, *self.group.beside(part)]:
            yield from DrugLine(owner.drug).instructions()
            yield from _notes(owner.notes)
        yield from _notes(self.group.notes)

    def _timing(self, part: Part) -> Chosen:
        """After-RXE TQ1, RXE-1, the order's TQ1, ORC-7: the first that says how often."""
        zone = self.defaults.zone
        line = DrugLine(part.drug)
        own = [sent for segment in part.timings for sent in read_tq1(segment, zone)]
        field = read_tq(part.drug, line.timing, zone) if line.timing else []
        beside = self.group.beside(part)
        others = [*self.group.timings, *(each for other in beside for each in other.timings)]
        strangers = [other for other in self.group.parts if other is not part and other not in beside]
        request = [sent for segment in others for sent in read_tq1(segment, zone)]
        control = read_tq(self.group.control, 7, zone) if self.group.control is not None else []
        elsewhere = [sent for other in strangers for each in other.timings for sent in read_tq1(each, zone)]
        chosen = choose([own, field, request, control, elsewhere])
        return chosen if chosen.tells else self._stray(part, [own, field, request, control, elsewhere], chosen)

    def _stray(self, part: Part, sources: Sequence[Sequence[Sent]], chosen: Chosen) -> Chosen:
        """A frequency among the fields after the units, where no timing tells any."""
        for each in [part, *self.group.beside(part)]:
            pattern, path = DrugLine(each.drug).frequency
            if pattern:
                found = choose([*sources, [Sent(pattern=pattern, path=path)]])
                return replace(found, flags=unique([*chosen.flags, "pattern_misplaced"]))
        return chosen

    def _in_words(self, text: str, chosen: Chosen, part: Part) -> tuple[Timing, ...]:
        found = timing_in_text(text, chosen.starts or self._at(15), part.drug.path())
        return (found,) if found is not None else chosen.timings

    def _starts(self, timings: Sequence[Timing], chosen: Chosen) -> Moment | None:
        sent = next((timing.starts for timing in timings if timing.starts is not None), None)
        return sent or chosen.starts or self._at(15) or self._at(9) or plausible(self.header.sent_at)


def _each_its_own(orders: Sequence[MedicationOrdered]) -> Iterator[MedicationOrdered]:
    """Several drugs under one ORC: the number is that of the immunoglobulin, else of the first; others add theirs."""
    lead = next((each for each in orders if looks_like_immunoglobulin(each.codings, each.text)), orders[0])
    for number, each in enumerate(orders, 1):
        if (each.codings, each.text) == (lead.codings, lead.text):
            yield each
        else:
            yield msgspec.structs.replace(each, keys=_numbered(each.keys, number))


def _numbered(keys: OrderKeys, number: int) -> OrderKeys:
    placer, filler = (f"{key}#{number}" if key else "" for key in (keys.placer, keys.filler))
    return msgspec.structs.replace(keys, placer=placer, filler=filler)


def _doubts(has_timings: bool, drug_in_words: bool) -> Iterator[str]:
    if not has_timings:
        yield "schedule_missing"
    if drug_in_words:
        yield "drug_from_text"


def _notes(segments: Sequence[Segment]) -> Iterator[str]:
    for segment in segments:
        for repetition in range(1, segment.repetitions(3) + 1):
            if words := segment.whole(3, repetition).strip():
                yield words
