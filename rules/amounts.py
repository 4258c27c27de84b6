"""The planned dose, in the quantities that rules use. Of a range, rules use the higher end."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from clinical.quantities import Quantity, exactly
from rules.dates import days, days_between
from rules.facts import Dose
from rules.picture import Picture, once_for_a_picture

_COURSE_GAP = timedelta(days=3)  # doses further apart belong to different courses
_HALF_A_YEAR = timedelta(days=183)


def amount(picture: Picture, name: str) -> Quantity | None:
    """Return a planned quantity by its name; None when it cannot be known."""
    known = picture.amounts
    if name not in known:
        known[name] = AMOUNTS[name](picture)
    return known[name]


def _known(number: Decimal | int | None, unit: str) -> Quantity | None:
    return None if number is None else exactly(number, unit)


def _per(value: Quantity | None, divisor: Decimal | None, unit: str, factor: Decimal | int = 1) -> Quantity | None:
    if value is None or not divisor:
        return None
    return Quantity(value.low * factor / divisor, value.high * factor / divisor, unit, flags=value.flags)


def grams(picture: Picture) -> Quantity | None:
    """Return the grams of one day, those of other orders with them; else of one administration."""
    order = picture.case.order
    if order.all_grams_per_day is not None:
        return order.all_grams_per_day
    if order.grams_per_day is None and order.grams_per_kg_per_day and picture.weight_kg:
        return _per(order.grams_per_kg_per_day, Decimal(1), "g", picture.weight_kg)
    return order.grams_per_day or order.grams_per_administration


def _g_per_kg(picture: Picture) -> Quantity | None:
    order = picture.case.order
    own = order.grams_per_kg_per_day or _per(order.grams_per_day, picture.weight_kg, "g/kg")
    return order.all_grams_per_kg_per_day or own


def _course(picture: Picture) -> Quantity | None:
    order = picture.case.order
    return order.course_grams_per_kg or _per(order.course_grams, picture.weight_kg, "g/kg")


def grams_per_hour(picture: Picture) -> Quantity | None:
    """Return the peak rate in g/h, also when it was sent per kg."""
    order = picture.case.order
    if order.grams_per_hour is None and order.mg_per_kg_per_minute and picture.weight_kg:
        return _per(order.mg_per_kg_per_minute, Decimal(1000), "g/h", picture.weight_kg * 60)
    return order.grams_per_hour


def rate(picture: Picture) -> Quantity | None:
    """Return the peak rate in mg/kg/min, or the mean rate if no peak is known: the peak is never lower."""
    order = picture.case.order
    peak = order.mg_per_kg_per_minute or _per(order.grams_per_hour, picture.weight_kg, "mg/kg/min", Decimal(1000) / 60)
    return peak or order.mean_mg_per_kg_per_minute


@once_for_a_picture
def label_rate(picture: Picture) -> Decimal:
    """Return the highest label rate for this product and indication, else the fallback."""
    rates, brand = picture.terms.rates, picture.brand
    product = next((each for each in rates.products if each.brand == brand), None)
    if product is None:
        return rates.fallback
    named = [product.indications[name] for name in picture.indications if name in product.indications]
    return max(named, default=product.maximum)


@once_for_a_picture
def at_risk_rate(picture: Picture) -> Decimal:
    """Return the highest rate for a patient at risk, with this product."""
    rates, brand = picture.terms.rates, picture.brand
    own = next((each.at_risk for each in rates.products if each.brand == brand and each.at_risk), None)
    return own or rates.at_risk


def adjusted_weight(picture: Picture) -> Decimal | None:
    """Return the adjusted body weight in kg; None without weight, height and sex."""
    form, actual, height = picture.terms.weight, picture.weight_kg, picture.height_cm
    ideal = {"M": form.ideal_male_kg, "F": form.ideal_female_kg}.get(picture.case.patient.sex)
    if actual is None or height is None or ideal is None:
        return None
    ideal += form.ideal_per_cm * (height - form.ideal_from_cm)
    return ideal + form.adjusted_share * (actual - ideal)


def _over_adjusted(picture: Picture) -> Quantity | None:
    """Return how many times the dose on adjusted weight is given; only for a dose that was ordered per kg."""
    weight, adjusted = picture.weight_kg, adjusted_weight(picture)
    if picture.case.order.dose_basis != "g/kg" or weight is None or adjusted is None:
        return None
    ordered = _g_per_kg(picture)
    planned = grams(picture)
    if ordered is None or planned is None or not ordered.high:
        return None
    return exactly(planned.high / (ordered.high * adjusted))


def body_mass_index(picture: Picture) -> Quantity | None:
    """Return the BMI from weight and height."""
    weight, height = picture.weight_kg, picture.height_cm
    return exactly(weight / (height / 100) ** 2, "kg/m2") if weight and height else None


def last_course(picture: Picture) -> tuple[Dose, ...]:
    """Return the doses of the course before this one; doses close to the start belong to this course."""
    newer = picture.starts
    course: list[Dose] = []
    for dose in reversed(picture.earlier_doses):
        if newer - dose.at > _COURSE_GAP:
            if course:
                break
            course = [dose]
        elif course:
            course.append(dose)
        newer = dose.at
    return tuple(reversed(course))


def last_course_per_kg(picture: Picture) -> Decimal | None:
    """Return how much that course was, in g/kg."""
    course = last_course(picture)
    if not course or not picture.weight_kg:
        return None
    return sum((dose.grams.high for dose in course if dose.grams), Decimal(0)) / picture.weight_kg


@once_for_a_picture
def _given_before(picture: Picture) -> tuple[tuple[Dose, ...], ...]:
    """Return the courses given in the half year before this one, each as its doses."""
    newer, courses = picture.starts, []
    for dose in reversed(picture.earlier_doses):
        if dose.at < picture.starts - _HALF_A_YEAR:
            break
        if newer - dose.at > _COURSE_GAP:
            courses.append([dose])
        elif courses:
            courses[-1].append(dose)
        newer = dose.at
    given = (tuple(dose for dose in course if dose.given) for course in courses)
    return tuple(course for course in given if course)


def _dose_over_earlier(picture: Picture) -> Quantity | None:
    """Return how many times the largest day of those courses is ordered; None when either is not known."""
    planned, by_day = grams(picture), dict[date, Decimal]()
    for dose in (each for course in _given_before(picture) for each in course):
        if dose.grams is not None:
            by_day[dose.at.date()] = by_day.get(dose.at.date(), Decimal(0)) + dose.grams.low
    largest = max(by_day.values(), default=None)
    return exactly(planned.high / largest) if planned is not None and largest else None


def _since_oldest_course(picture: Picture) -> Quantity | None:
    """Return how many days before this order starts the oldest of those courses began."""
    courses = _given_before(picture)
    oldest = min((dose.at for course in courses for dose in course), default=None)
    return None if oldest is None else exactly(days_between(oldest, picture.starts).days, "d")


def _course_over_earlier(picture: Picture) -> Quantity | None:
    """Return how many times the largest of those courses is ordered; None when either is not known."""
    order = picture.case.order
    planned = order.course_grams
    if planned is None and order.course_grams_per_kg and picture.weight_kg:
        planned = _per(order.course_grams_per_kg, Decimal(1), "g", picture.weight_kg)
    totals = (sum((dose.grams.low for dose in each if dose.grams), Decimal(0)) for each in _given_before(picture))
    largest = max(totals, default=None)
    return exactly(planned.high / largest) if planned is not None and largest else None


def _days_over_earlier(picture: Picture) -> Quantity | None:
    """Return how many times the most days in a row of those courses are ordered; None when either is not known."""
    planned, most = picture.case.order.consecutive_days, 0
    for course in _given_before(picture):
        given = {dose.at.date() for dose in course}
        for day in given:
            run = next(count for count in range(1, len(given) + 1) if day + timedelta(days=count) not in given)
            most = max(most, run)
    return exactly(Decimal(planned) / most) if planned is not None and most else None


def weight_is_old(picture: Picture) -> bool:
    """Return whether the weight is too old to be used."""
    form, case = picture.terms.weight, picture.case
    taken = picture.weight_at
    outpatient = case.patient.inpatient is False
    limit = form.within_days_outpatient if outpatient else form.within_days_inpatient
    return taken is not None and case.at - taken > days(limit)


def dose_per_kg_is_missing(picture: Picture) -> bool:
    """Return whether g/kg cannot be computed, or only with an old weight."""
    if _g_per_kg(picture) is None:
        return True
    return picture.case.order.dose_basis != "g/kg" and weight_is_old(picture)


AMOUNTS: dict[str, Callable[[Picture], Quantity | None]] = {
    "g-per-kg-per-day": _g_per_kg,
    "g-per-kg-course": _course,
    "g-per-kg-28-days": lambda picture: picture.case.order.trailing_28_days_grams_per_kg,
    "g-per-day": grams,
    "courses-in-half-a-year": lambda picture: _known(len(_given_before(picture)), ""),
    "days-since-oldest-course": _since_oldest_course,
    "dose-over-earlier-days": _dose_over_earlier,
    "course-over-earlier-courses": _course_over_earlier,
    "days-in-a-row-over-earlier": _days_over_earlier,
    "consecutive-days": lambda picture: _known(picture.case.order.consecutive_days, "d"),
    "g-per-hour": grams_per_hour,
    "mg-per-kg-per-minute": rate,
    "rate-over-label": lambda picture: _per(amount(picture, "mg-per-kg-per-minute"), label_rate(picture), ""),
    "rate-over-at-risk-limit": lambda picture: _per(amount(picture, "mg-per-kg-per-minute"), at_risk_rate(picture), ""),
    "dose-over-adjusted-weight": _over_adjusted,
    "weight-kg": lambda picture: _known(picture.weight_kg, "kg"),
    "body-mass-index": body_mass_index,
}
