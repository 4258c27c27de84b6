"""The picture of a patient as SVG: what is drawn where, and what says so besides colour."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from history.chronology import AnticoagulantUse, Chronology, PlottedDose, PlottedInr, PlottedThrombosis
from inbox.http.notation import Notation
from inbox.http.words import load_words
from inbox.patients.drawing import Start, draw, drawings
from inbox.patients.picture import table_of
from rules.facts import Provenance

NOW = datetime(2026, 11, 30, 8, 48, tzinfo=UTC)
IN_DUTCH = Notation(load_words(("nl",))["nl"], ZoneInfo("Europe/Amsterdam"))
SOURCE = Provenance(7, "EPD7", "RXA[1]-5")
START = Start(NOW + timedelta(hours=1), timedelta(hours=2, minutes=40), timedelta(hours=8))


def a_dose(days: float, *, given: bool = True, grams: float | None = 32.0) -> PlottedDose:
    at = NOW + timedelta(days=days)
    return PlottedDose(at, at + timedelta(hours=3), grams, given, SOURCE)


CLOT = PlottedThrombosis("DVT been", NOW - timedelta(days=200), "day", False, SOURCE, 10)
USE = AnticoagulantUse("RIVAROXABAN TABLET 20MG", NOW - timedelta(days=190), None, "therapeutic", SOURCE)
ALL = Chronology(
    (a_dose(-210), a_dose(-205), a_dose(1 / 24, given=False)),
    (CLOT,),
    (USE,),
    (
        PlottedInr(NOW - timedelta(days=100), 1.7, True, SOURCE),
        PlottedInr(NOW - timedelta(days=90), 2.5, False, SOURCE),
    ),
)


def drawn(chronology: Chronology, start: Start | None = START, *, narrow: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(draw(chronology, IN_DUTCH, NOW, start, narrow=narrow))


def of_kind(svg: ElementTree.Element, css: str) -> list[ElementTree.Element]:
    return [each for each in svg.iter() if each.get("class") == css]


def places(svg: ElementTree.Element, css: str) -> list[float]:
    return [
        float(each.get("x") or each.get("cx") or re.findall(r"M([\d.]+)", each.get("d") or "")[0])
        for each in of_kind(svg, css)
    ]


@pytest.mark.parametrize("narrow", [False, True])
def test_what_was_given_is_filled_and_what_is_planned_is_hatched(narrow: bool) -> None:
    svg = drawn(ALL, narrow=narrow)

    assert len(of_kind(svg, "given")) == 2
    assert len(of_kind(svg, "planned")) == 1  # in the day, from the start as long as it was ordered
    assert len(of_kind(svg, "advised")) == 1
    assert len(of_kind(svg, "clot")) == 1
    assert of_kind(svg, "risk")


def test_time_runs_from_left_to_right_and_now_and_start_are_apart() -> None:
    svg = drawn(ALL)

    first, second = places(svg, "given")
    (clot,), (now,), (start,) = (places(svg, css) for css in ("clot", "now", "start"))
    assert first < second < clot < now < start
    assert start - now > 20


def test_every_mark_has_a_name_and_leads_to_its_source() -> None:
    links = list(drawn(ALL).iter("a"))

    assert len(links) == 2 + 2 + 1 + 2 + 2  # doses, order and advice, thrombosis, anticoagulant in two panels, INR
    assert {link.get("href") for link in links} == {"/messages/7?path=RXA%5B1%5D-5#marked"}
    assert all(link.get("aria-label") for link in links)
    assert "DVT been, 14 mei 2026, 10 dagen na IVIg" in [link.get("aria-label") for link in links]


def test_a_start_days_away_is_drawn_among_the_months() -> None:
    start = Start(NOW + timedelta(days=9))

    svg = drawn(Chronology((a_dose(-20), a_dose(9, given=False))), start)

    assert of_kind(svg, "zoom") == []
    assert places(svg, "now") < places(svg, "start")


def test_without_an_anticoagulant_the_lane_says_so_to_the_end() -> None:
    svg = drawn(Chronology((a_dose(-100),)), None)

    assert "geen bekend" in [each.text for each in svg.iter("text")]
    assert of_kind(svg, "cover") == []


def test_a_dose_too_low_to_treat_is_striped() -> None:
    low = AnticoagulantUse("enoxaparine", NOW - timedelta(days=50), NOW - timedelta(days=20), "prophylactic", None)

    svg = drawn(Chronology((), (), (low,)), None)

    assert (len(of_kind(svg, "weak")), len(of_kind(svg, "cover"))) == (1, 0)


def test_what_was_stopped_at_an_unknown_time_does_not_run_until_now() -> None:
    begun = NOW - timedelta(days=50)
    use = AnticoagulantUse("apixaban", begun, None, "therapeutic", None, end_is_unknown=True)

    (bar,) = of_kind(drawn(Chronology((), (), (use,)), None), "cover")

    assert float(bar.get("width") or 0) == 3
    assert table_of(Chronology((), (), (use,)), IN_DUTCH)[0].name == "apixaban, behandeldosis, einde onbekend"


def test_what_a_sender_wrote_is_text_and_never_markup() -> None:
    clot = PlottedThrombosis("<script>alert(1)</script>", NOW - timedelta(days=5), "day", True, SOURCE)

    svg = draw(Chronology((), (clot,)), IN_DUTCH, NOW, narrow=False)

    assert "<script>" not in svg
    assert " style=" not in svg


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawings(Chronology(), IN_DUTCH, NOW) == ""


def test_the_table_holds_what_the_picture_shows_newest_first() -> None:
    undated = PlottedThrombosis("longembolie", None, "", False, SOURCE)

    table = table_of(Chronology(ALL.doses, (undated, CLOT), ALL.uses, ALL.readings), IN_DUTCH)

    assert [(row.lane, row.name) for row in table] == [
        ("ivig", "32 g gepland"),
        ("inr", "2,5"),
        ("inr", "1,7"),
        ("cover", "rivaroxaban, behandeldosis"),
        ("thrombosis", "DVT been, 10 dagen na IVIg"),
        ("ivig", "32 g gegeven"),
        ("ivig", "32 g gegeven"),
        ("thrombosis", "longembolie"),
    ]
    assert table[-1].when == "datum onbekend"
