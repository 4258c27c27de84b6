"""The page of one alert: what, why, from where, and what to do with it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Template

from inbox.acting import carry_out
from inbox.alerts.act import ActForm as Filled
from inbox.alerts.act import OnAlert
from inbox.alerts.acts import ACTS, choices_of
from inbox.alerts.cards import Card, card_of
from inbox.alerts.causality import causality_of
from inbox.alerts.plan import comparison, limit_at_risk, minutes_advised, minutes_ordered
from inbox.alerts.reason import certainty_of, with_a_weight
from inbox.alerts.steps import steps_of
from inbox.errors import ActRefused, AlertChanged, AlertSettled
from inbox.http.api_requests import id_of
from inbox.http.notation import Notation
from inbox.http.pages import language_of, page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.merges.pages import merges_of
from inbox.patients.picture import history_of, picture_of, start_of
from inbox.people.access import record, record_alone
from inbox.people.accounts import names_of_accounts, user_names
from inbox.people.authentication import UNATTENDED
from inbox.people.permissions import Permission, needs
from rules.forms import RatesForm
from store import alerts
from store.alerts import ConcludedAlert, find_alert
from store.engine import reading

Form = URLEncodedBody[dict[str, str]]


@get("/alerts/{alert_id:str}", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_alert(request: AnyRequest, alert_id: FromPath[str]) -> Response[Any]:
    """Show one alert."""
    return _show(request, id_of(alert_id))


def _show(request: AnyRequest, number: int, status: int = 200, **said: Any) -> Response[Any]:
    parts, language = parts_of(request), language_of(request)
    notation, rates = parts.notation(language), parts.knowledge.terms.rates
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
        choices = choices_of(connection, row, events, request.user.name, parts.settings.due, parts.clock())
        history = history_of(connection, row.patient_id)
        record(connection, request.user, "view_alert", parts.clock(), patients=[row.patient_id], what=f"alert {number}")
    card = card_of(row, notation, rates, parts.clock())
    minutes = (minutes_ordered(row.conclusion), minutes_advised(row.conclusion, rates))
    start = start_of(card.starts, *minutes) if card.is_ahead else None
    return page(
        request,
        "alert.html",
        status,
        alert=row,
        card=card,
        heard=events[-1].id if events else 0,
        events=events,
        people=people,
        spoken=spoken,
        plan=(covering, planned_at.astimezone(parts.settings.zone).date()) if planned_at else None,
        causality=causality_of(row, events, parts.knowledge.naranjo),
        choices=choices,
        picture=picture_of(history, parts, notation, parts.clock(), start),
        unfold=request.query_params.get("unfold"),
        done=done if done in ACTS and not said else None,
        **_answer(row, card, rates, notation, parts.clock()),
        **{"acted": "", "form": {}, "fault": None, "conflict": None} | said,
    )


def _answer(row: ConcludedAlert, card: Card, rates: RatesForm, notation: Notation, now: datetime) -> dict[str, Any]:
    """Return what the page shows of the answer itself."""
    conclusion = row.conclusion
    return {
        "conclusion": conclusion,
        "differences": comparison(conclusion, rates, notation, now) if card.is_ahead else [],
        "steps": steps_of(card),
        "careful_rate": rates.conservative,
        "limit": limit_at_risk(conclusion, rates),
        "sure": certainty_of(conclusion, row.tier, notation),
        "with_weight": with_a_weight(conclusion, notation),
    }


@get(
    "/alerts/{alert_id:str}/news",
    opt=needs(Permission.ALERTS_READ) | {UNATTENDED: True},
    include_in_schema=False,
    sync_to_thread=True,
)
def tell_news(request: AnyRequest, alert_id: FromPath[str], heard: FromQuery[int] = 0) -> Response[Any]:
    """Tell an open page what happened to its alert since it was made, without changing what somebody is reading."""
    parts = parts_of(request)
    with reading(parts.engine) as connection:
        alert = find_alert(connection, id_of(alert_id))
        events = [event for event in alerts.events_of(connection, id_of(alert_id)) if event.id > heard]
    others = [event for event in events if event.actor != request.user.name]
    if alert is not None and others:
        record_alone(parts, request.user, "view_alert", patients=[alert.patient_id], what=f"alert {alert.id}")
    onlookers = _onlookers(request, alert.id) if alert is not None else []
    return page(request, "news.html", events=others, alert_id=alert_id, onlookers=onlookers)


def _onlookers(request: AnyRequest, alert_id: int) -> list[tuple[str, datetime]]:
    """Return who else has the alert open, and since when; note that who asks has."""
    parts, account = parts_of(request), request.user.user_id
    if account is None:
        return []
    found = parts.presence.look(alert_id, account, parts.clock())
    with reading(parts.engine) as connection:
        names = names_of_accounts(connection, [each.account for each in found])
    return [(names[each.account], each.since) for each in found if each.account in names]


def _page_of(action: str) -> HTTPRouteHandler:
    """Return the address to which the page posts this act."""

    @post(
        f"/alerts/{{alert_id:str}}/{action}",
        opt=needs(Permission.ALERTS_ACT),
        include_in_schema=False,
        sync_to_thread=True,
    )
    def act_on_alert(request: AnyRequest, alert_id: FromPath[str], data: Form) -> Response[Any]:
        return _do(request, id_of(alert_id), action, data)

    return act_on_alert


act_pages = [_page_of(action) for action in ACTS]


def _do(request: AnyRequest, number: int, action: str, form: Mapping[str, str]) -> Response[Any]:
    """Act and show the alert; or show it with what is wrong, and what was filled in still there."""
    parts = parts_of(request)
    try:
        carry_out(parts, request.user, OnAlert(number, ACTS[action].read(Filled(form, parts.settings.zone))))
    except ActRefused as error:
        return _show(request, number, 422, acted=action, form=form, fault=error)
    except (AlertSettled, AlertChanged) as error:
        return _show(request, number, 409, acted=action, form=form, conflict=error)
    return to_page(f"/alerts/{number}?done={action}")


@get("/leaflet", opt=needs(Permission.RULES_READ), include_in_schema=False, sync_to_thread=False)
def show_leaflet(request: AnyRequest) -> Template:
    """Show the warning signs that a patient takes home, in every language; nothing on it is about anybody."""
    return page(request, "leaflet.html")
