"""The inbox page: in which order, filtered how, and what it says when nothing is wrong or something is."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import tables
from tests.inbox.builders import (
    NOW,
    a_case,
    a_conclusion,
    a_person,
    an_event,
    the_log,
)
from tests.inbox.desks import with_alerts
from tests.inbox.sites import Client, Site, sign_in
from tests.store.builders import a_message


def order_of(text: str, *words: str) -> list[str]:
    """Return the words in the order in which they appear."""
    return sorted(words, key=text.index)


def test_the_inbox_is_grouped_by_patient_the_gravest_first_then_the_soonest(page: Client, site: Site) -> None:
    def told(name: str, hour: int) -> dict[str, Any]:
        made = a_conclusion()
        made["patient"] |= {"name": name}
        made["order"] |= {"start": f"2026-11-21T{hour}:00:00+00:00"}
        return made

    with site.engine.begin() as connection:
        late, soon, grave = (a_person(connection, str(n), str(n)) for n in (1, 2, 3))
        a_case(connection, patient=late, number="1", told=told("Late", 20), tier="high")
        a_case(connection, patient=soon, number="2", told=told("Soon", 14), tier="high")
        a_case(connection, patient=grave, number="3", told=told("Grave", 22))
        a_case(connection, patient=grave, number="4", told=told("Grave", 15), tier="moderate")

    shown = page.get("/").text

    assert order_of(shown, ">Late<", ">Soon<", ">Grave<") == [">Grave<", ">Soon<", ">Late<"]
    assert shown.count(">Grave<") == 2  # two orders, two findings
    assert "4 alerts" in shown


def test_what_can_still_be_prevented_stands_first_and_the_nearest_start_on_top(page: Client, site: Site) -> None:
    def told(name: str, start: datetime) -> dict[str, Any]:
        made = a_conclusion()
        made["patient"] |= {"name": name}
        made["order"] |= {"start": start.isoformat()}
        return made

    def case(name: str, hours: float, **columns: Any) -> None:
        patient = a_person(connection, name, name)
        a_case(connection, patient=patient, number=name, told=told(name, NOW + timedelta(hours=hours)), **columns)

    with site.engine.begin() as connection:
        case("Running", -3)
        case("InTwoDays", 48)
        case("Died", 1, badges=["deceased"])
        case("After", -30, stream="pharmacovigilance")
        case("InAnHour", 1)
        case("InThreeHours", 3)
        case("ModerateSoon", 0.5, tier="moderate")
        case("Given", -200)
        connection.execute(
            sa.update(tables.medication_order)
            .where(tables.medication_order.c.key.contains("Given"))
            .values(ends_at=NOW - timedelta(hours=190))
        )

    shown = page.get("/").text

    names = ["InAnHour", "InThreeHours", "Running", "ModerateSoon", "InTwoDays", "Given", "After", "Died"]
    assert order_of(shown, *(f">{name}<" for name in names)) == [f">{name}<" for name in names]
    headings = ["Starts within 24 hours", "Starts later", "Already given", "After infusion", "For the record"]
    assert order_of(shown, *headings) == headings
    assert "<title>(6) " in shown
    assert "running" in shown
    assert "for 3 h" in shown
    assert "day 8" in shown  # of what was given


def test_a_ward_shows_every_alert_it_has_however_many_there_are(one_site: Site) -> None:
    one_site.add_user("els")
    elsewhere = a_conclusion()
    elsewhere["patient"] |= {"ward": "B2INT"}
    with one_site.engine.begin() as connection:
        for number in range(6):
            a_case(connection, patient=a_person(connection, f"g{number}", f"g{number}"), number=f"g{number}")
        only = a_case(connection, patient=a_person(connection, "m", "m"), number="m", told=elsewhere, tier="moderate")
    with one_site.client(alerts_per_page=2) as client:
        shown = sign_in(client, "els").get("/?ward=B2INT").text

    assert "1 alert<" in shown
    assert f'href="/alerts/{only}"' in shown


def test_the_newest_settled_alerts_are_shown_and_that_there_are_older(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        a_case(connection, patient=patient, number="open")
        for number in range(3):
            a_case(connection, patient=patient, number=f"s{number}", status="acknowledged", tier="moderate")
    with one_site.client(alerts_per_page=2) as client:
        shown = sign_in(client, "els").get("/?status=acknowledged").text
        moderate = client.get("/?status=acknowledged&tier=moderate").text

    assert "Older settled alerts are not shown." in shown
    assert "<title>(1) " in moderate  # whatever is filtered, the title says what is urgent


def test_an_order_that_was_cancelled_before_it_began_was_not_given(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        a_case(connection, number="c", status="resolved")
        connection.execute(sa.update(tables.medication_order).values(state="cancelled"))

    shown = one_page.get("/?status=resolved").text

    assert "For the record" in shown
    assert "Already given" not in shown


def test_a_fresh_install_shows_no_tick(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        connection.execute(sa.update(tables.feed).values(last_heard_at=None))

    shown = one_page.get("/").text

    assert "never heard" in shown
    assert 'href="#i-ok"' not in shown


def test_where_nothing_was_ever_received_no_page_says_that_all_is_well(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        connection.execute(sa.delete(tables.feed))

    first, handover, notices = (one_page.get(path).text for path in ("/", "/handover", "/notices"))

    assert "Nothing received yet" in first
    assert "Empty does not mean safe" in first
    assert "No contraindication open" not in first
    assert 'href="#i-ok"' not in first + handover
    assert "There are no feeds yet" in handover
    assert 'class="ok"' not in notices


def test_the_orders_of_a_merged_patient_stand_together(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        one, two = a_person(connection, "1", "1"), a_person(connection, "2", "2")
        a_case(connection, patient=one, number="1")
        a_case(connection, patient=two, number="2")
        connection.execute(sa.update(tables.patient).where(tables.patient.c.id == one).values(merged_into=two))

    shown = page.get("/").text

    assert shown.count(">Jansen, Willem<") == 1
    assert "2 orders, same finding" in shown
    assert "2 alerts" in shown


def test_the_inbox_is_filtered_by_status_tier_and_ward(one_page: Client, one_site: Site) -> None:
    elsewhere = a_conclusion()
    elsewhere["patient"] |= {"name": "Elsewhere", "ward": "B2INT"}
    with one_site.engine.begin() as connection:
        a_case(connection)
        other = a_person(connection, "2", "2")
        a_case(connection, patient=other, number="2", told=elsewhere, tier="high", status="acknowledged")

    def names(query: str) -> tuple[bool, bool]:
        shown = one_page.get(f"/?{query}").text
        return "Jansen, Willem" in shown, "Elsewhere" in shown

    assert names("") == (True, False)
    assert names("status=acknowledged") == (False, True)
    assert names("status=acknowledged&tier=contraindication") == (False, False)
    assert names("ward=C4NEU") == (True, False)
    assert names("channel=worklist") == (False, False)
    assert names("whose=nobody") == (True, False)
    assert names("whose=mine") == (False, False)
    assert "No alerts match these filters" in one_page.get("/?ward=NOWHERE").text


def test_an_empty_inbox_says_that_somebody_is_listening(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        a_message(connection, received_at=NOW - timedelta(seconds=4))

    shown = one_page.get("/").text

    assert "No open alerts" in shown
    assert "The last message was received on" in shown
    assert "21 Nov 2026 14:04:56" in shown
    assert "EPD" in shown


def test_a_feed_that_is_silent_is_said_also_when_the_inbox_is_empty(one_page: Client, one_site: Site) -> None:
    one_site.now = NOW + timedelta(minutes=20)

    assert "is silent" in one_page.get("/").text
    banners = one_page.get("/banners").text
    assert "Feed EPD has been silent since" in banners
    assert "New orders are not being judged at the moment." in banners


@pytest.mark.parametrize(
    ("lane", "said"), [("history", "History is 40 s behind."), ("orders", "A message has been waiting for")]
)
def test_a_message_that_waits_is_said(one_page: Client, one_site: Site, lane: str, said: str) -> None:
    waited = 40 if lane == "history" else 61
    with one_site.engine.begin() as connection:
        a_message(connection, lane=lane, received_at=NOW - timedelta(seconds=waited))

    assert said in one_page.get("/banners").text


def test_parked_messages_are_said_and_nothing_is_when_all_is_well(one_page: Client, one_site: Site) -> None:
    before = one_page.get("/banners").text.strip()
    with one_site.engine.begin() as connection:
        a_message(connection, state="parked", reason="no_patient")

    after = one_page.get("/banners").text

    assert before == ""
    assert "1 message is parked." in after


def test_a_list_that_is_brought_up_to_date_records_only_who_is_new(one_page: Client, one_site: Site) -> None:
    one_site.with_case()
    with one_site.engine.begin() as connection:
        heard = connection.scalar(sa.select(sa.func.max(tables.alert_event.c.id)))
        new = a_person(connection, "2", "2")
        alert = a_case(connection, patient=new, number="2")

    shown = one_page.get(f"/alerts?after={heard}", headers={"HX-Request": "true"})

    assert "2 alerts" in shown.text
    assert the_log(one_site.engine)[1:] == [("els", "list_alerts", new, f"alerts {alert}")]


def test_when_there_are_more_open_alerts_than_room_the_gravest_are_shown(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        a_case(connection, patient=a_person(connection), number="1")
        for number in range(2, 5):
            patient = a_person(connection, str(number), str(number))
            a_case(connection, patient=patient, number=str(number), tier="moderate")
    with one_site.client(alerts_per_page=2) as client:
        shown = sign_in(client, "els").get("/").text

    assert "2 of 4 rows shown" in shown
    assert 'href="/?page=2"' in shown
    assert 'href="/alerts/1"' in shown


def test_a_full_list_says_that_there_is_more_and_only_then(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.client(alerts_per_page=2) as client:
        sign_in(client, "els")
        with_alerts(one_site, 2)
        two = client.get("/").text
        with one_site.engine.begin() as connection:
            a_case(connection, patient=a_person(connection, "more", "more"), number="more")
        three = client.get("/").text

    assert "2 alerts" in two
    assert ("rows shown" in two, "2 of 3 rows shown" in three) == (False, True)


def test_forty_orders_of_one_patient_with_the_same_findings_are_one_row(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        patient = a_person(connection)
        for number in range(40):
            told = a_conclusion()
            told["order"] |= {"start": (NOW + timedelta(days=2 + number / 20)).isoformat()}
            a_case(connection, patient=patient, number=str(number), told=told)

    shown = one_page.get("/").text

    assert shown.count('<li class="strip') == 1
    assert "23–25 Nov" in shown
    assert "40 orders, same finding" in shown


def test_a_row_says_what_happened_when_what_protects_and_what_to_change(one_page: Client, one_site: Site) -> None:
    told = a_conclusion(protection={"en": "RIVAROXABAN TABLET 20MG 20 mg/day (treatment dose)"})
    one_site.with_case(told=told)

    shown = one_page.get("/").text

    for said in ("DVT been, Jun 2019", "rivaroxaban 20 mg/day (treatment dose)", "9.6 g/h", "<b>4 g/h</b>", "1 h 55"):
        assert said in shown
    assert "Nobody yet" in shown


def test_what_must_wait_is_said_in_the_place_of_a_rate(one_page: Client, one_site: Site) -> None:
    one_site.with_case(told=a_conclusion(does=[["hold"], ["discuss-alternatives"]], now=1))

    assert '<b class="halt">discuss first</b>' in one_page.get("/").text


def test_where_ivig_must_not_be_delayed_nothing_says_to_hold_it(one_page: Client, one_site: Site) -> None:
    one_site.with_case(told=a_conclusion(does=[["hold"], ["give-without-delay"]], now=1))

    assert "discuss first" not in one_page.get("/").text


def test_what_is_late_stands_on_top_and_says_by_how_much(one_page: Client, one_site: Site) -> None:
    late = a_conclusion()
    late["patient"] |= {"name": "Late"}
    with one_site.engine.begin() as connection:
        a_case(connection, number="1")
        patient = a_person(connection, "2", "2")
        a_case(connection, patient=patient, number="2", told=late, tier="high", due_at=NOW - timedelta(minutes=12))

    shown = one_page.get("/").text

    assert order_of(shown, ">Late<", ">Jansen, Willem<") == [">Late<", ">Jansen, Willem<"]
    assert "12 min late" in shown


def test_every_filter_counts_over_all_alerts_and_not_over_those_of_a_page(one_site: Site) -> None:
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        for number in range(12):
            told = a_conclusion()
            told["patient"] |= {"ward": f"W{number % 3}"}
            tier = "moderate" if number % 4 == 0 else "high"
            assigned = "els" if number == 5 else None
            patient = a_person(connection, str(number), str(number))
            a_case(connection, patient=patient, number=str(number), told=told, tier=tier, assigned_to=assigned)
    with one_site.client(alerts_per_page=2) as client:
        sign_in(client, "els")

        def counted(query: str) -> list[str]:
            return re.findall(r'id="count-\w+">(\d+)<', client.get(f"/?{query}").text)

        assert counted("") == ["12", "9", "3"]
        assert counted("ward=W1") == ["4", "3", "1"]
        assert counted("ward=W1&tier=moderate&page=2") == ["1", "0", "1"]
        assert counted("whose=mine") == ["1", "1", "0"]
        assert counted("channel=worklist") == ["12", "9", "3"]


@pytest.mark.parametrize(
    ("reason", "data", "said"),
    [
        ("dose_g_rose, starts_sooner", {"dose_g": [[28.0, 28.0], [56.0, 56.0]]}, "28 g → 56 g"),
        (
            "starts_sooner",
            {"start": ["2026-11-30T01:36:00Z", "2026-11-21T21:36:00Z"]},
            "Mon 30 Nov 02:36 → today 22:36",
        ),
        ("product_changed", {"product": ["Octagam", "Privigen"]}, "Octagam → Privigen"),
        ("new_rule:IG-VTE-015", {"rules_added": ["IG-VTE-015"]}, "INR too low on a vitamin K antagonist"),
        (None, {"why": "follow_up", "look_at": "inr"}, "look again at INR"),
        (None, {"why": "snooze_ended"}, "the snooze is over"),
        (None, {"why": "override_ended"}, "the reason for going ahead no longer applies"),
    ],
)
def test_a_row_says_what_opened_its_alert_again(
    one_page: Client, one_site: Site, reason: str | None, data: dict[str, Any], said: str
) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="acknowledged", actor="els")
        an_event(connection, alert, kind="reopened", reason=reason, data=data)

    shown = one_page.get("/").text

    assert f"</svg>Reopened: {said}</span>" in shown


def test_a_row_no_longer_says_so_once_somebody_acted(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="reopened", data={"why": "snooze_ended"})
        an_event(connection, alert, kind="snoozed", actor="els")

    assert "Reopened" not in one_page.get("/").text
