"""Stories drawn by Hypothesis: every kind of happening, about few numbers, in few hours, so that they meet."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.journeys.stories import (
    Controlled,
    Diagnosed,
    Flagged,
    Given,
    Happening,
    Measured,
    Merged,
    Operated,
    Ordered,
    Problem,
    Seen,
    Unmerged,
)

# Shrinking goes to the left: patient 1, by hospital number alone, in the first hour.
WHO = st.sampled_from(["1", "2", "3", "4", "1+", "2+", "3+", "4+", "+1", "+2"])
BY_HOSPITAL = st.sampled_from(["1", "2", "3", "4"])
AT = st.integers(0, 72)
LATE = st.sampled_from([0, 0, 0, 0, 1, 30])
DAYS = st.sampled_from([0, 24, -24 * 20, -24 * 400])
ORDERS = st.sampled_from(["100", "101", "102", "103"])
FILLERS = st.sampled_from(["", "", "7", "8"])
TOLD = {"who": WHO, "at": AT, "late": LATE}


def _seen() -> st.SearchStrategy[Happening]:
    return st.builds(
        Seen,
        **TOLD,
        family=st.sampled_from(["Aalders", "Brandsma"]),
        born=st.sampled_from(["19500101", "", "19900101"]),
        inpatient=st.booleans(),
        died=st.sampled_from(["", "", "Y", "N"]),
    )


def _diagnosed() -> st.SearchStrategy[Happening]:
    return st.builds(
        Diagnosed,
        **TOLD,
        code=st.sampled_from(["I26.9", "E66.9", "I63.9", "J18.9"]),
        on=DAYS,
        number=st.sampled_from(["", "D1", "D2"]),
        action=st.sampled_from(["A", "A", "U", "D"]),
        certainty=st.sampled_from(["F", "W", "A"]),
    )


def _problem() -> st.SearchStrategy[Happening]:
    return st.builds(
        Problem,
        **TOLD,
        event=st.sampled_from(["PC1", "PC2", "PC3"]),
        action=st.sampled_from(["AD", "UP", "CO", "DE", "UC"]),
        number=st.sampled_from(["P1", "P2", ""]),
        code=st.sampled_from(["I80.2", "D68.5"]),
        onset=DAYS,
        status=st.sampled_from(["ACTIVE", "RESOLVED", "INACTIVE"]),
        certainty=st.sampled_from(["CONF", "SUSPECTED", "REFUTED"]),
    )


def _flagged() -> st.SearchStrategy[Happening]:
    return st.builds(Flagged, **TOLD, action=st.sampled_from(["A", "U", "D"]))


def _operated() -> st.SearchStrategy[Happening]:
    return st.builds(Operated, **TOLD, number=st.sampled_from(["X1", "X2"]), action=st.sampled_from(["A", "U", "D"]))


def _measured() -> st.SearchStrategy[Happening]:
    said = {"status": st.sampled_from(["F", "P", "C", "D", "X"]), "request": st.sampled_from(["L1", "L2"])}
    when = {"taken": st.sampled_from([0, 20, 40])}
    inr = st.builds(Measured, **TOLD, **said, **when, value=st.sampled_from(["1.5", "2.5", "<1.0"]))
    weight = st.builds(
        Measured,
        **TOLD,
        **said,
        **when,
        test=st.just("29463-7^Body weight^LN"),
        unit=st.just("kg"),
        value=st.sampled_from(["80", "20", "110"]),
    )
    return inr | weight


def _ordered() -> st.SearchStrategy[Happening]:
    return st.builds(
        Ordered,
        **TOLD,
        number=ORDERS,
        filler=FILLERS,
        control=st.sampled_from(["NW", "NW", "NW", "XO", "XX", "SN"]),
        product=st.sampled_from(["ivig", "ivig", "kiovig", "hizentra", "warfarin", "prednisone", "estradiol"]),
        grams=st.sampled_from(["30", "60", "80", ""]),
        days=st.sampled_from([1, 5]),
        route=st.sampled_from(["IV", "", "SC"]),
        starts=st.sampled_from([0, 24, 60]),
        encoded=st.booleans(),
    )


def _dispensed() -> st.SearchStrategy[Happening]:
    """The pharmacy's own message, which may know only its own number."""
    return st.builds(
        Ordered,
        **TOLD,
        number=st.sampled_from(["", "100", "101"]),
        filler=st.sampled_from(["7", "8"]),
        encoded=st.just(True),
    )


def _replaced() -> st.SearchStrategy[Happening]:
    return st.builds(Ordered, **TOLD, number=ORDERS, control=st.just("RO"), replaces=ORDERS, grams=st.just("60"))


def _controlled() -> st.SearchStrategy[Happening]:
    controls = ["CA", "DC", "HD", "RL", "OC", "OD", "UC", "UX", "SC", "CR", "RP", "RQ", "PA", "OK"]
    return st.builds(
        Controlled,
        **TOLD,
        number=ORDERS,
        filler=FILLERS,
        control=st.sampled_from(controls),
        status=st.sampled_from(["", "CM", "A", "CA"]),
        dated=st.sampled_from([True, True, False]),
    )


def _given() -> st.SearchStrategy[Happening]:
    return st.builds(
        Given,
        **TOLD,
        number=st.sampled_from(["100", "101", "102", ""]),
        filler=FILLERS,
        step=st.sampled_from(["1", "2"]),
        grams=st.sampled_from(["30", "15"]),
        completion=st.sampled_from(["CP", "PA", "RE"]),
        action=st.sampled_from(["A", "U", "D"]),
        started=st.sampled_from([0, 24]),
    )


def _merged() -> st.SearchStrategy[Happening]:
    return st.builds(
        Merged,
        **TOLD,
        event=st.sampled_from(["A40", "A34", "A47", "A18"]),
        retired=st.lists(BY_HOSPITAL, min_size=1, max_size=2, unique=True).map(tuple),
        in_groups=st.booleans(),
    )


def _unmerged() -> st.SearchStrategy[Happening]:
    return st.builds(Unmerged, who=BY_HOSPITAL, at=AT, late=LATE, other=BY_HOSPITAL)


def happenings() -> st.SearchStrategy[Happening]:
    """One happening of any kind."""
    medicines = _ordered() | _dispensed() | _replaced() | _controlled() | _given()
    history = _diagnosed() | _problem() | _flagged() | _operated() | _measured()
    people = _seen() | _merged() | _merged() | _unmerged()
    return people | history | medicines


def stories_of_identity(most: int = 16) -> st.SearchStrategy[list[Happening]]:
    """A short story in which most happenings say who is who."""
    people = _seen() | _merged() | _merged() | _unmerged() | _unmerged()
    return st.lists(people | _problem() | _ordered() | _controlled(), min_size=1, max_size=most)


def stories(most: int = 40) -> st.SearchStrategy[list[Happening]]:
    """A story of at most so many messages; most have thirty or more."""
    return st.lists(happenings(), min_size=1, max_size=most) | st.lists(happenings(), min_size=30, max_size=most)


def _measured_some_day() -> st.SearchStrategy[Happening]:
    tests = st.sampled_from([("6301-6^INR^LN", ""), ("777-3^Platelets^LN", "10*9/L"), ("29463-7^Body weight^LN", "kg")])
    numbers = st.integers(1, 40).map(lambda number: f"L{number}")
    said = {"request": numbers, "taken": HOURS, "at": HOURS, "value": st.sampled_from(["1.5", "2.5", "80", "<1.0"])}
    built = st.builds(Measured, **said, who=FEW, late=LATE, status=st.sampled_from(["F", "F", "F", "P", "C", "D"]))
    return st.tuples(built, tests).map(lambda drawn: replace(drawn[0], test=drawn[1][0], unit=drawn[1][1]))


def _ordered_some_day() -> st.SearchStrategy[Happening]:
    said = {"number": ORDERS, "at": HOURS, "starts": HOURS, "days": st.sampled_from([1, 5])}
    return st.builds(Ordered, **said, who=FEW, product=st.sampled_from(["ivig", "ivig", "hizentra", "warfarin"]))


def _diagnosed_some_day() -> st.SearchStrategy[Happening]:
    codes = st.sampled_from(["I26.9", "E66.9", "I63.9", "R06.0"])
    numbers = st.sampled_from(["", "D1", "D2", "D3"])
    return st.builds(Diagnosed, who=FEW, at=HOURS, on=HOURS, code=codes, number=numbers, certainty=st.just("F"))


FEW = st.sampled_from(["1", "1", "1", "1", "2"])
HOURS = st.integers(-20, 90).map(lambda days: 24 * days)


def stories_of_results(most: int = 40) -> st.SearchStrategy[list[Happening]]:
    """A story over months in which most happenings are results, some before, between or after infusions."""
    first = st.lists(_ordered_some_day(), min_size=1, max_size=4)
    others = _diagnosed_some_day() | _ordered_some_day() | _given() | _problem() | _seen()
    later = st.lists(
        _measured_some_day() | _measured_some_day() | _measured_some_day() | others, min_size=5, max_size=most
    )
    return st.tuples(first, later).map(lambda drawn: [*drawn[0], *drawn[1]])
