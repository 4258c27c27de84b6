"""Orders for a medicine: one event for each order of a message, whatever segments it was sent in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import msgspec

from clinical.codes import Coding
from clinical.events import Component, Header, MedicationOrdered, OrderKeys
from clinical.identities import Identifier
from clinical.quantities import Quantity, unique
from clinical.times import Moment
from clinical.timings import Timing
from parsers.defaults import Defaults
from parsers.hl7.codes import read_words
from parsers.hl7.identifiers import joined
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import plausible, plausible_moment
from parsers.medication.amounts import (
    ASSUMED,
    Package,
    amount_of,
    concentration,
    flagged,
    maybe_course_total,
    rescale,
    widened,
)
from parsers.medication.doses import DoseSources, OrderedDose, dose_of, dose_of_issue
from parsers.medication.drug_lines import (
    PLACES,
    DrugLine,
    is_of_cells_line,
    read_routes,
)
from parsers.medication.immunoglobulins import looks_like_immunoglobulin, says_elsewhere
from parsers.medication.ingredients import (
    MOST_PIECES,
    ImmunoglobulinContent,
    assumed_if_immunoglobulin,
    immunoglobulin_in,
    mixed_strength,
    read_components,
)
from parsers.medication.medication_text import find_rates, rises
from parsers.medication.order_groups import GIVEN, Group, Part, group_orders, read_keys, replaced_before
from parsers.medication.rates import Rate, combine, mean_of_steps, normalised, rate_of, read_give_per
from parsers.medication.schedules import Chosen, Sent, choose, days_of, per_day, read_tq, read_tq1, timing_in_text
from parsers.medication.units import DOSE, MASS, PACKAGE, PER_KG, RATES, SentAmount

_A_DAY = Decimal(24)
_PACKAGED = re.compile(r"\b(?:fl|fles|flacon|vial|ampul|stuk|inj|inf)[a-z]*\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """What was read of the order apart from its amounts."""

    codings: tuple[Coding, ...]
    text: str
    instructions: str
    chosen: Chosen
    timings: tuple[Timing, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be given."""

    amount: Quantity | None
    dose: OrderedDose
    strength: Quantity | None
    rate: Rate
    components: tuple[Component, ...]
    flags: tuple[str, ...]


def read_content(line: DrugLine, components: Sequence[Segment], written: Written, defaults: Defaults) -> Content:
    """Read the amounts of one drug line and of the ingredients that belong to it."""
    quantity, _, doubts = line.amount()
    ingredients = read_components(components, defaults)
    content = immunoglobulin_in(ingredients, written.codings)
    mixture = content.total if content.is_added else None
    product = _product(line, written, ingredients, mixture, quantity)
    strength, strength_doubts = concentration(product)
    per, lasts = read_give_per(line.give_per), _occurrence_hours(written)
    sources = _sources(line, written, quantity, product, mixture, per.hours or lasts)
    dose = _of_pieces(dose_of(sources), quantity, content, written)
    if line.segment.name == "RXD" and dose.each is None and quantity is not None and sources.is_immunoglobulin:
        issued, _ = dose_of_issue(quantity, product, line.amount_path)
        dose = OrderedDose(issued) if issued is not None else dose
    sent = _sent_rate(line, quantity, strength)
    steps = _steps(line, written, strength)
    rate = combine(sent.peak, per, dose.each, lasts, [each for each, _ in steps])
    if rate.mean is None:
        rate = replace(rate, mean=mean_of_steps(steps))
    dose = _rather_a_course(_continuous(dose, rate, written), written.timings)
    return Content(
        amount=amount_of(quantity, line.amount_path) if quantity is not None else None,
        dose=dose,
        strength=strength,
        rate=rate,
        components=ingredients,
        flags=unique([*doubts, *strength_doubts, *dose.flags, *sent.flags, *rate.flags, *_doubt(sent.peak, written)]),
    )


def _sources(
    line: DrugLine,
    written: Written,
    quantity: SentAmount | None,
    product: Package,
    mixture: Quantity | None,
    hours: Decimal | None,
) -> DoseSources:
    """Return everything that a dose can be read from."""
    is_package = _names_a_package(line, written.text)
    return DoseSources(
        amount=None if line.segment.name == "RXD" else quantity,
        product=product,
        basis=line.amount_path,
        mixture=mixture,
        daily=line.daily(),
        daily_basis=line.segment.path(line.places.daily),
        instructions=written.instructions,
        name="" if is_package else written.text,
        package=written.text if is_package and line.segment.name != "RXD" else "",
        is_immunoglobulin=looks_like_immunoglobulin(written.codings, written.text),
        per_day=per_day(written.timings),
        times=_times(written.timings),
        hours=hours,
        sent=written.chosen.sent,
    )


def _of_pieces(
    dose: OrderedDose, quantity: SentAmount | None, content: ImmunoglobulinContent, written: Written
) -> OrderedDose:
    """Return the dose of pieces whose content only the ingredients give: each once, up to as many pieces as asked."""
    if not content or content.total.unit != MASS:
        return dose
    if dose.each is not None and content.is_added:
        is_count = quantity is not None and quantity.unit.base == PACKAGE
        of_pieces = content.in_pieces(quantity.value.high) if quantity is not None and is_count else None
        return replace(dose, each=of_pieces) if of_pieces is not None else dose
    if dose.each is not None and not _is_assumed(dose.each, content.total):
        return dose
    counts = [each.quantity for each in written.chosen.sent if each.quantity is not None]
    count = next((each for each in (quantity, *counts) if each and each.unit.base in ("", PACKAGE, DOSE)), None)
    bare = [each.bare_quantity for each in written.chosen.sent if each.bare_quantity is not None]
    most = count.value.high if count is not None else next(iter(bare), Decimal(1))
    if not 1 <= most <= MOST_PIECES:
        return dose
    of_pieces = content.in_pieces(most) or flagged(content.total, "content_in_ingredient")
    left = tuple(flag for flag in dose.flags if flag not in _UNSAID)
    return replace(dose, each=of_pieces, flags=left)


_UNSAID = ("package_unknown", "unit_missing", "unit_unusable", "amount_missing")  # what the ingredients say instead


def _is_assumed(each: Quantity, content: Quantity) -> bool:
    """Return whether grams follow from an assumed strength, and leave room for what the ingredients hold."""
    return ASSUMED in each.flags and each.low <= content.high and content.low <= each.high


def _product(
    line: DrugLine,
    written: Written,
    ingredients: Sequence[Component],
    mixture: Quantity | None,
    quantity: SentAmount | None,
) -> Package:
    """Return the strength of the mixture itself, never that in the name of an ingredient."""
    product = line.product(written.text)
    if not any(each.kind == "additive" for each in ingredients):
        return assumed_if_immunoglobulin(product, written.codings, written.text)
    return replace(product, name="", mixed=mixed_strength(mixture, quantity, line.amount_path))


def _rather_a_course(dose: OrderedDose, timings: Sequence[Timing]) -> OrderedDose:
    """More than 1.2 g/kg, day after day, is rather the whole course; grams wait until the weight is known."""
    days = max((days_of(timing) for timing in timings), default=1)
    if dose.each is None or dose.course is not None or dose.each.unit != PER_KG:
        return dose
    each = maybe_course_total(dose.each, None, days)
    return dose if each is dose.each else OrderedDose(each, flagged(dose.each, "maybe_course_total"), dose.flags)


def _names_a_package(line: DrugLine, text: str) -> bool:
    """Take the grams in the name of a package as its content: a dispense is of packages."""
    return line.segment.name == "RXD" or _PACKAGED.search(text) is not None


def _times(timings: Sequence[Timing]) -> int | None:
    return next((timing.occurrences[1] for timing in timings if timing.occurrences is not None), None)


def _occurrence_hours(written: Written) -> Decimal | None:
    """Return how long one infusion lasts; a step of it says only how long the step lasts."""
    return next((timing.occurrence_hours for timing in written.timings if timing.occurrence_hours is not None), None)


def _sent_rate(line: DrugLine, quantity: SentAmount | None, strength: Quantity | None) -> Rate:
    value, units = line.rate()
    if value is not None:
        return rate_of(value, units.unit, units.text, strength, line.rate_path)
    if quantity is not None and quantity.unit.base in RATES:
        return Rate(normalised(quantity, strength, line.amount_path))
    return Rate()


def _steps(line: DrugLine, written: Written, strength: Quantity | None) -> list[tuple[Quantity, Decimal | None]]:
    """Rates in words and how long each lasts, from the timings when they are there."""
    if written.chosen.steps:
        return [
            (normalised(each, strength, step.path, "rate_from_text"), step.occurrence.hours)
            for step in written.chosen.steps
            for each in step.rates
        ]
    rates = find_rates(written.instructions)
    return [(normalised(each, strength, line.path, "rate_from_text"), None) for each in rates]


def _doubt(sent: Quantity | None, written: Written) -> tuple[str, ...]:
    """Return where the only rate is a beginning and the words say `faster`, the peak is not known."""
    rising = sent is None and rises(written.instructions) and len(find_rates(written.instructions)) < 2
    return ("rate_may_rise",) if rising else ()


def _continuous(dose: OrderedDose, rate: Rate, written: Written) -> OrderedDose:
    """Return the daily dose of a continuous infusion: 24 hours at its rate; the amount may be one bag of it."""
    if not any("continuous" in timing.flags for timing in written.timings) or rate.peak is None:
        return dose
    daily = rescale(rate.peak, _A_DAY, rate.peak.unit.removesuffix("/h"), "continuous")
    if daily.unit.startswith("mL"):
        return dose
    if dose.each is None:
        return OrderedDose(daily, dose.course)
    return OrderedDose(widened(dose.each, daily), dose.course) if dose.each.unit == daily.unit else dose


Source = Literal["request", "encoded", "give", "dispense", "control"]
_SOURCES: dict[str, Source] = {"RXO": "request", "RXE": "encoded", "RXG": "give", "RXD": "dispense", "BPX": "dispense"}
_CHANGES = frozenset({"XO", "XX", "XR", "RP", "RU", "NW", ""})  # ORC-1 of a message that says what an order is now
_REQUEST_ORDER = ("RXG", "RXE", "RXO", "RXD", "BPO", "BPX", "OBR")  # whose drug line tells most


def read_orders(
    message: Message,  # noqa: ARG001  # every reader is called alike
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[MedicationOrdered]:
    """Return every order of one patient; what was only given is not one of them."""
    groups = group_orders(segments)
    found: list[MedicationOrdered] = []
    for group, replaced in zip(groups, replaced_before(groups), strict=True):
        found.extend(_OrderReader(group, replaced, patient, header, defaults).events())
    return found


@dataclass(frozen=True, slots=True)
class _OrderReader:
    group: Group
    replaced: tuple[Segment, ...]  # the ORCs of the orders that the message says this one replaces
    patient: tuple[Identifier, ...]
    header: Header
    defaults: Defaults

    def events(self) -> Iterator[MedicationOrdered]:
        """One event, or one for each give, encoding or request that stands under the same ORC."""
        drugs = [part for name in _REQUEST_ORDER for part in self.group.named(name)]
        if drugs:
            parts = self.group.named(drugs[0].drug.name)
            orders = [self._with_drug(part) for part in parts if not is_of_cells_line(part.drug)]
            if not orders:
                return
            yield from _each_its_own(orders) if self._source() in ("request", "encoded") else orders
        elif self.group.control is not None and not any(map(self.group.named, GIVEN)):
            yield self._control(self.group.control)

    def _orc(self, field: int) -> str:
        return self.group.control.text(field).strip() if self.group.control is not None else ""

    def _at(self, field: int) -> Moment | None:
        return plausible_moment(self._orc(field), self.defaults.zone)

    def _control(self, control: Segment) -> MedicationOrdered:
        done = self._at(9)
        timings = self._changed_timings(control) if self._orc(1).upper() in _CHANGES else ()
        return MedicationOrdered(
            patient=self.patient,
            path=control.path(1),
            at=done.at if done is not None else None,
            keys=read_keys(control, "", self.header, self.replaced),
            control=self._orc(1).upper(),
            status=self._orc(5).upper(),
            source="control",
            timings=timings,
            starts=self._at(15) or done or plausible(self.header.sent_at),
        )

    def _changed_timings(self, control: Segment) -> tuple[Timing, ...]:
        """Return the timing of a change that repeats nothing else, where it says how often."""
        zone = self.defaults.zone
        sent = [each for segment in self.group.timings for each in read_tq1(segment, zone)]
        chosen = choose([sent, read_tq(control, 7, zone)])
        return chosen.timings if chosen.tells else ()

    def _with_drug(self, part: Part) -> MedicationOrdered:
        line = part.line
        codings, text = self._drug(part)
        chosen = self._timing(part)
        written = [words for sent in (*chosen.sent, *chosen.steps) if (words := sent.text)]
        instructions = "; ".join(unique([*self._instructions(part), *written]))
        in_words = not codings and not text  # an order wholly in words: they name the drug too
        if in_words or (_is_named_elsewhere(part, codings, text) and _names_it_alone(instructions, codings, text)):
            in_words, text = True, joined(text, instructions)
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
            keys=read_keys(self.group.control, self._prescription(), self.header, self.replaced),
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
            lots=self._lots(part),
            starts=self._starts(timings, chosen),
            course_grams=content.dose.course,
        )

    def _source(self) -> Source:
        """Return what the message is about: a dispense may repeat the order it belongs to."""
        for name in ("RXD", "BPX", "RXG", "RXE"):
            if self.group.named(name):
                return _SOURCES[name]
        return "request"

    def _drug(self, part: Part) -> tuple[tuple[Coding, ...], str]:
        """Codes and names of the line itself first, then those of the lines beside it; a line without any has all."""
        for parts in ([part, *self.group.beside(part)], self.group.parts):
            lines = [each.line for each in parts]
            codings = dict.fromkeys(coding for line in lines for coding in line.codings(self.defaults))
            text = "; ".join(unique(line.name() for line in lines))
            if codings or text:
                return tuple(codings), text
        return (), ""

    def _indications(self) -> tuple[Coding, ...]:
        lines = (part.line for part in self.group.parts)
        return tuple(dict.fromkeys(coding for line in lines for coding in line.indications(self.defaults)))

    def _lots(self, part: Part) -> tuple[str, ...]:
        """Batch and bag numbers, of the line itself and of those beside it."""
        lines = [(each.drug, PLACES[each.drug.name].lots) for each in (part, *self.group.beside(part))]
        return tuple(unique(lot for drug, field in lines if field for lot in drug.texts(field)))

    def _prescription(self) -> str:
        lines = (part.line for part in self.group.parts)
        return next((number for line in lines if (number := line.text(line.places.prescription))), "")

    def _routes(self, part: Part) -> tuple[Coding, ...]:
        """Return the routes after the drug line that counts, else those of the rest of the order."""
        rest = [segment for other in self.group.parts for segment in other.routes]
        segments = part.routes or rest or self.group.routes
        return read_routes(segments, self.defaults) if segments else part.line.route

    def _instructions(self, part: Part) -> Iterator[str]:
        for owner in [part, *self.group.beside(part)]:
            yield from owner.line.instructions()
            yield from _notes(owner.notes)
            yield from (words for each in owner.answers if (words := read_words(each, 5)))
        yield from _notes(self.group.notes)

    def _timing(self, part: Part) -> Chosen:
        """After-RXE TQ1, RXE-1, the order's TQ1, ORC-7: the first that says how often."""
        zone = self.defaults.zone
        line = part.line
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
        """Return a frequency among the fields after the units, where no timing tells any."""
        for each in [part, *self.group.beside(part)]:
            pattern, path = each.line.frequency
            if pattern:
                found = choose([*sources, [Sent(pattern=pattern, path=path)]])
                return replace(found, flags=unique([*chosen.flags, "pattern_misplaced"]))
        return chosen

    def _in_words(self, text: str, chosen: Chosen, part: Part) -> tuple[Timing, ...]:
        found = timing_in_text(text, chosen.starts or self._at(15), part.drug.path())
        return (found,) if found is not None else chosen.timings

    def _starts(self, timings: Sequence[Timing], chosen: Chosen) -> Moment | None:
        sent = next((timing.starts for timing in timings if timing.starts is not None), None)
        return (
            sent or chosen.starts or self._intended() or self._at(15) or self._at(9) or plausible(self.header.sent_at)
        )

    def _intended(self) -> Moment | None:
        """Return when a product of the blood bank is to be used, or a service done."""
        lines = [(part.drug, PLACES[part.drug.name].starts) for part in self.group.parts]
        texts = (drug.text(field) for drug, field in lines if field)
        return next((at for text in texts if (at := plausible_moment(text, self.defaults.zone))), None)


def _is_named_elsewhere(part: Part, codings: Sequence[Coding], text: str) -> bool:
    """Whether the words of a drug, or a service to treat somebody, leave it to other words to name the drug."""
    is_care = part.drug.name == "OBR" and not looks_like_immunoglobulin(codings, text)
    return is_care or says_elsewhere(codings, text)


def _names_it_alone(instructions: str, codings: tuple[Coding, ...], text: str) -> bool:
    """Return whether only what was written beside a drug that is no drug names an immunoglobulin."""
    return looks_like_immunoglobulin((), instructions) and not looks_like_immunoglobulin(codings, text)


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
