"""What the picture of a patient shows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from clinical.codes import Coding
from clinical.events import AnyEvent, Condition, Observation
from clinical.quantities import exactly
from clinical.times import Moment
from clinical.versions import NO_TIME
from history.choices import Site
from history.chronology import Chronology, chronology_of
from history.person import PersonHistory
from rules.facts import Provenance
from rules.knowledge import Knowledge
from tests.history.builders import (
    JANSEN,
    MONDAY,
    a_dose,
    a_thrombosis,
    an_order,
    daily,
    entry,
    grams,
    moment,
)

LATER = 40_000  # minutes: all of it was sent four weeks on
DVT = Coding(system="ICD10", code="I80.2", display="DVT")
RIVAROXABAN = (Coding(system="ATC", code="B01AF01", display="rivaroxaban"),)
WARFARIN = (Coding(system="ATC", code="B01AA03", display="warfarin"),)


def shown(knowledge: Knowledge, *events: AnyEvent) -> Chronology:
    entries = [entry(event, minute) for minute, event in enumerate(events, LATER)]
    person = PersonHistory(identities=[("ZKHA", "1")], entries=entries)
    return chronology_of(person, knowledge, Site(), MONDAY + timedelta(days=30))


def an_inr(value: str, days: float) -> Observation:
    return Observation(
        patient=JANSEN,
        path="OBX[1]-5",
        key=f"INR {days}",
        codings=(Coding(system="LN", code="6301-6", display="INR"),),
        number=Decimal(value),
        unit="{INR}",
        taken=moment(days),
    )


def test_a_dose_that_was_given_stands_for_the_one_that_was_planned(knowledge: Knowledge) -> None:
    order = an_order(dose=grams(30), starts=moment(), timings=daily(2))

    doses = shown(knowledge, order, a_dose(grams=grams(28))).doses

    assert [(dose.given, dose.grams, (dose.at - MONDAY).days) for dose in doses] == [(True, 28.0, 0), (False, 30.0, 1)]
    assert doses[0].source == Provenance(LATER + 1, f"M{LATER + 1}", "RXA[1]-5")


def test_a_thrombosis_is_counted_from_the_last_dose_before_it(knowledge: Knowledge) -> None:
    order = an_order(dose=grams(30), starts=moment())

    found = shown(knowledge, order, a_dose(), a_thrombosis(-400), a_thrombosis(10)).thromboses

    assert [(each.name, each.days_after, each.is_suspected) for each in found] == [
        ("DVT", None, False),
        ("DVT", 10, False),
    ]


def test_a_suspected_thrombosis_is_shown_as_one(knowledge: Knowledge) -> None:
    (found,) = shown(knowledge, a_thrombosis(certainty="suspected")).thromboses

    assert found.is_suspected


@pytest.mark.parametrize(
    ("code", "text", "onset", "expected"),
    [
        ("Z86.71", "", None, (None, "", False)),
        ("Z86.71", "", Moment(at=MONDAY, precision="day"), (None, "", False)),  # written down on that day
        ("", "status na longembolie", None, (None, "", False)),
        ("", "posttrombotisch syndroom", None, (None, "", False)),
        ("", "DVT in 2012", None, (None, "", False)),  # the words say so themselves
        ("Z86.71", "", Moment(at=datetime(2012, 1, 1, tzinfo=UTC), precision="year"), (2012, "year", False)),
        ("", "mogelijk DVT", None, (None, "", True)),
    ],
)
def test_a_history_of_thrombosis_is_shown_and_dated_by_no_more_than_its_year(
    knowledge: Knowledge, code: str, text: str, onset: Moment | None, expected: tuple[int | None, str, bool]
) -> None:
    codings = (Coding(system="ICD10CM", code=code),) if code else ()
    history = Condition(
        patient=JANSEN, path="DG1[1]-3", key="1", category="diagnosis", codings=codings, text=text, onset=onset
    )

    (found,) = shown(knowledge, an_order(starts=moment()), a_dose(), history).thromboses

    assert (found.at and found.at.year, found.precision, found.is_suspected) == expected
    assert found.days_after is None


@pytest.mark.parametrize(
    ("onset", "days_after"),
    [
        (Moment(at=datetime(2026, 1, 1, tzinfo=UTC), precision="year"), None),
        (Moment(at=datetime(2026, 3, 1, tzinfo=UTC), precision="month"), None),
        (Moment(at=datetime(2026, 3, 2, tzinfo=UTC), precision="day"), 0),  # the day of the dose at nine
        (Moment(at=datetime(2026, 3, 5, tzinfo=UTC), precision="day"), 3),
    ],
)
def test_days_after_a_dose_are_days_on_the_calendar(
    knowledge: Knowledge, onset: Moment, days_after: int | None
) -> None:
    order = an_order(dose=grams(30), starts=moment(-80), timings=daily(90))
    clot = Condition(patient=JANSEN, path="DG1[1]-3", key="1", category="diagnosis", codings=(DVT,), onset=onset)

    (found,) = shown(knowledge, order, a_dose(days=-70), a_dose(days=-28), a_dose(), clot).thromboses

    assert found.days_after == days_after


def test_an_anticoagulant_runs_from_its_start_and_says_whether_its_dose_treats(knowledge: Knowledge) -> None:
    full = an_order(
        "EPD|7", codings=RIVAROXABAN, amount=exactly(Decimal(20), "mg"), starts=moment(1), timings=daily(90)
    )
    low = an_order("EPD|8", codings=RIVAROXABAN, amount=exactly(Decimal(10), "mg"), starts=moment(5), timings=daily(90))

    uses = shown(knowledge, full, low).uses

    assert [(use.name, use.strength, (use.begins - MONDAY).days if use.begins else None) for use in uses] == [
        ("rivaroxaban", "therapeutic", 1),
        ("rivaroxaban", "prophylactic", 5),
    ]


@pytest.mark.parametrize(("inr", "strength"), [("1.2", "subtherapeutic"), ("2.4", "therapeutic"), (None, "by_inr")])
def test_a_vitamin_k_antagonist_in_use_is_as_strong_as_its_inr(
    knowledge: Knowledge, inr: str | None, strength: str
) -> None:
    order = an_order("EPD|7", codings=WARFARIN, starts=moment(1))

    (use,) = shown(knowledge, order, *([an_inr(inr, 29.5)] if inr else [])).uses

    assert use.strength == strength


def test_a_vitamin_k_antagonist_of_the_past_went_by_the_inr(knowledge: Knowledge) -> None:
    order = an_order("EPD|7", codings=WARFARIN, starts=moment(1))

    (use,) = shown(knowledge, order, an_order("EPD|7", control="DC"), an_inr("1.2", 29.5)).uses

    assert (use.strength, use.end_is_unknown) == ("by_inr", False)


def test_what_was_stopped_without_a_date_does_not_run_on(knowledge: Knowledge) -> None:
    stopped = [an_order("EPD|7", codings=RIVAROXABAN, starts=moment(1)), an_order("EPD|7", control="DC")]
    undated = [f"{NO_TIME}-{number}" for number in range(2)]
    entries = [structs.replace(entry(event), version=version) for event, version in zip(stopped, undated, strict=True)]
    person = PersonHistory(identities=[("ZKHA", "1")], entries=entries)

    (use,) = chronology_of(person, knowledge, Site(), MONDAY + timedelta(days=30)).uses

    assert (use.ends, use.end_is_unknown) == (None, True)


def test_an_inr_below_two_is_low(knowledge: Knowledge) -> None:
    readings = shown(knowledge, an_order("EPD|7", codings=WARFARIN), an_inr("2.4", 3), an_inr("1.7", 1)).readings

    assert [(each.value, each.is_low) for each in readings] == [(1.7, True), (2.4, False)]


def test_of_somebody_of_whom_nothing_is_known_nothing_is_shown(knowledge: Knowledge) -> None:
    assert shown(knowledge).is_empty
