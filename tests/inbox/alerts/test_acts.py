"""The acts of a pharmacist, each meaning one thing: on it, done, goes ahead, later, looked at, taken back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store import due, tables
from store.due import Due, NewDue
from tests.inbox.builders import NOW, a_case, a_conclusion, a_person, an_event, an_order_told
from tests.inbox.sites import Client, Site, form

ALERTS = "/api/v1/alerts"


def act(client: Client, site: Site, alert: int, action: str, who: str = "els", **body: Any) -> Any:
    """Let somebody act; give the answer."""
    return client.post(f"{ALERTS}/{alert}/{action}", json=body, headers=site.token(name=who))


def stands(site: Site, alert: int) -> dict[str, Due]:
    with site.engine.connect() as connection:
        return {each.kind: each for each in due.standing(connection, [alert])}


def row(site: Site, alert: int) -> Any:
    with site.engine.connect() as connection:
        return connection.execute(sa.select(tables.alert).where(tables.alert.c.id == alert)).one()


def kinds(site: Site, alert: int) -> list[str]:
    with site.engine.connect() as connection:
        event = tables.alert_event
        return list(connection.scalars(sa.select(event.c.kind).where(event.c.alert_id == alert).order_by(event.c.id)))


def starting(after: timedelta | None) -> dict[str, Any]:
    start = None if after is None else (NOW + after).isoformat()
    return a_conclusion(order=an_order_told(start=start))


def minutes(moment: datetime | None) -> float | None:
    return None if moment is None else (moment - NOW).total_seconds() / 60


def test_on_it_keeps_the_alert_on_the_list_under_a_name_with_a_time(client: Client, site: Site) -> None:
    alert = site.with_case()

    taken = act(client, site, alert, "take_on").json()

    assert (taken["status"], taken["assigned_to"]) == ("taken_on", "els")
    assert datetime.fromisoformat(taken["due_at"]) == NOW + timedelta(minutes=30)
    assert set(stands(site, alert)) == {"owner"}
    assert kinds(site, alert) == ["raised", "taken_on"]


def test_of_two_who_take_it_on_the_second_hears_who_was_first(client: Client, site: Site) -> None:
    alert = site.with_case()
    act(client, site, alert, "take_on")

    second = act(client, site, alert, "take_on", who="rik")

    assert second.status_code == 409
    assert (second.json()["settled"]["status"], second.json()["settled"]["by"]) == ("taken_on", "els")


@pytest.mark.parametrize(
    ("tier", "starts_in", "due_in"),
    [("contraindication", timedelta(minutes=50), 20), ("contraindication", None, 30), ("high", None, 480)],
)
def test_the_tier_and_the_start_say_when_she_is_due(
    client: Client, site: Site, tier: str, starts_in: timedelta | None, due_in: float
) -> None:
    alert = site.with_case(tier=tier, told=starting(starts_in))

    act(client, site, alert, "take_on")

    assert minutes(row(site, alert).due_at) == due_in


def test_done_says_what_was_done_and_ends_what_was_due(client: Client, site: Site) -> None:
    alert = site.with_case()
    act(client, site, alert, "take_on")

    done = act(client, site, alert, "acknowledge", done_as="dose_lowered", note="to 0.4 g/kg")

    assert done.json()["status"] == "acknowledged"
    assert stands(site, alert) == {}
    assert row(site, alert).due_at is None
    with site.engine.connect() as connection:
        event = connection.execute(sa.select(tables.alert_event).order_by(tables.alert_event.c.id.desc())).first()
    assert event is not None
    assert (event.kind, event.reason, event.note) == ("acknowledged", "dose_lowered", "to 0.4 g/kg")


@pytest.mark.parametrize(
    ("body", "field", "fault"),
    [
        ({"done_as": "magic"}, "done_as", "unknown"),
        ({"done_as": "other"}, "note", "required"),
        ({"done_as": "monitoring_agreed", "look_again_at": NOW.isoformat()}, "look_again_at", "past"),
        ({"look_again_at": (NOW + timedelta(days=91)).isoformat()}, "look_again_at", "too_late"),
        ({"look_again_at": "2026-11-22T10:00:00"}, "look_again_at", "unknown"),
        ({"done_as": "monitoring_agreed", "look_at": "aura"}, "look_at", "unknown"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    client: Client, site: Site, body: dict[str, str], field: str, fault: str
) -> None:
    alert = site.with_case()

    refused = act(client, site, alert, "acknowledge", **body)

    assert (refused.status_code, refused.json()["errors"]) == (400, [{"field": field, "message": fault}])
    assert row(site, alert).status == "open"


def test_monitored_and_discussed_come_back_by_themselves(client: Client, site: Site) -> None:
    alert, second = site.with_case(), with_another(site, "7", tier="high")
    until = NOW + timedelta(days=3)

    act(client, site, alert, "override", reason="will_monitor", note="Doppler", look_at="imaging")
    act(client, site, second, "acknowledge", done_as="discussed_with_prescriber", look_again_at=until.isoformat())

    monitored, discussed = stands(site, alert)["follow_up"], stands(site, second)["follow_up"]
    a_day_after_the_start = datetime.fromisoformat("2026-11-22T15:00:00+00:00")
    assert (monitored.due_at, monitored.data["look_at"]) == (a_day_after_the_start, "imaging")
    assert (discussed.due_at, discussed.data["look_at"], discussed.created_by) == (until, "reply", "els")


def test_an_override_that_ends_is_planned_to_end(client: Client, site: Site) -> None:
    alert, until = site.with_case(), NOW + timedelta(days=30)

    act(client, site, alert, "override", reason="tolerated_before", note="x", valid_until=until.isoformat())

    assert {kind: each.due_at for kind, each in stands(site, alert).items()} == {"override_end": until}


def test_a_snooze_hides_it_under_a_name_and_never_into_the_last_half_hour(client: Client, site: Site) -> None:
    alert = site.with_case()  # starts in 1 h 55
    reason = {"reason": "awaits_result"}

    late = act(client, site, alert, "snooze", until=(NOW + timedelta(minutes=86)).isoformat(), **reason)
    in_time = act(client, site, alert, "snooze", until=(NOW + timedelta(minutes=85)).isoformat(), **reason)

    assert (late.status_code, late.json()["errors"]) == (400, [{"field": "until", "message": "near_start"}])
    assert (in_time.json()["status"], in_time.json()["assigned_to"]) == ("open", "els")
    assert minutes(row(site, alert).snoozed_until) == 85
    assert set(stands(site, alert)) == {"snooze"}


def test_another_tier_sleeps_as_long_as_asked_within_a_fortnight_and_for_a_reason(client: Client, site: Site) -> None:
    alert = site.with_case(tier="high")

    def snooze(days: int, **body: str) -> tuple[int, str]:
        until = (NOW + timedelta(days=days)).isoformat()
        answer = act(client, site, alert, "snooze", until=until, **body)
        return answer.status_code, (answer.json().get("errors") or [{"message": ""}])[0]["message"]

    assert snooze(15, reason="start_is_far") == (400, "too_late")
    assert snooze(2, reason="tired") == (400, "unknown")
    assert snooze(2, reason="other") == (400, "required")
    assert snooze(2, reason="other", note="awaiting the family") == (200, "")


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("take_on", {}),
        ("acknowledge", {"done_as": "monitoring_agreed"}),
        ("override", {"reason": "will_monitor", "note": "x", "valid_until": (NOW + timedelta(days=9)).isoformat()}),
        ("snooze", {"reason": "awaits_ward", "until": (NOW + timedelta(minutes=20)).isoformat()}),
    ],
)
def test_undo_restores_everything(client: Client, site: Site, action: str, body: dict[str, str]) -> None:
    alert = site.with_case()
    with site.engine.begin() as connection:
        due.plan(connection, [due.NewDue(alert, "take_on", NOW + timedelta(minutes=30), NOW)])
    before = (row(site, alert)[:-6], row(site, alert).due_at, stands(site, alert))
    act(client, site, alert, action, **body)
    site.now += timedelta(seconds=30)

    undone = act(client, site, alert, "undo")

    assert undone.status_code == 200
    assert (row(site, alert)[:-6], row(site, alert).due_at, stands(site, alert)) == before
    assert kinds(site, alert)[-1] == "undone"
    with site.engine.connect() as connection:
        valid = sa.or_(tables.decision.c.valid_until.is_(None), tables.decision.c.valid_until > site.now)
        assert connection.scalars(sa.select(tables.decision.c.id).where(valid)).all() == []


def test_undo_works_for_half_a_minute_once_and_until_somebody_else_acted(client: Client, site: Site) -> None:
    late, colleague, twice = site.with_case(), with_another(site, "7"), with_another(site, "8")
    for alert in (late, colleague, twice):
        act(client, site, alert, "take_on")
    act(client, site, colleague, "comment", who="rik", text="I know her")
    by_another = act(client, site, twice, "undo", who="rik")

    seen = [act(client, site, alert, "undo").status_code for alert in (colleague, twice, twice)]
    site.now += timedelta(seconds=31)
    too_late = act(client, site, late, "undo")

    assert seen == [409, 200, 400]
    assert (by_another.status_code, by_another.json()["settled"]["by"]) == (409, "els")
    assert (too_late.status_code, too_late.json()["errors"]) == (400, [{"field": "undo", "message": "too_late"}])


def test_what_was_settled_is_opened_again_by_hand_and_must_be_taken_on_again(client: Client, site: Site) -> None:
    alert = site.with_case()
    act(client, site, alert, "override", reason="tolerated_before", note="x")

    opened = act(client, site, alert, "reopen", who="rik", note="she did not tolerate it")

    assert (opened.json()["status"], opened.json()["assigned_to"]) == ("open", None)
    assert set(stands(site, alert)) == {"take_on", "step"}
    with site.engine.connect() as connection:
        assert connection.scalar(sa.select(tables.decision.c.valid_until)) == NOW


def with_another(site: Site, number: str, *, same: int | None = None, **columns: Any) -> int:
    """An alert for another order: of another patient, or of the same as that alert."""
    with site.engine.begin() as connection:
        if same is None:
            patient = a_person(connection, number, number)
        else:
            whose = sa.select(tables.alert.c.patient_id).where(tables.alert.c.id == same)
            patient = connection.execute(whose).scalar_one()
        return a_case(connection, patient=patient, number=number, **columns)


def test_several_of_one_patient_are_settled_together_and_a_contraindication_never_unread(
    client: Client, site: Site
) -> None:
    alert = site.with_case()
    high, grave = with_another(site, "7", same=alert, tier="high"), with_another(site, "8", same=alert)
    stranger = with_another(site, "9", tier="high")
    body = {"done_as": "order_stopped"}

    unread = act(client, site, alert, "acknowledge", together=[str(high), str(grave)], **body)
    strange = act(client, site, alert, "acknowledge", together=[str(stranger)], **body)
    untouched = [row(site, each).status for each in (alert, high, grave, stranger)]
    client.get(f"{ALERTS}/{grave}", headers=site.token(name="els"))
    together = act(client, site, alert, "acknowledge", together=[str(high), str(grave)], **body)

    assert unread.json()["errors"] == [{"field": "together", "message": "unread"}]
    assert strange.json()["errors"] == [{"field": "together", "message": "unknown"}]
    assert untouched == ["open"] * 4
    assert together.status_code == 200
    assert [row(site, each).status for each in (alert, high, grave)] == ["acknowledged"] * 3

    act(client, site, alert, "undo")

    assert [row(site, each).status for each in (alert, high, grave)] == ["open"] * 3


def test_a_follow_up_is_planned_and_ended_by_hand(client: Client, site: Site) -> None:
    alert, when = site.with_case(), NOW + timedelta(hours=20)

    act(client, site, alert, "follow_up", look_again_at=when.isoformat(), look_at="inr", note="before the next bag")
    planned = stands(site, alert)["follow_up"]
    ended = act(client, site, alert, "followed_up", follow_up=str(planned.id), note="2.4")
    again = act(client, site, alert, "followed_up", follow_up=str(planned.id))

    assert (planned.due_at, planned.data) == (when, {"look_at": "inr", "note": "before the next bag"})
    assert (ended.status_code, stands(site, alert), again.status_code) == (200, {}, 400)
    assert kinds(site, alert) == ["raised", "follow_up", "followed_up"]


@pytest.mark.parametrize("look_at", ["", "aura"])
def test_a_follow_up_of_nothing_or_of_something_unknown_is_refused(client: Client, site: Site, look_at: str) -> None:
    alert, when = site.with_case(), NOW + timedelta(hours=20)

    refused = act(client, site, alert, "follow_up", look_again_at=when.isoformat(), look_at=look_at)

    assert refused.status_code == 400
    assert refused.json()["errors"] == [{"field": "look_at", "message": "unknown"}]
    assert stands(site, alert) == {}


def test_a_follow_up_that_was_stored_without_what_to_look_at_is_shown(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        due.plan(connection, [NewDue(alert, "follow_up", NOW + timedelta(hours=5), NOW, "els", {"look_at": ""})])

    shown = one_page.get(f"/alerts/{alert}")

    assert shown.status_code == 200
    assert "<p>other, see the note, " in shown.text


def test_a_line_of_advice_is_ticked_with_a_name_and_a_time(client: Client, site: Site) -> None:
    alert = site.with_case()

    act(client, site, alert, "tick", line=0)
    act(client, site, alert, "tick", line=1, who="rik")
    act(client, site, alert, "tick", line=1, done=False)
    beyond = act(client, site, alert, "tick", line=2)

    shown = client.get(f"{ALERTS}/{alert}", headers=site.token()).json()
    assert shown["ticked"] == [{"by": "els", "at": "2026-11-21T13:05:00Z"}, None]
    assert beyond.json()["errors"] == [{"field": "line", "message": "unknown"}]


def test_a_note_for_the_hand_over_replaces_the_one_before(client: Client, site: Site) -> None:
    alert = site.with_case()

    act(client, site, alert, "handover", text="INR at six")
    act(client, site, alert, "handover", who="rik", text="INR was 2.4")
    note = client.get(f"{ALERTS}/{alert}", headers=site.token()).json()["handover"]
    act(client, site, alert, "handover", text="")

    assert note == {"text": "INR was 2.4", "by": "rik", "at": "2026-11-21T13:05:00Z"}
    assert client.get(f"{ALERTS}/{alert}", headers=site.token()).json()["handover"] is None


def test_every_act_works_on_the_page(page: Client, site: Site) -> None:
    alert = site.with_case(tier="high")
    typed = {
        "tick": {"line": "0"},
        "handover": {"text": "INR at six"},
        "take_on": {},
        "undo": {},
        "snooze": {"until": "2026-11-22T10:00", "reason": "awaits_result"},
        "follow_up": {"look_again_at": "2026-11-23T09:00", "look_at": "inr"},
        "acknowledge": {"done_as": "rate_lowered", "look_again_at": "2026-11-24T09:00"},
        "reopen": {},
    }

    shown = {
        action: page.post(f"/alerts/{alert}/{action}", data=form(page, **values)) for action, values in typed.items()
    }

    assert {action: answer.status_code for action, answer in shown.items()} == dict.fromkeys(typed, 200)
    assert "Taken on" in shown["take_on"].text
    assert "22 Nov 2026 10:00" in shown["snooze"].text
    with site.engine.connect() as connection:
        follow_ups = [each.due_at for each in due.standing(connection, [alert]) if each.kind == "follow_up"]
    assert [each.isoformat() for each in follow_ups] == ["2026-11-23T08:00:00+00:00", "2026-11-24T08:00:00+00:00"]


def test_what_somebody_is_on_stays_on_the_list(page: Client, site: Site) -> None:
    alert = site.with_case()
    page.post(f"/alerts/{alert}/take_on", data=form(page))

    listed = page.get("/").text

    assert f'id="alert-{alert}"' in listed
    assert ">Me<" in listed


def test_what_is_filled_in_wrongly_is_said_at_its_field(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()

    def fault(action: str, **values: str) -> str:
        shown = one_page.post(f"/alerts/{alert}/{action}", data=form(one_page, **values))
        assert shown.status_code == 422
        return shown.text

    assert "Choose what was done." in fault("acknowledge")
    assert "half an hour before its start" in fault("snooze", until="2026-11-21T16:00", reason="awaits_ward")
    assert "This is not a time." in fault("snooze", until="soon", reason="awaits_ward")
    assert "There is nothing to undo." in fault("undo")
    for look_at in ("", "aura"):
        again = fault("follow_up", look_again_at="2026-11-22T16:00", look_at=look_at)
        assert again.count("Choose one of these.") == 1


def test_the_record_says_in_words_why_an_alert_came_back(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    result = {"why": "result", "look_at": "inr", "value": "2.4", "at": "2026-11-22T08:00:00+00:00"}
    late = {"due_at": "2026-11-21T13:35:00+00:00", "owner": None, "kind": "take_on"}
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="overdue", data=late)
        an_event(connection, alert, kind="reopened", data={"why": "snooze_ended"})
        an_event(connection, alert, kind="followed_up", data=result)

    shown = one_page.get(f"/alerts/{alert}").text

    assert "was due 21 Nov 2026 14:35; on it: nobody" in shown
    assert "the snooze is over" in shown
    assert "the result is in: 2.4 (22 Nov 2026 09:00)" in shown


def test_what_got_worse_is_said_at_the_top_with_then_and_now(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    moved = {
        "start": ["2026-11-30T02:36:00+01:00", "2026-11-28T22:36:00+01:00"],
        "dose_g": [[28.0, 28.0], [56.0, 56.0]],
    }
    with one_site.engine.begin() as connection:
        an_event(connection, alert, data={"rate_g_per_h": [[1.0, 1.0], [2.0, 2.0]]}, reason="rate_g_per_h_rose")
        an_event(connection, alert, kind="acknowledged", actor="els")
        an_event(connection, alert, data={"rules_gone": ["IG-VTE-004"]})
        worse = "dose_g_rose, starts_sooner, new_rule:IG-VTE-015"
        an_event(connection, alert, kind="reopened", reason=worse, data={**moved, "rules_gone": ["IG-VTE-005"]})

    banner = one_page.get(f"/alerts/{alert}").text.partition('id="worse" tabindex="0">')[2].partition("</p>")[0]

    assert "new finding “INR too low on a vitamin K antagonist”" in banner
    assert "28 g, now 56 g" in banner
    assert "30 Nov 2026 02:36, now 28 Nov 2026 22:36" in banner
    assert "IG-VTE-004" not in banner
    assert "IG-VTE-005" not in banner
    assert "g/h" not in banner


@pytest.mark.parametrize(
    ("before", "kind", "heading"),
    [
        (["raised", "acknowledged"], "reopened", "New since the decision:"),
        (["raised", "acknowledged"], "changed", "Worse since it was last acted on:"),
        (["raised"], "changed", "Worse since it was raised:"),
        ([], "changed", "Worse since it was raised:"),
    ],
)
def test_a_new_risk_is_named_at_the_top_and_in_the_record(
    one_page: Client, one_site: Site, before: list[str], kind: str, heading: str
) -> None:
    alert = one_site.with_case()
    event = {"display": "longembolie", "code": "I26.9", "at": "2026-11-20T00:00:00+01:00", "precision": "day"}
    facts = [{**event, "certainty": "suspected"}, {"title": {"nl": "oestrogeen", "en": "oestrogen"}}]
    with one_site.engine.begin() as connection:
        for each in before:
            an_event(connection, alert, kind=each, actor="els")
        an_event(connection, alert, kind=kind, reason="new_fact", data={"new_facts": facts})

    shown = one_page.get(f"/alerts/{alert}").text

    assert f'id="worse" tabindex="0"><b>{heading}</b> longembolie, 20 Nov 2026, suspected; oestrogen</p>' in shown
    assert "a new risk: longembolie, 20 Nov 2026, suspected; oestrogen" in shown


def test_what_got_worse_in_steps_is_said_once_the_gravest_first(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case()
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="raised")
        for before, now, rules in (("moderate", "high", ["015", "030"]), ("high", "contraindication", ["001", "015"])):
            codes = ", ".join(["tier_rose", *(f"new_rule:IG-{'DATA' if n == '030' else 'VTE'}-{n}" for n in rules)])
            an_event(connection, alert, kind="changed", reason=codes, data={"tier": [before, now]})

    banner = one_page.get(f"/alerts/{alert}").text.partition('id="worse" tabindex="0">')[2].partition("</p>")[0]

    assert banner == (
        "<b>Worse since it was raised:</b> Tier was moderate risk, now contraindication; new findings "
        "“Prior venous thromboembolism”, “INR too low on a vitamin K antagonist”, “Dose per kg cannot be checked”"
    )


def test_nothing_is_worse_about_what_somebody_is_on(one_page: Client, one_site: Site) -> None:
    alert = one_site.with_case(status="taken_on", assigned_to="els")
    with one_site.engine.begin() as connection:
        an_event(connection, alert, kind="reopened", reason="new_event")
        an_event(connection, alert, kind="taken_on", actor="els")

    assert 'id="worse"' not in one_page.get(f"/alerts/{alert}").text
