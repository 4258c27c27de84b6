"""One case seen through the knowledge: facts by value set, and cached outcomes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import wraps
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import structs

from clinical.codes import Coding
from clinical.quantities import Quantity, exactly
from rules.codes import coding_of_words
from rules.dates import last_moments
from rules.facts import HISTORY, Case, Dose, Fact, once
from rules.recognition import Product, ProductClass, recognise, route_of
from rules.terms import ConditionTest, Guard, Mentions, Outcome, State, Terms

OWN = frozenset({"confirmed", "unknown"})
_LOOKALIKES = "venous-thromboembolism-lookalikes"
NARRATIVES = "history-in-words"  # tests whose result is a written history
_STOPPED = frozenset({"resolved", "inactive", "stopped", "cancelled", "completed", "discontinued"})
_FIRST = itemgetter(0)


class MeasuredValue(NamedTuple):
    """One measurement in the unit rules speak in; unbounded where the laboratory gave a limit."""

    fact: Fact
    low: Decimal
    high: Decimal
    preliminary: bool


Answer = TypeVar("Answer")
_NOTHING = Outcome(held=False)
_THROMBOSIS = "venous-thromboembolism"


def _lesser(stated: str, written: str) -> str:
    """Combine what a field states with what its words say: a denial in either wins, then a doubt."""
    if stated in OWN or written in ("refuted", "family"):
        return stated if stated == "refuted" else written
    return stated


def _subject(name: str) -> str:
    """Return the subject of a value set: those of venous thrombosis (history, acute, possible) are one subject."""
    return _THROMBOSIS if name.startswith(_THROMBOSIS) else name


def together(held: list[Outcome]) -> Outcome:
    """Merge outcomes that hold into one; without any, return one that does not hold."""
    if not held:
        return _NOTHING
    if len(held) == 1:
        return held[0]
    facts = once(fact for each in held for fact in each.facts)
    return Outcome(held=True, facts=facts, saw="; ".join(each.saw for each in held if each.saw))


class _Once(Generic[Answer]):
    """A property worked out once: `cached_property` without the lock, which costs more than most of what is found."""

    def __init__(self, work: Callable[[Any], Answer]) -> None:
        self.work, self.name, self.__doc__ = work, work.__name__, work.__doc__

    def __get__(self, picture: "Picture", _owner: type) -> Answer:
        answer = picture.__dict__[self.name] = self.work(picture)
        return answer


class Picture:
    """What the conditions evaluate; made for one evaluation."""

    def __init__(self, case: Case, terms: Terms) -> None:
        self.case = case
        self.terms = terms
        self.memo: dict[str, Outcome] = {}
        self.worked_out: dict[Callable[[Picture], Any], Any] = {}  # by `once_for_a_picture`
        self.amounts: dict[str, Quantity | None] = {}  # planned quantities by name
        self.written: dict[tuple[str, str], str] = {}  # names of templates filled before, by language
        self._dated: dict[str, list[Fact]] = {}  # by value set, the newest first
        self._own: dict[str, list[Fact]] = {}
        self._others: dict[str, list[tuple[Fact, str]]] = {}
        self.present = self._index()  # the bits of every value set that some fact belongs to

    def _index(self) -> int:
        """Sort the facts by value set."""
        remembered, own, others, present = self.terms.memory.mentions, self._own, self._others, 0
        for fact in self.case.facts:
            key = (fact.codings, fact.text, fact.kind, fact.certainty)
            mentions = remembered.get(key)
            if mentions is None:
                mentions = remembered.keep(key, self._mentions(fact))
            if not mentions.bits:
                continue
            present |= mentions.bits
            if mentions.narrated:
                self._narrate(fact, mentions)
                continue
            for name in mentions.own:
                if name in own:
                    own[name].append(fact)
                else:
                    own[name] = [fact]
            for name, certainty in mentions.others:
                others.setdefault(name, []).append((fact, certainty))
        return present

    def _narrate(self, fact: Fact, mentions: Mentions) -> None:
        """Sort each sentence of a written history; the day it was written is not the day it is about."""
        sentences = {
            sentence: structs.replace(fact, kind="condition", codings=(), text=sentence, starts=None, precision="")
            for _, sentence in mentions.narrated
        }
        told = {name: sentences[sentence] for name, sentence in mentions.narrated}
        for name in mentions.own:
            if name in told:
                self._own.setdefault(name, []).append(told[name])
        for name, certainty in mentions.others:
            if name in told:
                self._others.setdefault(name, []).append((told[name], certainty))

    def _mentions(self, fact: Fact) -> Mentions:
        """Find the value sets of a fact: by code, and in its words."""
        codes = self.terms.codes
        # Words that a hospital mapped count where they stand for a diagnosis, as a code of it does.
        known_by = (*fact.codings, coding_of_words(fact.text)) if fact.text and fact.kind in HISTORY else fact.codings
        names = {name: fact.certainty for coding in known_by for name in codes.sets_of(coding)}
        is_narrative = fact.kind == "observation" and NARRATIVES in names
        if fact.kind != "observation" or is_narrative:
            self._add_words(fact, names, is_narrative=is_narrative)
        narrated = tuple(self.terms.words.excerpts(fact.text).items()) if is_narrative else ()
        own = tuple(sorted(name for name, certainty in names.items() if certainty in OWN))
        others = tuple(sorted((name, certainty) for name, certainty in names.items() if certainty not in OWN))
        return Mentions(codes.bits_of(names), own, others, narrated)

    def _add_words(self, fact: Fact, names: dict[str, str], *, is_narrative: bool) -> None:
        """Add what the words of a fact name, and what they say of its code; a look-alike code silences the words."""
        text = fact.text or "; ".join(coding.display for coding in fact.codings if coding.display)
        if not text:
            return
        if fact.kind == "medication":
            for name in self.terms.words.sets_named(text):
                names.setdefault(name, fact.certainty)
        elif (is_narrative or fact.kind in HISTORY) and _LOOKALIKES not in names:
            doubt = self._doubt_of_code(fact, names)
            for name, certainty in self.terms.words.surest(text).items():
                names.setdefault(name, _lesser(fact.certainty, certainty))
            names.update(doubt)

    def _doubt_of_code(self, fact: Fact, names: Mapping[str, str]) -> dict[str, str]:
        """Return the certainty of a code with the words beside it: ruled out stays so, other denials are doubts.

        The displays of a code speak only where nothing else does.
        """
        coded = [name for name, certainty in names.items() if certainty in OWN]
        if not coded:
            return {}
        displays = {coding.display for coding in fact.codings}
        typed = "; ".join(part for part in fact.text.split("; ") if part not in displays)
        words = self.terms.words
        said = words.surest(typed) if typed else {}
        text = typed if any(_subject(name) in map(_subject, said) for name in coded) else fact.text
        found: dict[str, str] = {}
        for name in coded:
            written = [each for other, each in words.surest(text).items() if _subject(other) == _subject(name)]
            if written and not any(each in OWN for each in written):
                ruled_out = set(written) == {"refuted"} and words.rules_out(text)
                found[name] = "refuted" if ruled_out else "suspected"
        return found

    def hold(self, condition: ConditionTest) -> Outcome:
        """Ask one condition; the answer is remembered."""
        needs = condition.needs
        if needs and not needs & self.present:
            return _NOTHING
        memo, text = self.memo, condition.text
        outcome = memo.get(text)
        if outcome is None:
            outcome = memo[text] = condition.check(self)
        return outcome

    def all_hold(self, conditions: Iterable[ConditionTest]) -> bool:
        """Whether every one of these holds; they are asked up to the first that does not."""
        for condition in conditions:  # noqa: SIM110  # a generator costs more than most answers
            if not self.hold(condition).held:
                return False
        return True

    def held(self, conditions: Iterable[ConditionTest]) -> list[Outcome]:
        """Ask those that can hold; return the outcomes of those that do."""
        present, memo = self.present, self.memo
        found = []
        for condition in conditions:
            needs = condition.needs
            if needs and not needs & present:
                continue
            text = condition.text
            outcome = memo.get(text)
            if outcome is None:
                outcome = memo[text] = condition.check(self)
            if outcome.held:
                found.append(outcome)
        return found

    def state(self, state: State) -> Outcome:
        """Ask a named state: it is so when any of its conditions holds."""
        needs = state.needs
        if needs and not needs & self.present:
            return _NOTHING
        memo, key = self.memo, state.key
        outcome = memo.get(key)
        if outcome is None:
            outcome = memo[key] = together(self.held(state.any))
        return outcome

    def with_certainty(self, names: tuple[str, ...], wanted: frozenset[str] = OWN) -> list[Fact]:
        """Return the facts of these value sets whose certainty is among those wanted, each once."""
        if wanted is not OWN:
            mentions = (mention for name in names for mention in self._others.get(name, ()))
            return list({id(fact): fact for fact, certainty in mentions if certainty in wanted}.values())
        own = self._own
        lists = [own[name] for name in names if name in own]
        if len(lists) < 2:
            return lists[0] if lists else []
        return list({id(fact): fact for facts in lists for fact in facts}.values())

    def history(self, names: tuple[str, ...]) -> list[Fact]:
        """Return the patient's own diagnoses, procedures and flags of these value sets."""
        return [fact for fact in self.with_certainty(names) if fact.kind in HISTORY]

    def is_present(self, fact: Fact) -> bool:
        """Return whether a fact still holds at the judged moment: what was stopped later did."""
        return fact.status not in _STOPPED if fact.ends is None else fact.ends >= self.case.at

    def taking(self, names: tuple[str, ...]) -> list[Fact]:
        """Return the medicines of these value sets that are in use at the judged moment."""
        at = self.case.at
        return [
            fact
            for fact in self.with_certainty(names)
            if fact.kind == "medication" and self.is_present(fact) and (fact.starts is None or fact.starts <= at)
        ]

    def route_of(self, fact: Fact) -> str:
        """Return how a medicine is given: IV, SC, IM, else as it was sent."""
        if not fact.route:
            return ""
        return route_of(self.terms.codes, self.terms.words, (Coding("", fact.route),)) or fact.route

    def readings(self, measurement: str) -> Iterator[MeasuredValue]:
        """Yield the dated measurements in a known unit, newest first; usually only the first is used."""
        form = self.terms.measurements[measurement]
        for fact in self._newest_first(form.set):
            factor = form.units.get(fact.unit.strip())
            if fact.value is None or factor is None:
                continue
            low = fact.value.low if factor == 1 else fact.value.low * factor
            high = fact.value.high if factor == 1 else fact.value.high * factor
            if fact.comparator:
                low = Decimal("-Infinity") if fact.comparator.startswith("<") else low
                high = Decimal("Infinity") if fact.comparator.startswith(">") else high
            yield MeasuredValue(fact, low, high, fact.status == "preliminary")

    def _newest_first(self, name: str) -> list[Fact]:
        """Return the dated facts of a value set, the newest first."""
        found = self._dated.get(name)
        if found is None:
            dated = last_moments(self._own.get(name, ()))
            dated.sort(key=_FIRST, reverse=True)
            found = self._dated[name] = [fact for _, fact in dated]
        return found

    @_Once
    def product(self) -> Product:
        """What was ordered."""
        order, remembered = self.case.order, self.terms.memory.ordered
        key = (order.codings, order.text, order.route, order.product_class)
        product = remembered.get(key)
        if product is None:
            routes = (Coding("HL70162", order.route),) if order.route else ()
            product = recognise(self.terms.codes, self.terms.words, order.codings, order.text, routes)
            if order.product_class and order.product_class != product.product_class:
                known: ProductClass = "ivig" if order.product_class == "ivig" else "possible_ivig"
                product = Product(known, "", order.route, f"recognised before as {known}")
            remembered.keep(key, product)
        return product

    @property
    def brand(self) -> str:
        """The brand, as the order or else its code or text names it."""
        return self.case.order.brand or self.product.brand

    @_Once
    def indications(self) -> frozenset[str]:
        """The value sets of the order's indications."""
        codes, words = self.terms.codes, self.terms.words
        named = (codes.sets_of(coding) | words.sets_named(coding.display) for coding in self.case.order.indications)
        return frozenset().union(*named)

    @_Once
    def weight(self) -> Fact | None:
        """The weight that counts: the order's own, else the latest measured."""
        order = self.case.order
        if order.weight_kg is not None:
            value = exactly(order.weight_kg, "kg")
            codings = (Coding("LOINC", "29463-7", "body weight"),)
            return Fact(
                "observation", codings, "", value, "kg", starts=order.weight_at, provenance=order.weight_provenance
            )
        return next((each.fact for each in self.readings("body-weight")), None)

    @_Once
    def weight_kg(self) -> Decimal | None:
        """The weight in kg."""
        if self.case.order.weight_kg is not None:
            return self.case.order.weight_kg
        return next((each.high for each in self.readings("body-weight")), None)

    @property
    def weight_at(self) -> datetime | None:
        """When the weight was taken."""
        return self.weight.starts if self.weight else None

    @_Once
    def height_cm(self) -> Decimal | None:
        """The latest height in cm."""
        return next((each.high for each in self.readings("body-height")), None)

    @property
    def starts(self) -> datetime:
        """When this order starts; the judged moment may lie later, while it runs."""
        return self.case.order.starts or self.case.at

    @_Once
    def earlier_doses(self) -> tuple[Dose, ...]:
        """IVIg of other orders before this one starts, oldest first."""
        before = (each for each in self.case.doses if each.at < self.starts and each.order != self.case.order.key)
        return tuple(sorted(before, key=lambda each: each.at))

    @_Once
    def risk_factors(self) -> tuple[tuple[State, Outcome], ...]:
        """The risk factors on record, each once."""
        present = self.present
        able = (state for state in self.terms.risk_factors.values() if not state.needs or state.needs & present)
        return tuple((state, outcome) for state in able if (outcome := self.state(state)).held)

    @_Once
    def risk_facts(self) -> tuple[Fact, ...]:
        """The facts that show the risk factors."""
        return once(fact for _, outcome in self.risk_factors for fact in outcome.facts)

    @_Once
    def guards(self) -> tuple[Guard, ...]:
        """What must not be advised for this patient (definitions/guards.yaml)."""
        return tuple(guard for guard in self.terms.guards if self.all_hold(guard.when))

    @_Once
    def order_fact(self) -> Fact:
        """The order itself as a fact, so that a finding about its dose leads back to its message."""
        order = self.case.order
        return Fact(
            "medication",
            order.codings,
            order.text,
            order.grams_per_day or order.grams_per_administration,
            "g" if order.grams_per_day or order.grams_per_administration else "",
            starts=order.starts,
            precision="second" if order.starts else "",
            route=self.product.route,
            provenance=order.provenance,
        )

    @_Once
    def age(self) -> int | None:
        """The age in whole years at the judged moment."""
        born, on = self.case.patient.birth_date, self.case.at.date()
        return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def once_for_a_picture(work: Callable[[Picture], Answer]) -> Callable[[Picture], Answer]:
    """Cache a function of a picture: rules, advice and texts all use it."""

    @wraps(work)
    def remembered(picture: Picture) -> Answer:
        found: dict[Callable[[Picture], Any], Any] = picture.worked_out
        answer: Answer | None = found.get(work)
        if answer is None:
            answer = found[work] = work(picture)
        return answer

    return remembered
