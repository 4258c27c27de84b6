"""All IVIg doses of one patient, laid out once for all of the patient's orders."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from clinical.quantities import Quantity
from history.choices import Site
from history.courses import Course, Occasion, day_of, doses_of, longest_runs, nothing_given
from parsers.medication.amounts import per_kg
from parsers.medication.courses import TRAILING_DAYS, Portion, total
from rules.facts import Dose

Convert = Callable[[Quantity, Quantity | None], Quantity | None]
_ABOUT = timedelta(hours=1)  # so far from its planned hour a dose may begin
_FOUR_WEEKS = timedelta(days=TRAILING_DAYS)


def portions(occasions: Iterable[Occasion], convert: Convert, kg: Quantity | None) -> list[Portion] | None:
    """Return the doses in one unit; None as soon as one of them is not known in it.

    A dose that was given in g, of an order in g/kg for a patient without a weight, is the dose that was ordered.
    """
    doses = []
    for occasion in occasions:
        amounts = (convert(dose, kg) for dose in (occasion.dose, occasion.ordered) if dose is not None)
        amount = next((amount for amount in amounts if amount is not None), None)
        if amount is None:
            return None
        doses.append(Portion(occasion.at, amount, occasion.order))
    return doses


class Infusions:
    """The courses of a patient's orders, and what every order asks about all of them."""

    def __init__(self, courses: Mapping[str, Course], site: Site) -> None:
        """Take the course of each order, by the order's key."""
        self.courses, self._site = courses, site
        self._most: dict[Quantity | None, Quantity | None] = {}  # by body weight

    def beside(self, course: Course) -> "Infusions":
        """Return these, and the doses of an order that does not count among those of the others."""
        return Infusions({**self.courses, course.order: course}, self._site)

    @cached_property
    def doses(self) -> list[Dose]:
        """Every dose, given or planned, oldest first."""
        doses = [dose for course in self.courses.values() for dose in doses_of(course, self._site)]
        return sorted(doses, key=lambda dose: (dose.at, dose.order))

    def first_dose(self, key: str) -> datetime | None:
        """Return when the first dose of an order was given, or is planned."""
        return self._first.get(key)

    @cached_property
    def _first(self) -> dict[str, datetime]:
        return {dose.order: dose.at for dose in reversed(self.doses)}

    def others(self, key: str, at: datetime) -> tuple[Dose, ...]:
        """Return the doses up to a moment: of this order those given, of the others also those planned.

        A planned dose in the future says nothing about the past.
        """
        doses = self.doses[: bisect_right(self._moments, at)]
        return tuple(dose for dose in doses if dose.order != key or dose.given)

    @cached_property
    def _moments(self) -> list[datetime]:
        return [dose.at for dose in self.doses]

    def run_around(self, key: str) -> list[Occasion]:
        """Return the doses of every order that make one course with this order's: the longest where there are more."""
        return self._runs.get(key, [])

    def same_days(self, key: str) -> list[Occasion]:
        """Return the doses of the patient's other orders on the days on which this order has a dose.

        Of an order that is not live only what was given. The same order told twice counts once: with one number for
        both or one as the parent of the other, or with every dose of one a dose of the other (same product, amount and
        moment). Doses of which no order is known are taken for those of an order that is.
        """
        own = self.courses[key]
        days: dict[date, bool] = defaultdict(bool)  # whether something of this order was given that day
        for one in own.occasions:
            if not nothing_given(one):
                days[self._day_of(one)] |= one.given
        beside = [one for day in days for one in self._by_day[day] if one.order != key]
        orders = {order for order in {one.order for one in beside} if self._is_another(own, self.courses[order])}
        return [
            one
            for one in sorted(beside, key=lambda one: (one.at, one.order))
            if one.order in orders
            if one.given or self.courses[one.order].is_live
            if not self.courses[one.order].is_told_by_doses or own.is_told_by_doses or days[self._day_of(one)]
        ]

    @staticmethod
    def _is_another(own: Course, other: Course) -> bool:
        if not other.numbers.isdisjoint(own.numbers) or (own.is_told_by_doses and not other.is_told_by_doses):
            return False
        return not _told_twice(own, other)

    @cached_property
    def _by_day(self) -> dict[date, list[Occasion]]:
        found: dict[date, list[Occasion]] = defaultdict(list)
        for course in self.courses.values():
            for one in course.occasions:
                if not nothing_given(one):
                    found[self._day_of(one)].append(one)
        return found

    def _day_of(self, occasion: Occasion) -> date:
        return day_of(occasion, self._site.zone)

    @cached_property
    def _runs(self) -> dict[str, list[Occasion]]:
        return longest_runs([each for course in self.courses.values() for each in course.occasions], self._site)

    def most_in_four_weeks(self, kg: Quantity | None) -> Quantity | None:
        """Return the most g/kg in any four weeks at a body weight in kg; None when a dose is not known in g/kg."""
        if kg not in self._most:
            self._most[kg] = self._most_in_four_weeks(kg)
        return self._most[kg]

    def _most_in_four_weeks(self, kg: Quantity | None) -> Quantity | None:
        doses = portions([each for course in self.courses.values() for each in course.occasions], per_kg, kg)
        if not doses:
            return None
        in_order = sorted(doses, key=lambda dose: dose.at)
        moments = [dose.at for dose in in_order]
        spans: dict[datetime, Quantity] = {}
        for at in moments:
            if at not in spans:
                first = bisect_right(moments, at.astimezone(UTC) - _FOUR_WEEKS)
                spans[at] = total(in_order[first : bisect_right(moments, at)])
        return max((spans[dose.at] for dose in doses), key=lambda span: span.high)


def _told_twice(one: Course, other: Course) -> bool:
    """Return whether two orders may be one: every dose of the shorter is also a dose of the other."""
    fewer, more = sorted((one.occasions, other.occasions), key=len)
    return one.brand == other.brand and all(any(_is_one_dose(each, dose) for dose in more) for each in fewer)


def _is_one_dose(one: Occasion, other: Occasion) -> bool:
    """Return whether two orders name the same amount at the same moment; of what was given, within an hour."""
    apart = _ABOUT if one.given or other.given else timedelta(0)
    return (one.ordered or one.dose) == (other.ordered or other.dose) and abs(one.at - other.at) <= apart
