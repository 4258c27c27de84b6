"""Every route, with every method, asked by every role and by nobody: who may, and who may not."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.exceptions import PermissionDeniedException
from litestar.routes import HTTPRoute

from inbox.acting import Act, carry_out
from inbox.alerts.act import OnAlert
from inbox.alerts.remarks import Comment
from inbox.codes.acts import DismissCode, MapCode
from inbox.merges.acts import Merge, Unmerge
from inbox.messages.acts import Reprocess
from inbox.notices.pages import SendAgain, SendTest
from inbox.people.credentials import create_token
from inbox.people.permissions import ROLES
from inbox.people.viewer import Viewer
from tests.inbox.builders import NOW, the_lines
from tests.inbox.sites import Client, Site, form, sign_in

CLINICAL = ("viewer", "pharmacist", "lead")
ACTING = ("pharmacist", "lead")
OPERATING = ("operator", "lead")
ALL = (*CLINICAL, "operator")
SIGNED_IN = (*ALL, "administrator", "auditor")

ACTS = {"acknowledge", "assign", "comment", "follow_up", "followed_up", "handover", "naranjo", "override"} | {
    *("reopen", "snooze", "take_on", "tick", "undo")
}
MAY = {
    ("GET", "/"): CLINICAL,
    ("GET", "/alerts"): CLINICAL,
    ("GET", "/alerts/{alert_id:str}"): CLINICAL,
    ("GET", "/alerts/{alert_id:str}/news"): CLINICAL,
    ("GET", "/alerts/{alert_id:str}/report"): CLINICAL,
    ("GET", "/banners"): ALL,
    ("GET", "/codes"): CLINICAL,
    ("GET", "/codes/{code_id:str}"): CLINICAL,
    ("POST", "/codes/{code_id:str}/dismiss"): ("lead",),
    ("POST", "/codes/{code_id:str}/map"): ("lead",),
    ("GET", "/figures"): CLINICAL,
    ("GET", "/figures/{name:str}"): CLINICAL,
    ("GET", "/handover"): CLINICAL,
    ("POST", "/handover/take"): ACTING,
    ("GET", "/leaflet"): CLINICAL,
    ("GET", "/live"): CLINICAL,
    ("GET", "/merges"): CLINICAL,
    ("GET", "/merges/{pair_id:str}"): CLINICAL,
    ("POST", "/merges/{pair_id:str}/merge"): ACTING,
    ("POST", "/merges/{pair_id:str}/unmerge"): ACTING,
    ("GET", "/messages"): ALL,
    ("GET", "/messages/{message_id:str}"): ALL,
    ("POST", "/messages/{message_id:str}/reprocess"): (*ACTING, "operator"),
    ("GET", "/notices"): ALL,
    ("POST", "/notices/{name:str}/again"): OPERATING,
    ("POST", "/notices/{name:str}/test"): OPERATING,
    ("GET", "/patients/{patient_id:str}"): CLINICAL,
    ("GET", "/preferences"): SIGNED_IN,
    ("POST", "/preferences"): SIGNED_IN,
    ("POST", "/views"): CLINICAL,
    ("POST", "/views/remove"): CLINICAL,
    ("GET", "/rules"): CLINICAL,
    ("GET", "/rules/trial"): CLINICAL,
    ("POST", "/rules/trial/{rule_id:str}/{order_id:str}"): ACTING,
    ("GET", "/rules/{rule_id:str}"): CLINICAL,
    ("GET", "/search"): CLINICAL,
    ("POST", "/search"): CLINICAL,
    ("GET", "/access"): ("auditor",),
    ("GET", "/accounts"): ("administrator",),
    ("POST", "/accounts"): ("administrator",),
    ("POST", "/accounts/{user_id:str}/{change:str}"): ("administrator",),
    ("POST", "/access"): ("auditor",),
    ("GET", "/password"): SIGNED_IN,
    ("GET", "/second-factor"): SIGNED_IN,
    ("POST", "/second-factor"): SIGNED_IN,
    ("POST", "/password"): SIGNED_IN,
    ("POST", "/sign-out"): SIGNED_IN,
    ("GET", "/metrics"): OPERATING,
    ("GET", "/api/v1/patients/{patient_id:str}"): CLINICAL,
    ("GET", "/schema"): SIGNED_IN,
    ("GET", "/schema/openapi.json"): SIGNED_IN,
    ("GET", "/schema/{path:str}"): SIGNED_IN,
    ("GET", "/api/v1/alerts"): CLINICAL,
    ("POST", "/api/v1/alerts/search"): CLINICAL,
    ("POST", "/api/v1/assessments/search"): CLINICAL,
    ("GET", "/api/v1/alerts/{alert_id:str}"): CLINICAL,
    ("GET", "/api/v1/alerts/{alert_id:str}/report"): CLINICAL,
    ("GET", "/api/v1/assessments"): CLINICAL,
    ("GET", "/api/v1/assessments/{assessment_id:str}"): CLINICAL,
    ("GET", "/api/v1/codes"): CLINICAL,
    ("GET", "/api/v1/codes/{code_id:str}"): CLINICAL,
    ("POST", "/api/v1/codes/{code_id:str}/dismiss"): ("lead",),
    ("POST", "/api/v1/codes/{code_id:str}/map"): ("lead",),
    ("GET", "/api/v1/events"): CLINICAL,
    ("GET", "/api/v1/figures"): CLINICAL,
    ("GET", "/api/v1/handover"): CLINICAL,
    ("POST", "/api/v1/handover/take"): ACTING,
    ("GET", "/api/v1/merges"): CLINICAL,
    ("POST", "/api/v1/merges/{merge_id:str}/merge"): ACTING,
    ("POST", "/api/v1/merges/{merge_id:str}/unmerge"): ACTING,
    ("GET", "/api/v1/messages"): ALL,
    ("GET", "/api/v1/messages/{message_id:str}"): ALL,
    ("POST", "/api/v1/messages/{message_id:str}/reprocess"): (*ACTING, "operator"),
}
MAY |= {
    (method, path): ("auditor",) if "AuditEvent" in path else CLINICAL
    for kind in ("AuditEvent", "DetectedIssue", "Provenance")
    for method, path in (
        ("GET", f"/fhir/{kind}"),
        ("HEAD", f"/fhir/{kind}"),
        ("POST", f"/fhir/{kind}/_search"),
        ("GET", f"/fhir/{kind}/{{number:str}}"),
        ("HEAD", f"/fhir/{kind}/{{number:str}}"),
    )
}
MAY |= {("POST", f"/alerts/{{alert_id:str}}/{act}"): ACTING for act in ACTS}
MAY |= {("POST", f"/api/v1/alerts/{{alert_id:str}}/{act}"): ACTING for act in ACTS}
OPEN = {
    ("GET", "/sign-in"),
    ("GET", "/sign-in/provider"),  # only where there is one
    ("GET", "/sign-in/back"),
    ("POST", "/sign-out/provider"),  # a signed token of the provider
    ("POST", "/sign-in"),
    ("POST", "/language"),
    ("GET", "/reply/{token:str}"),  # the link itself says who follows it
    ("POST", "/reply/{token:str}"),
    ("GET", "/cds-services"),  # a signed token of the client, and no account
    ("POST", "/cds-services/{service_id:str}"),
    ("POST", "/cds-services/{service_id:str}/feedback"),
    ("GET", "/fhir/metadata"),
    ("HEAD", "/fhir/metadata"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),  # what is wrong, only to whom it may say so
    ("GET", "/static/{file_path:path}"),
    ("HEAD", "/static/{file_path:path}"),
}
ENDLESS = {"/live", "/api/v1/events"}  # who may hears on and on: tests/inbox/live
FIRST = sorted(route for route in MAY if route != ("POST", "/sign-out"))


def routes_of(app: Litestar) -> set[tuple[str, str]]:
    """Return every method and path of the application."""
    served = {(str(m), route.path) for route in app.routes if isinstance(route, HTTPRoute) for m in route.methods}
    return {(method, path) for method, path in served if method != "OPTIONS"}


@dataclass
class Caller:
    """Somebody who asks with a cookie for pages, and with a token for the API."""

    client: Client
    bearer: dict[str, str]

    def status(self, method: str, path: str) -> int:
        """Ask, and return the status of the answer."""
        asked = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
        is_page = not path.startswith(("/api/", "/fhir/"))
        headers = {} if is_page else self.bearer
        if method in ("GET", "HEAD"):
            return self.client.request(method, asked, headers=headers, follow_redirects=False).status_code
        filled = {"json": {}} if path.startswith("/api/") else {"data": form(self.client) if is_page else {}}
        return self.client.post(asked, headers=headers, follow_redirects=False, **filled).status_code  # type: ignore[arg-type]  # either


@pytest.fixture
def caller(one_client: Client, one_site: Site) -> Caller:
    """Somebody who is not signed in, and has a token that was never made."""
    one_client.get("/sign-in")
    return Caller(one_client, {"Authorization": "Bearer ivg_never"})


def as_role(site: Site, caller: Caller, role: str) -> Caller:
    site.add_user("anna", role=role)
    sign_in(caller.client, "anna")
    return Caller(caller.client, site.token(role) if role in ROLES else unknown_role(site, role))


def unknown_role(site: Site, role: str) -> dict[str, str]:
    token = site.token("viewer", "odd")
    with site.engine.begin() as connection:
        connection.execute(sa.text("UPDATE token SET role = :role WHERE name = 'odd'"), {"role": role})
    return token


def test_every_route_is_in_the_table_above(caller: Caller) -> None:
    assert routes_of(caller.client.app) == set(MAY) | OPEN


def test_nobody_gets_nothing_but_what_is_open(caller: Caller) -> None:
    answers = {caller.status(method, path) for method, path in MAY}

    assert answers == {303, 401}


@pytest.mark.parametrize("role", [*ROLES, "emperor"])
def test_each_role_gets_what_it_may_and_nothing_else(caller: Caller, one_site: Site, role: str) -> None:
    caller = as_role(one_site, caller, role)
    asked = [route for route in FIRST if not (route[1] in ENDLESS and role in MAY[route])]

    answers = {route: caller.status(*route) for route in asked}

    refused = {route for route, status in answers.items() if status in (401, 403)}
    assert refused == {route for route in asked if role not in MAY[route]}
    assert all(status < 500 for status in answers.values())


def test_every_route_names_its_permission(caller: Caller) -> None:
    handlers = [handler for route in caller.client.app.routes for handler in getattr(route, "route_handlers", [])]

    for handler in handlers:
        if handler.http_methods != {"OPTIONS"}:
            assert "permission" in handler.opt or handler.opt.get("anyone"), handler


def test_what_is_refused_is_recorded_with_what_was_asked(one_client: Client, one_site: Site) -> None:
    one_site.add_user("olga", role="operator")
    sign_in(one_client, "olga")

    answer = one_client.post("/alerts/7/acknowledge", data=form(one_client))

    line = the_lines(one_site.engine)[-1]
    assert answer.status_code == 403
    assert (line.actor, line.role, line.action, line.object, line.outcome) == (
        "olga",
        "operator",
        "alerts:act",
        "POST /alerts/7/acknowledge",
        "refused",
    )


@pytest.mark.parametrize(
    "act",
    [
        OnAlert(1, Comment("x")),
        MapCode(1, "vte"),
        DismissCode(1, "x"),
        Unmerge((1, 2), "x"),
        Merge((1, 2), "x", 1),
        Reprocess(1),
        SendTest("mail"),
        SendAgain("mail"),
    ],
)
def test_an_act_asks_for_its_permission_however_it_is_reached(one_site: Site, act: Act[object]) -> None:
    with pytest.raises(PermissionDeniedException):
        carry_out(one_site.parts(), Viewer("rik", "viewer", "10.0.0.1"), act)

    assert [line.outcome for line in the_lines(one_site.engine)] == ["refused"]


def test_who_may_not_see_the_alerts_begins_with_the_messages(one_client: Client, one_site: Site) -> None:
    one_site.add_user("olga", role="operator")

    shown = sign_in(one_client, "olga").get("/messages").text

    assert 'class="brand" href="/messages"' in shown
    assert 'href="/notices"' in shown
    assert 'href="/codes"' not in shown
    assert 'href="/search"' not in shown


@pytest.fixture
def narrow(one_site: Site) -> Iterator[dict[str, str]]:
    """The token of a pharmacist that reads messages only, for one day."""
    with one_site.engine.begin() as connection:
        end = NOW.replace(day=NOW.day + 1)
        token = create_token(connection, "board", "pharmacist", NOW, scopes=["messages:read"], expires_at=end)
    yield {"Authorization": f"Bearer {token}"}


def test_a_token_opens_its_scopes_only(one_client: Client, narrow: dict[str, str]) -> None:
    answers = [
        one_client.get(f"/api/v1/{path}", headers=narrow).status_code for path in ("messages", "alerts", "codes")
    ]

    assert answers == [200, 403, 403]


def test_a_token_ends_at_its_end(one_client: Client, one_site: Site, narrow: dict[str, str]) -> None:
    before = one_client.get("/api/v1/messages", headers=narrow).status_code
    one_site.now = NOW.replace(day=NOW.day + 1)

    after = one_client.get("/api/v1/messages", headers=narrow).status_code

    assert (before, after) == (200, 401)
