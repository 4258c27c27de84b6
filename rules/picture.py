"""One case seen through the knowledge: facts by value set, and cached outcomes."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import wraps
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import structs

from clinical.codes import Coding
from clinical.quantities import Quantity, exactly
from rules.dates import last_moments
from rules.facts import HISTORY, Case, Dose, Fact, once, without_typed_numbers
from rules.mentions import OWN
from rules.recognition import Product, ProductClass, recognise, route_of
from rules.sorted_facts import FactsUntil, Place, SortedFacts
from rules.terms import ConditionTest, Guard, Mentions, Outcome, State, Terms

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
        facts = case.facts
        if not isinstance(facts, FactsUntil) or facts.of.terms is not terms:
            facts = SortedFacts.of(facts, terms).until(None)
        self._sorted, self._until = facts.of, facts.at
        self._found: dict[str, list[Fact]] = {}  # the patient's own, by value set
        self._own_by_moment: dict[str, list[tuple[Place, Fact]]] = {}
        self._others_by_moment: dict[str, list[tuple[Place, Fact, str]]] = {}
        self.present = self._sort_by_moment()  # the bits of every value set that some fact belongs to

    def _sort_by_moment(self) -> int:
        """Sort the facts that their own words date, seen from this moment; return the bits of every value set."""
        at = self._until
        present = self._sorted.present(at)
        for place, fact, mentions in self._sorted.by_moment:
            if at is not None and fact.starts is not None and fact.starts > at:
                continue
            if mentions.listed:
                present |= self._add_recent(place, fact, mentions.listed)
            if mentions.narrated:
                self._narrate(place, fact, mentions)
                continue
            dated = self._dated_by_words(fact, mentions.years) if mentions.years else {}
            for name in mentions.own:
                self._own_by_moment.setdefault(name, []).append((place, dated.get(name, fact)))
            for name, certainty in mentions.others:
                self._others_by_moment.setdefault(name, []).append((place, fact, certainty))
        return present

    def _add_recent(self, place: Place, fact: Fact, listed: Iterable[tuple[str, int]]) -> int:
        """Sort a fact of a listed history with what is of today where its year is recent; return the bits of that."""
        first = self.case.at.year - self.terms.recognition.recent_years
        recent = [name for name, year in listed if year >= first]
        dated = self._dated_by_words(fact, listed)
        for name in recent:
            self._own_by_moment.setdefault(name, []).append((place, dated.get(name, fact)))
        return self.terms.codes.bits_of(recent)

    def _dated_by_words(self, fact: Fact, years: Iterable[tuple[str, int]]) -> dict[str, Fact]:
        """Return by value set a fact with the year that its words name, where that is earlier than its own date."""
        at, dated = self.case.at, dict[str, Fact]()
        for name, year in years:
            begun = at.replace(year=year if year > 0 else at.year + year, month=1, day=1, hour=0, minute=0, second=0)
            if begun <= at and (fact.starts is None or fact.starts.year > begun.year):
                dated[name] = structs.replace(fact, starts=begun, precision="year")
        return dated

    def _narrate(self, place: Place, fact: Fact, mentions: Mentions) -> None:
        """Sort each sentence of a written history; the day it was written is not the day it is about."""
        sentences = {
            sentence: structs.replace(fact, kind="condition", codings=(), text=sentence, starts=None, precision="")
            for _, sentence in mentions.narrated
        }
        told = {name: sentences[sentence] for name, sentence in mentions.narrated}
        if mentions.years:
            for name, each in list(told.items()):
                told[name] = self._dated_by_words(each, self.terms.words.years(each.text).items()).get(name, each)
        for name in mentions.own:
            if name in told:
                self._own_by_moment.setdefault(name, []).append((place, told[name]))
        for name, certainty in mentions.others:
            if name in told:
                self._others_by_moment.setdefault(name, []).append((place, told[name], certainty))

    def _own(self, name: str) -> list[Fact]:
        """Return the patient's own facts of a value set, in order of version."""
        found = self._found.get(name)
        if found is None:
            column, more = self._sorted.own(name), self._own_by_moment.get(name)
            if more is not None:
                placed = zip(column.places, column.facts, strict=True) if column is not None else ()
                counting = [(place, fact) for place, fact in placed if self._counts(fact)]
                found = [fact for _, fact in sorted([*counting, *more], key=_FIRST)]
            else:
                found = column.until(self._until) if column is not None else []
            self._found[name] = found
        return found

    def _others(self, name: str) -> list[tuple[Fact, str]]:
        """Return the other facts of a value set with their certainty, in order of version."""
        counting = [each for each in self._sorted.others(name) if self._counts(each[1])]
        more = self._others_by_moment.get(name, ())
        placed = sorted([*counting, *more], key=_FIRST) if more else counting
        return [(fact, certainty) for _, fact, certainty in placed]

    def _counts(self, fact: Fact) -> bool:
        return self._until is None or fact.starts is None or fact.starts <= self._until

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
            mentions = (mention for name in names for mention in self._others(name))
            return list({id(fact): fact for fact, certainty in mentions if certainty in wanted}.values())
        lists = [facts for name in names if (facts := self._own(name))]
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

    def _newest_first(self, name: str) -> Iterator[Fact]:
        """Return the dated facts of a value set, the newest first."""
        column = self._sorted.own(name)
        if name not in self._own_by_moment:
            return column.newest_first(self._until) if column is not None else iter(())
        dated = last_moments(self._own(name))
        dated.sort(key=_FIRST, reverse=True)
        return iter([fact for _, fact in dated])

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
                why = f"recognised before as {known}"
                product = Product(known, "", order.route, why, small_counts="for a grave history")
            remembered.keep(key, product)
        return product

    @property
    def brand(self) -> str:
        """The brand, as the order or else its code or text names it."""
        return self.case.order.brand or self.product.brand

    @_Once
    def indications(self) -> frozenset[str]:
        """The value sets of the order's indications, without what is denied beside them: "ITP, geen bloeding"."""
        codes, words = self.terms.codes, self.terms.words
        beside = set(self.terms.recognition.beside_indications)
        named: set[str] = set()
        for coding in self.case.order.indications:
            denied = {name for name, certainty in words.mentions(coding.display) if certainty == "refuted"}
            named |= codes.sets_of(coding) | (words.sets_named(coding.display) - (denied & beside))
        return frozenset(named)

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
        return next((each.fact for each in self._weights()), None)

    def _weights(self) -> Iterator[MeasuredValue]:
        """Yield the weights that somebody of this age can have, newest first."""
        exact = (each for each in self.readings("body-weight") if not each.fact.comparator)
        return (each for each in exact if self.terms.weight.allows(each.high, self.age))

    @_Once
    def odd_weight(self) -> Fact | None:
        """The latest weight that cannot be right, or has no unit; nothing where another weight counts."""
        odd = self._newest_first(self.terms.measurements["body-weight"].set) if self.weight is None else ()
        return next((fact for fact in odd if fact.value is not None), None)

    @_Once
    def weight_kg(self) -> Decimal | None:
        """The weight in kg."""
        if self.case.order.weight_kg is not None:
            return self.case.order.weight_kg
        return next((each.high for each in self._weights()), None)

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
        fact = Fact(
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
        return without_typed_numbers(fact)

    @_Once
    def age(self) -> int | None:
        """The age in whole years at the judged moment."""
        return self.case.patient.age_on(self.case.at.date())


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
