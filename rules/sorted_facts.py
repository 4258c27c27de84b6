"""A patient's facts sorted by value set: once for all of the patient's orders, and looked at up to any moment."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from operator import itemgetter
from typing import Any, Self

from rules.dates import last_moment, last_moments
from rules.facts import Fact
from rules.mentions import mentions_of
from rules.terms import Mentions, Terms

Place = tuple[Any, ...]  # where a fact stands among the others; no two stand in one place
Placed = tuple[Place, Fact]
_ALWAYS = datetime.min.replace(tzinfo=UTC)  # the start of what has no date: it counts at every moment
_WIDEST = timedelta(days=367)  # no date is vaguer than a year
_LAST_YEAR = 9998  # beyond it there is no date to add a year to
_FIRST = itemgetter(0)


class Column:
    """Some facts in their places; never changed, so that whoever looked earlier sees what was there then."""

    __slots__ = ("_by_moment", "_cuts", "facts", "latest", "places")

    def __init__(self, places: list[Place], facts: list[Fact]) -> None:
        self.places, self.facts = places, facts
        self.latest = max((fact.starts for fact in facts if fact.starts is not None), default=_ALWAYS)
        self._cuts: tuple[list[datetime], list[datetime]] | None = None
        self._by_moment: tuple[list[datetime], list[Fact]] | None = None

    def until(self, at: datetime | None) -> list[Fact]:
        """Return the facts without a date, and those dated at or before the moment; not to be changed."""
        if at is None or self.latest <= at:
            return self.facts
        if self._cuts is None:
            starts = [fact.starts or _ALWAYS for fact in self.facts]
            self._cuts = list(accumulate(starts, max)), list(accumulate(reversed(starts), min))[::-1]
        latest_before, earliest_after = self._cuts
        sure, last = bisect_right(latest_before, at), bisect_right(earliest_after, at)
        between = [fact for fact in self.facts[sure:last] if fact.starts is None or fact.starts <= at]
        return self.facts[:sure] + between

    def newest_first(self, at: datetime | None) -> Iterator[Fact]:
        """Yield the dated ones of them, first the one whose start can mean the latest moment."""
        moments, facts = self._dated()
        if at is None or self.latest <= at:
            yield from reversed(facts)
            return
        end = bisect_right(moments, at + _WIDEST) if at.year < _LAST_YEAR else len(facts)
        for place in range(end - 1, -1, -1):
            fact = facts[place]
            if fact.starts is not None and fact.starts <= at:
                yield fact

    def _dated(self) -> tuple[list[datetime], list[Fact]]:
        """Return the last moment of each dated fact and the fact, the oldest first; of equals the last place first."""
        if self._by_moment is None:
            dated = last_moments(self.facts)
            dated.sort(key=_FIRST, reverse=True)
            dated.reverse()
            self._by_moment = [moment for moment, _ in dated], [fact for _, fact in dated]
        return self._by_moment

    def plus(self, place: Place, fact: Fact) -> "Column":
        """Return the same facts and one more."""
        at = bisect_left(self.places, place)
        changed = Column.__new__(Column)
        changed.places, changed.facts = self.places.copy(), self.facts.copy()
        changed.places.insert(at, place)
        changed.facts.insert(at, fact)
        changed.latest = max(self.latest, fact.starts or _ALWAYS)
        changed._cuts, changed._by_moment = None, None
        moment = last_moment(fact)
        if self._by_moment is not None and at == len(self.places) and moment is not None:
            moments, facts = self._by_moment[0].copy(), self._by_moment[1].copy()
            where = bisect_left(moments, moment)
            moments.insert(where, moment)
            facts.insert(where, fact)
            changed._by_moment = moments, facts
        return changed

    def minus(self, place: Place) -> "Column":
        """Return the same facts without the one in this place."""
        at = bisect_left(self.places, place)
        return Column(self.places[:at] + self.places[at + 1 :], self.facts[:at] + self.facts[at + 1 :])


class SortedFacts:
    """Facts by value set. Those whose words date them are sorted anew for every moment, by whoever looks at them."""

    __slots__ = ("_first", "_others", "_own", "by_moment", "terms", "whole")

    def __init__(self, placed: Sequence[Placed], terms: Terms) -> None:
        """Sort facts that come in order of place."""
        self.terms = terms
        self.whole = Column([place for place, _ in placed], [fact for _, fact in placed])
        self._first: dict[int, datetime] = {}  # the earliest start, by the bits of the value sets of a fact
        self._others: dict[str, list[tuple[Place, Fact, str]]] = {}
        self.by_moment: list[tuple[Place, Fact, Mentions]] = []
        own: dict[str, tuple[list[Place], list[Fact]]] = {}
        first = self._first
        for place, fact in placed:
            mentions = mentions_of(fact, terms)
            bits = mentions.bits
            if not bits:
                continue
            starts = fact.starts or _ALWAYS
            if bits not in first or starts < first[bits]:
                first[bits] = starts
            if depends_on_moment(mentions):
                self.by_moment.append((place, fact, mentions))
                continue
            for name in mentions.own:
                held = own.get(name)
                if held is None:
                    own[name] = [place], [fact]
                else:
                    held[0].append(place)
                    held[1].append(fact)
            for name, certainty in mentions.others:
                self._others.setdefault(name, []).append((place, fact, certainty))
        self._own = {name: Column(*held) for name, held in own.items()}

    @classmethod
    def of(cls, facts: Iterable[Fact], terms: Terms) -> Self:
        """Sort facts, in the order in which they come."""
        return cls([((place,), fact) for place, fact in enumerate(facts)], terms)

    def until(self, at: datetime | None) -> "FactsUntil":
        """Return the facts that count at a moment: undated, or dated at or before it; None: all."""
        return FactsUntil(self, at)

    def present(self, at: datetime | None) -> int:
        """Return the bits of the value sets that some fact belongs to at a moment."""
        bits = 0
        for each, first in self._first.items():
            if at is None or first <= at:
                bits |= each
        return bits

    def own(self, name: str) -> Column | None:
        """Return the patient's own facts of a value set, without those in `by_moment`."""
        return self._own.get(name)

    def others(self, name: str) -> Sequence[tuple[Place, Fact, str]]:
        """Return the doubtful, denied and family's facts of a value set, each with its certainty."""
        return self._others.get(name, ())

    def every(self, name: str) -> list[Fact]:
        """Return the patient's own facts of a value set, those in `by_moment` too, in their places."""
        column = self._own.get(name)
        placed = list(zip(column.places, column.facts, strict=True)) if column is not None else []
        more = [(place, fact) for place, fact, mentions in self.by_moment if name in mentions.own]
        return [fact for _, fact in (sorted([*placed, *more], key=_FIRST) if more else placed)]

    def changed(self, removed: Iterable[Placed], added: Iterable[Placed]) -> "SortedFacts":
        """Return the facts without some and with others; what does not change is shared."""
        new = SortedFacts.__new__(SortedFacts)
        new.terms, new.whole = self.terms, self.whole
        new._first, new._own, new._others = self._first.copy(), self._own.copy(), self._others.copy()
        new.by_moment = self.by_moment.copy()
        for place, fact in removed:
            new._remove(place, fact)
        for place, fact in added:
            new._add(place, fact)
        return new

    def _add(self, place: Place, fact: Fact) -> None:
        self.whole = self.whole.plus(place, fact)
        mentions = mentions_of(fact, self.terms)
        if not mentions.bits:
            return
        starts = fact.starts or _ALWAYS
        self._first[mentions.bits] = min(self._first.get(mentions.bits, starts), starts)
        if depends_on_moment(mentions):
            self.by_moment = sorted([*self.by_moment, (place, fact, mentions)], key=_FIRST)
            return
        for name in mentions.own:
            self._own[name] = self._own.get(name, _EMPTY).plus(place, fact)
        for name, certainty in mentions.others:
            self._others[name] = sorted([*self._others.get(name, ()), (place, fact, certainty)], key=_FIRST)

    def _remove(self, place: Place, fact: Fact) -> None:
        self.whole = self.whole.minus(place)
        mentions = mentions_of(fact, self.terms)
        if not mentions.bits:
            return
        if self._first[mentions.bits] == (fact.starts or _ALWAYS):
            self._count_first_again(mentions.bits)
        self.by_moment = [each for each in self.by_moment if each[0] != place]
        for name in mentions.own:
            if (column := self._own.get(name)) is not None and not depends_on_moment(mentions):
                self._own[name] = column.minus(place)
        for name, _ in mentions.others:
            self._others[name] = [each for each in self._others.get(name, ()) if each[0] != place]

    def _count_first_again(self, bits: int) -> None:
        same = [fact.starts or _ALWAYS for fact in self.whole.facts if mentions_of(fact, self.terms).bits == bits]
        if same:
            self._first[bits] = min(same)
        else:
            del self._first[bits]


class FactsUntil(tuple[Fact, ...]):
    """The facts that count at a moment, and how all of them are sorted."""

    of: SortedFacts
    at: datetime | None

    def __new__(cls, of: SortedFacts, at: datetime | None) -> Self:
        """Take those without a date, and those dated at or before the moment; None: all."""
        facts = super().__new__(cls, of.whole.until(at))
        facts.of, facts.at = of, at
        return facts


def depends_on_moment(mentions: Mentions) -> bool:
    """Return whether the words of a fact date it, so that it is another fact at another moment."""
    return bool(mentions.listed or mentions.narrated or mentions.years)


_EMPTY = Column([], [])
