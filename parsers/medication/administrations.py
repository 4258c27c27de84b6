"""Administrations: what was given, one event for each RXA or BTX; rows of one infusion are its steps."""

import re
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
from parsers.medication.drug_lines import DrugLine, is_of_cells_line, read_routes
from parsers.medication.ingredients import assumed_if_immunoglobulin
from parsers.medication.order_groups import Group, Part, group_orders, read_keys
from parsers.medication.rates import RateStep, over_hours, read_give_per
from parsers.medication.units import MASS, SentAmount

_NOTHING_GIVEN = frozenset({"RE", "NA", "WA", "RA", "RL", "DS"})  # DS, RA, RL, WA: a bag destroyed, returned or wasted
_NOT_KNOWN = Decimal(999)  # RXA-6 is required: 999 is the standard's value for unknown


def read_administrations(
    message: Message,  # noqa: ARG001  # every reader is called alike
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> list[MedicationGiven]:
    """Return every administration of one patient."""
    found: list[MedicationGiven] = []
    for group in group_orders(segments):
        keys = read_keys(group.control, _prescription(group), header)
        rows = [part for part in group.parts if part.drug.name in _PLACES and not is_of_cells_line(part.drug)]
        found.extend(
            _AdministrationRow(part, group, keys, _routes_after(rows[number:], group), patient, header, defaults).read()
            for number, part in enumerate(rows)
        )
    return found


def _prescription(group: Group) -> str:
    lines = (part.line for part in group.parts)
    return next((number for line in lines if (number := line.text(line.places.prescription))), "")


def _routes_after(parts: Sequence[Part], group: Group) -> list[Segment]:
    """One RXR follows several RXA: the first after this row serves it, else one that stood before."""
    after = next((part.routes for part in parts if part.routes), None)
    return after or [segment for part in group.parts for segment in part.routes] or group.routes


@dataclass(frozen=True, slots=True)
class _AdministrationPlaces:
    """Where a row says what a drug line does not; 0 is a thing it does not say."""

    started: int
    ended: int
    completion: int
    action: int = 0
    entered: int = 0
    sub_id: int = 2
    noted: int = 0


_PLACES = {
    "RXA": _AdministrationPlaces(3, 4, 20, 21, 22, noted=9),
    "BTX": _AdministrationPlaces(16, 17, 11, entered=13),
}

# What a row of a bedside record is about, by the code or the words in RXA-9. A row of the second kind tells again of
# the dose that an earlier row began; without a word, a row is a dose or a part of one.
_BEGINS = re.compile(
    r"\bNB\b|new ?bag|nieuwe zak|neuer beutel|nouvelle poche|\bgiven\b|\bstart(?:ed)?\b|\bhung\b"
    r"|\bd[ée]but|mise en (?:place|route)|\binici|comienz|\binizio|\bavvio|\bbeginn|p[åa]b[öe]rj|startet|startad"
    r"|aloitet|rozpocz|zah[áa]j|ba[şs]la|начал|開始|开始|시작"
    r"|(?<!her)gestart(?:et)?\b|opgestart|aangehangen|aangesloten|\baanvang|toegediend"
    r"|(?:volgende|andere|tweede|derde) (?:zak|fles)"
    r"|(?:zak|fles|flacon)\w* (?:ge|ver)?wissel|zakwissel|nieuwe (?:fles|flacon)|angeh[äa]ngt"
    r"|aufgeh[äa]ngt|angelegt|verabreicht"
    r"|neue (?:flasche|infusion)|(?:beutel|flaschen)wechsel|changement de (?:poche|flacon)|nouveau flacon"
    r"|nueva (?:bolsa|botella)"
    r"|cambio (?:de|di) (?:bolsa|sacca|flac\w+|frasco)|(?:bag|bottle) chang"
    r"|(?:next|second|third|new) (?:bag|bottle|vial)"
    r"|\badministered\b|\badministr[ée]e?\b|\bny (?:p[åa]se|flaske|flaska)|kolejn\w+ (?:worek|butelka)"
    r"|nov[ýáa]\w* (?:vak|lahv)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"\b(?:RC|RS|RT|ST|SP|PA|PS|VE|VF|CO|RV|BV)\b|\brate|snelheid|verif|check|stop|pauz|paus|held|restart"
    r"|hervat|resum|infusing"
    r"|loopt|complete|cosign|handoff|overdracht|beendet|arr[eê]t|d[ée]bit|volume|bolus (?:from|uit|aus)"
    r"|\bfin\b|\bfine\b|\bt[ée]rmin|changement|modific|cambio|velocid|velocit|deten|interromp|interrup"
    r"|suspen|reanud|ripres"
    r"|retom|hastighe|avslut|afslut|lopetet|nopeu|szybko|pr[ęe]dko|zako[ńn]cz|rychlost|ukon[čc]"
    r"|h[ıi]z[ıi]?\b|durdur|скорост|останов"
    r"|gewijzigd|wijziging|aangepast|aanpassing|pompstand|voltooid|afgerond|\bklaar\b|afgekoppeld"
    r"|gestaakt|onderbroken|doorgelopen"
    r"|\beinde\b|\bafgelopen\b|gecontroleerd|dubbele controle|be[ëe]indigd|herstart|unterbroch"
    r"|fortgesetzt|fortf[üu]hr"
    r"|ge[äa]ndert|[äa]nderung|\bkontroll|abgeschlossen|\bfertig\b|l[äa]uft\b|pausiert|\bende\b"
    r"|neu ?start|adjust|titrat|\bchanged?\b"
    r"|finish|\bend(?:ed|s)?\b|interrupted|ongoing|in progress|\bcontinu|\bdone\b|modifi|\brepris|achev"
    r"|en cours|finaliz"
    r"|reinici|\bajust|conclu[ií]|encerr|alterad|conclus|terminat|sospes|in corso|[äa]ndrad|avbr[uø][tn]"
    r"|[åa]terupp|gjenoppt|f[äa]rdig"
    r"|p[åa]g[åa]r|[æa]ndret|f[æa]rdig|genoptag|jatk|keskeyt|muutet|p[äa][äa]tt|wznow|wstrzym|zmian"
    r"|zm[eě]n|p[rř]eru[sš]|pokra[cč]"
    r"|dokon[cč]|de[ğg]i[şs]|bitti|devam|tamamlan|возобнов|продолж|измен|заверш|приостан"
    r"|окон|законч|停止|終了|变更|変更|速度|중지|종료|변경|geschwindigkeit|laufrate|gestoppt|angehalten",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _AdministrationRow:
    part: Part
    group: Group
    keys: OrderKeys
    routes: list[Segment]
    patient: tuple[Identifier, ...]
    header: Header
    defaults: Defaults

    def read(self) -> MedicationGiven:
        segment, places = self.part.drug, _PLACES[self.part.drug.name]
        line = self.part.line
        codings, text = line.codings(self.defaults), line.name()
        started, doubts = self._time(segment, places.started)
        if started is None and places.entered and segment.name == "BTX":
            started, doubts = self._time(segment, places.entered)
        ended, more = self._time(segment, places.ended)
        completion = segment.text(places.completion).strip().upper()
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
            action="delete" if segment.text(places.action or 999).strip().upper() in ("D", "X") else "assert",
            tells_again=_tells_again(segment, places),
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
        """Return when the row was entered or changed: the later report of one row is the one that counts."""
        control = self.group.control
        entered, _ = self._time(segment, _PLACES[segment.name].entered)
        return entered or (self._time(control, 9)[0] if control is not None else None)

    def _time(self, segment: Segment, field: int) -> tuple[Moment | None, tuple[str, ...]]:
        found, doubts = read_time(segment.text(field), self.defaults.zone)
        return plausible(found), doubts

    def _key(self, segment: Segment, started: Moment | None) -> str:
        """Return the order, the row's own numbers and its start: what stays the same when the row is corrected."""
        order = self.keys.placer or self.keys.filler or segment.text(5).strip()
        when = stamp(started) if started is not None else segment.text(_PLACES[segment.name].started).strip()
        return "|".join([order, segment.text(1).strip(), segment.text(2).strip(), when])


def _tells_again(segment: Segment, places: _AdministrationPlaces) -> bool:
    """Return whether the row is about a dose that runs already: a rate change, a check, a stop."""
    if not places.noted or not segment.raw(places.noted):
        return False
    noted = [read_words(segment, places.noted, each) for each in range(1, segment.repetitions(places.noted) + 1)]
    noted += list(segment.texts(places.noted))
    return any(map(_GOES_ON.search, noted)) and not any(map(_BEGINS.search, noted))


def _was_refused(completion: str) -> bool:
    return completion in _NOTHING_GIVEN


def _grams(
    line: DrugLine, quantity: SentAmount | None, codings: Sequence[Coding], text: str, completion: str
) -> tuple[Quantity | None, tuple[str, ...]]:
    """Return the grams of this row: nothing when it was refused or not given, whatever the amount says."""
    basis = line.amount_path
    if _was_refused(completion):
        return Quantity(
            low=Decimal(0), high=Decimal(0), unit=MASS, basis=line.segment.path(_PLACES[line.segment.name].completion)
        ), ()
    if quantity is None:
        return None, ("amount_missing",)
    if quantity.value.low == quantity.value.high == _NOT_KNOWN:
        return None, ("amount_not_recorded",)
    if quantity.value.high == 0:
        return Quantity(low=Decimal(0), high=Decimal(0), unit=MASS, basis=basis), ()
    if not quantity.unit.base:
        return None, ()  # the drug line already has a flag that says why
    product = assumed_if_immunoglobulin(line.product(text), codings, text)
    grams, why = per_administration(quantity, product, basis)
    if grams is not None and grams.unit != MASS:
        return None, ("per_kg_given",)
    return grams, why


def _rate(line: DrugLine, grams: Quantity | None, started: Moment | None, ended: Moment | None) -> Quantity | None:
    """By the clock; without an end, by the time it was to be given in."""
    if grams is None or grams.high == 0:
        return None
    by_clock = RateStep(grams, started.at if started else None, ended.at if ended else None).rate
    if by_clock is not None:
        return by_clock
    return over_hours(grams, read_give_per(line.give_per).hours)
