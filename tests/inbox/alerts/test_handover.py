"""The hand-over: what starts soon, what is held, what comes back, what is not done yet, and taking it over."""

from datetime import timedelta

import sqlalchemy as sa

from store import due, tables
from store.due import NewDue
from tests.inbox.builders import NOW, a_case, a_conclusion, a_person, an_event, an_order_told, the_log
from tests.inbox.sites import Client, Site, form, sign_in


def held_by(site: Site, name: str | None, number: str, hours: float) -> int:
    """An open contra-indication under a name, that starts so many hours from now."""
    told = a_conclusion(order=an_order_told(start=(NOW + timedelta(hours=hours)).isoformat()), now=1)
    told["patient"] |= {"name": f"Patient {number}"}
    with site.engine.begin() as connection:
        patient = a_person(connection, number, number)
        status = "taken_on" if name else "open"
        return a_case(connection, patient=patient, number=number, told=told, assigned_to=name, status=status)


def part(shown: str, name: str) -> str:
    """The section of the page with this heading."""
    return shown.split(f'id="{name}"')[1].split("</section>", maxsplit=1)[0]


def test_contra_indications_that_run_or_start_within_twelve_hours_lead(one_page: Client, one_site: Site) -> None:
    held_by(one_site, None, "1", 3)
    held_by(one_site, None, "2", 13)
    held_by(one_site, None, "3", -1)

    soon = part(one_page.get("/handover").text, "soon")

    assert "Patient 1" in soon
    assert "Patient 2" not in soon
    assert "<b>running</b>" in soon.split("Patient 3")[0].rpartition("<tr>")[2]


def test_what_i_hold_goes_with_its_note_and_the_lines_not_ticked_off(one_page: Client, one_site: Site) -> None:
    alert = held_by(one_site, "els", "1", 3)
    other = held_by(one_site, "els", "2", 30)
    line = a_conclusion()["advice"][0]
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="handover", actor="els", note="Haematologist calls before five")
        an_event(connection, other, kind="ticked", actor="els", data={"line": line, "done": True})

    first, second = part(one_page.get("/handover").text, "mine").split("Patient 2")

    assert "Haematologist calls before five" in first
    assert first.partition("Still to do:")[2].count("Confirm the history.") == 1
    assert "Still to do" not in second


def test_what_comes_back_says_when_and_why(one_page: Client, one_site: Site) -> None:
    alert = held_by(one_site, None, "1", 3)
    with one_site.engine.begin() as connection:
        soon = NewDue(alert, "follow_up", NOW + timedelta(hours=5), NOW, "els", {"look_at": "d_dimer"})
        later = NewDue(alert, "follow_up", NOW + timedelta(days=5), NOW, "els", {"look_at": "inr"})
        due.plan(connection, [soon, later])

    returning = part(one_page.get("/handover").text, "returning")

    assert "D-dimer" in returning
    assert "today 19:05" in returning
    assert "INR" not in returning


def test_a_colleague_s_alerts_are_taken_over_at_once_and_that_is_recorded(page: Client, site: Site) -> None:
    first, second = held_by(site, "rik", "1", 3), held_by(site, "rik", "2", 30)
    ann = held_by(site, "ann", "3", 30)
    site.add_user("rik")

    seen = part_of_form(page.get("/handover").text, "rik")
    later = held_by(site, "rik", "4", 35)
    shown = page.post("/handover/take", data=form(page, **{"from": "rik", "shown": f"{seen} {ann} x"})).text

    assert "Patient 1" in part(shown, "mine")
    with site.engine.connect() as connection:
        rows = connection.execute(sa.select(tables.alert.c.id, tables.alert.c.assigned_to))
        owners = {row.id: row.assigned_to for row in rows}
    assert owners == {first: "els", second: "els", ann: "ann", later: "rik"}
    assert {line[3] for line in the_log(site.engine) if line[1] == "assign"} == {f"alert {first}", f"alert {second}"}


def part_of_form(shown: str, owner: str) -> str:
    """Return the alerts that the button of a colleague takes over."""
    return shown.partition(f'value="{owner}"><input type="hidden" name="shown" value="')[2].partition('"')[0]


def test_a_silent_feed_is_handed_over_too(one_page: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        connection.execute(sa.update(tables.feed).values(last_heard_at=NOW - timedelta(hours=1)))

    assert "silent since" in part(one_page.get("/handover").text, "feeds")


def test_who_may_act_is_offered_what_a_colleague_holds(one_client: Client, one_site: Site) -> None:
    held_by(one_site, "rik", "1", 3)
    for name, role in (("els", "pharmacist"), ("vera", "viewer")):
        one_site.add_user(name, role=role)

    offered = {
        name: 'action="/handover/take"' in sign_in(one_client, name).get("/handover").text for name in ("els", "vera")
    }

    assert offered == {"els": True, "vera": False}


def test_a_program_reads_the_hand_over_and_takes_it_over(one_page: Client, one_site: Site) -> None:
    first, second = held_by(one_site, "rik", "1", 3), held_by(one_site, "rik", "2", 30)
    one_site.add_user("rik")
    token = one_site.token(name="ward list")
    with one_site.engine.begin() as connection:
        again = NewDue(second, "follow_up", NOW + timedelta(hours=5), NOW, "ward list", {"look_at": "d_dimer"})
        due.plan(connection, [again])
        an_event(connection, first, kind="handover", actor="rik", note="Haematologist calls")
        connection.execute(sa.update(tables.feed).values(last_heard_at=NOW - timedelta(hours=2)))

    found = one_page.get("/api/v1/handover", headers=token).json()
    taken = one_page.post("/api/v1/handover/take", json={"user": "rik", "alerts": [str(first), "x"]}, headers=token)

    assert [(each["alert"]["id"], each["note"], each["to_do"]) for each in found["soon"]] == [
        (str(first), "Haematologist calls", ["Confirm the history."])
    ]
    assert {each["alert"]["assigned_to"] for each in found["held"]} == {"rik"}
    assert [(each["kind"], each["look_at"], each["at"]) for each in found["returning"]] == [
        ("follow_up", "d_dimer", "2026-11-21T18:05:00Z")
    ]
    assert [each["name"] for each in found["feeds_in_trouble"]] == ["EPD"]
    assert taken.json() == {"alerts": [str(first)]}
    after = one_page.get("/api/v1/handover", headers=token).json()
    assert {each["alert"]["id"]: each["alert"]["assigned_to"] for each in after["held"]} == {
        str(first): "ward list",
        str(second): "rik",
    }
