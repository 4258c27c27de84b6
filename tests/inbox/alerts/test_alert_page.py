"""The page of one alert, and acting on it."""

import pytest
import sqlalchemy as sa

from store import tables
from tests.inbox.builders import (
    an_event,
)
from tests.inbox.sites import Client, Site, form

NOTHING = {"done_as": "no_action_needed"}


def test_an_alert_shows_its_order_its_reasons_and_where_each_was_read(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    shown = one_page.get(f"/alerts/{alert}").text

    for said in (
        "Contraindication",
        "Prior venous thromboembolism",
        "Jansen, Willem",
        "3 Nov 1948",
        "C4NEU",
        "80 g · 1 g/kg",
        "9.6 g/h",
        "21 Nov 2026 16:00",
        "DVT been",
        "14 Jun 2019",
        "/messages/1?path=PRB%5B1%5D-3#marked",
        "Confirm the history.",
        "No INR in the last 14 days.",
        "Uneventful earlier course in 2025.",
        "/rules/IG-VTE-001",
        "Paran D et al.",
        "Raised",
    ):
        assert said in shown


def test_a_pharmacist_acknowledges_on_the_page(page: Client, site: Site) -> None:
    alert = site.with_case()

    shown = page.post(f"/alerts/{alert}/acknowledge", data=form(page, **NOTHING, note="Ward called", seen="1"))

    assert "This alert is done." in shown.text
    assert "Ward called" in shown.text
    assert "No open alerts" in page.get("/").text


def test_who_was_first_is_said_to_who_was_second(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case(status="acknowledged")
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="acknowledged", actor="rik")

    answer = one_page.post(f"/alerts/{alert}/acknowledge", data=form(one_page, **NOTHING, note="", seen="1"))

    assert answer.status_code == 409
    assert "This alert is already done." in answer.text
    assert "rik got there first, on" in answer.text


def test_an_override_without_a_note_comes_back_with_what_was_filled_in(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    filled = form(one_page, reason="will_monitor", note=" ", valid_until="2026-12-24", seen="1")

    answer = one_page.post(f"/alerts/{alert}/override", data=filled)

    assert answer.status_code == 422
    assert "Write why; it is required here." in answer.text
    assert 'value="will_monitor" required checked' in answer.text
    assert 'value="2026-12-24"' in answer.text


def test_an_override_stands_until_the_end_of_the_day_that_was_chosen(page: Client, site: Site) -> None:
    alert = site.with_case()
    filled = form(page, reason="will_monitor", note="Doppler on day 3", valid_until="2026-12-24", seen="1")

    shown = page.post(f"/alerts/{alert}/override", data=filled).text

    assert "the patient will be monitored" in shown
    assert "valid until 24 Dec 2026" in shown
    with site.engine.connect() as connection:
        until = connection.scalar(sa.select(tables.decision.c.valid_until))
    assert until is not None
    assert until.isoformat() == "2026-12-24T22:59:59+00:00"


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "2026-11-20"])
def test_a_day_that_is_none_or_is_over_is_refused(one_page: Client, one_site: Site, day: str) -> None:
    alert = one_site.with_case()
    filled = form(one_page, reason="will_monitor", note="x", valid_until=day, seen="1")

    assert one_page.post(f"/alerts/{alert}/override", data=filled).status_code == 422


def test_an_open_page_hears_what_others_did_to_its_alert(page: Client, site: Site) -> None:
    alert = site.with_case()
    with site.engine.begin() as connection:
        heard = an_event(connection, alert, kind="changed", actor="system")
        an_event(connection, alert, kind="comment", actor="els", note="mine")
        an_event(connection, alert, kind="acknowledged", actor="rik")

    news = page.get(f"/alerts/{alert}/news?heard={heard}").text

    assert "Done (rik" in news
    assert "Comment" not in news


def test_the_length_of_a_text_is_counted_as_the_browser_counts_it(page: Client, site: Site) -> None:
    alert = site.with_case()
    full = "a\r\n" * 2000  # 4000 for a browser, that sends two characters for the end of a line

    taken = page.post(f"/alerts/{alert}/comment", data=form(page, text=full))

    assert "Your comment was added." in taken.text


def test_a_fault_stands_at_the_field_it_is_about_and_what_was_typed_stays(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    shown = one_page.post(
        f"/alerts/{alert}/acknowledge", data=form(one_page, **NOTHING, note="x" * 4001, seen="1")
    ).text

    acknowledging, overriding = shown.split('id="act-override"')
    assert "x" * 4001 in acknowledging
    assert "fault-note" in acknowledging
    assert "fault-note" not in overriding


def test_a_change_that_made_nothing_worse_is_told_too(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        an_event(connection, alert, data={"rules_added": [], "rules_gone": ["IG-DATA-031"], "dose_g": [None, [30, 30]]})
        an_event(connection, alert, data={"rules_added": [], "rules_gone": [], "state": ["active", "completed"]})
        an_event(connection, alert, data={"rules_added": [], "rules_gone": []})

    shown = one_page.get(f"/alerts/{alert}").text

    assert "finding “Infusion rate not in the message” no longer applies; Dose per day was unknown, now 30 g" in shown
    assert "State was active, now completed" in shown
    assert "other facts, the same findings" in shown
