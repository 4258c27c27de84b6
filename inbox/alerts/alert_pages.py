"""The page of one alert: what, why, from where, and what to do with it."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, URLEncodedBody

from inbox.alerts import acts
from inbox.alerts.causality import causality_of, confirm
from inbox.alerts.overview import card_of
from inbox.alerts.reasons import OTHER, REASONS
from inbox.errors import ActRefused, AlertChanged, AlertSettled
from inbox.http.api_requests import id_of, number_of
from inbox.http.pages import language_of, page, to_page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.merges.merge_pages import merges_of
from inbox.people.access import record
from inbox.people.accounts import user_names
from inbox.people.authentication import UNATTENDED
from inbox.people.viewer import needs
from store import alerts
from store.engine import reading
from store.inbox_queries import find_alert

Form = URLEncodedBody[dict[str, str]]
DONE = ("acknowledge", "override", "comment", "assign", "naranjo")

Perform = Callable[[sa.Connection, acts.Act], None]


@get("/alerts/{alert_id:str}", include_in_schema=False, sync_to_thread=True)
def show_alert(request: AnyRequest, alert_id: FromPath[str]) -> Response[Any]:
    """Show one alert."""
    return _show(request, id_of(alert_id))


def _show(request: AnyRequest, number: int, status: int = 200, **said: Any) -> Response[Any]:
    parts, language = parts_of(request), language_of(request)
    done = request.query_params.get("done")
    with parts.engine.begin() as connection:
        row = find_alert(connection, number)
        if row is None:
            raise NotFoundException("there is no such alert")
        events = alerts.events_of(connection, number)
        people = user_names(connection)
        spoken = merges_of(connection, row.patient_id)
        covering = row.covered_by if row.status == "covered" else None
        planned_at = alerts.settled_at(connection, covering) if covering else None
        record(connection, request.user, "view_alert", parts.clock(), patients=[row.patient_id], what=f"alert {number}")
    return page(
        request,
        "alert.html",
        status,
        alert=row,
        told=row.conclusion,
        card=card_of(row, language),
        heard=events[-1].id if events else 0,
        events=events,
        people=people,
        spoken=spoken,
        plan=(covering, planned_at.astimezone(parts.settings.zone).date()) if planned_at else None,
        causality=causality_of(row, events, parts.knowledge.naranjo),
        reasons=REASONS,
        other=OTHER,
        done=done if done in DONE and not said else None,
        **{"acted": "", "form": {}, "fault": None, "conflict": None} | said,
    )


@get("/alerts/{alert_id:str}/news", opt={UNATTENDED: True}, include_in_schema=False, sync_to_thread=True)
def tell_news(request: AnyRequest, alert_id: FromPath[str], heard: FromQuery[int] = 0) -> Response[Any]:
    """Tell an open page what happened to its alert since it was made, without changing what somebody is reading."""
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        events = [event for event in alerts.events_of(connection, id_of(alert_id)) if event.id > heard]
    others = [event for event in events if event.actor != request.user.name]
    return page(request, "news.html", events=others, alert_id=alert_id)


def _do(
    request: AnyRequest, alert_id: FromPath[str], action: str, form: Mapping[str, str], perform: Perform
) -> Response[Any]:
    """Act and show the alert; or show it with what is wrong, and what was filled in still there."""
    parts, number = parts_of(request), id_of(alert_id)
    seen = number_of(form.get("seen", ""))
    act = acts.Act(number, request.user.name, parts.clock(), seen)
    try:
        with parts.engine.begin() as connection:
            perform(connection, act)
            row = find_alert(connection, number)
            patients = [row.patient_id] if row else [None]
            record(connection, request.user, action, act.now, patients=patients, what=f"alert {number}")
    except ActRefused as error:
        return _show(request, number, 422, acted=action, form=form, fault=error)
    except (AlertSettled, AlertChanged) as error:
        return _show(request, number, 409, acted=action, form=form, conflict=error)
    parts.events.publish([number])
    return to_page(f"/alerts/{number}?done={action}")


@post("/alerts/{alert_id:str}/acknowledge", guards=[needs("pharmacist")], include_in_schema=False, sync_to_thread=True)
def acknowledge_alert(request: AnyRequest, alert_id: FromPath[str], data: Form) -> Response[Any]:
    """Settle the alert as seen and taken on."""
    note = _text(data, "note")
    return _do(request, alert_id, "acknowledge", data, lambda c, act: acts.acknowledge(c, act, note))


@post("/alerts/{alert_id:str}/override", guards=[needs("pharmacist")], include_in_schema=False, sync_to_thread=True)
def override_alert(request: AnyRequest, alert_id: FromPath[str], data: Form) -> Response[Any]:
    """Let the order pass for a reason."""

    def perform(connection: sa.Connection, act: acts.Act) -> None:
        until = _until(data, parts_of(request))
        acts.override(connection, act, data.get("reason", ""), _text(data, "note"), until)

    return _do(request, alert_id, "override", data, perform)


@post("/alerts/{alert_id:str}/comment", guards=[needs("pharmacist")], include_in_schema=False, sync_to_thread=True)
def comment_on_alert(request: AnyRequest, alert_id: FromPath[str], data: Form) -> Response[Any]:
    """Add a remark."""
    return _do(request, alert_id, "comment", data, lambda c, act: acts.comment(c, act, _text(data, "text")))


@post("/alerts/{alert_id:str}/assign", guards=[needs("pharmacist")], include_in_schema=False, sync_to_thread=True)
def assign_alert(request: AnyRequest, alert_id: FromPath[str], data: Form) -> Response[Any]:
    """Say who is working on it."""
    user = data.get("user", "")
    return _do(request, alert_id, "assign", data, lambda c, act: acts.assign(c, act, user, user_names(c)))


@post("/alerts/{alert_id:str}/naranjo", guards=[needs("pharmacist")], include_in_schema=False, sync_to_thread=True)
def answer_naranjo(request: AnyRequest, alert_id: FromPath[str], data: Form) -> Response[Any]:
    """Confirm or change the answers about a possible adverse reaction."""
    form = parts_of(request).knowledge.naranjo
    answers = {name.removeprefix("answer-"): reply for name, reply in data.items() if name.startswith("answer-")}
    note = _text(data, "note")
    return _do(request, alert_id, "naranjo", data, lambda c, act: confirm(c, act, form, answers, note))


def _text(form: Mapping[str, str], field: str) -> str:
    """What was typed, its lines ended as the browser counted them."""
    return form.get(field, "").replace("\r\n", "\n")


def _until(form: Mapping[str, str], parts: Parts) -> datetime | None:
    """Until the end of the day that was filled in; without one, for good."""
    day = form.get("valid_until", "")
    if not day:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(day).date(), time(23, 59, 59), parts.settings.zone)
    except ValueError as error:
        raise ActRefused("valid_until", "unknown") from error
