"""The inbox as one application: pages for pharmacists, JSON for programs, health and figures for administrators."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.plugins.prometheus import PrometheusConfig
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from clinical.words import in_language
from inbox.alerts import alert_pages, handover_api, handover_page, inbox_page, report_pages, search_page
from inbox.alerts.api import alerts_router, assessments_router
from inbox.codes import api as codes_api
from inbox.codes import pages as code_pages
from inbox.fhir import routes as fhir_routes
from inbox.figures import pages as figure_pages
from inbox.health import metrics, readiness
from inbox.hooks import feedback, service
from inbox.http import problems
from inbox.http.api_requests import refuse_unknown_parameters, require_exact_types
from inbox.http.forms import UNSIGNED, FormProtection
from inbox.http.headers import add_headers
from inbox.http.parts import JudgeDrafts, Parts
from inbox.http.settings import InboxSettings
from inbox.http.words import load_words
from inbox.live import stream
from inbox.live.events import Events
from inbox.live.presence import Presence
from inbox.merges import api as merges_api
from inbox.merges import pages as merge_pages
from inbox.messages import api as messages_api
from inbox.messages import pages as message_pages
from inbox.notices import pages as notice_pages
from inbox.notices import reply_pages
from inbox.patients import api as patients_api
from inbox.patients import patient_page
from inbox.people import (
    access_pages,
    account_pages,
    password_page,
    preference_pages,
    provider_pages,
    second_factor_pages,
    sign_in_pages,
)
from inbox.people.authentication import AnyAuthentication, SessionAuthentication, TokenAuthentication
from inbox.people.authorisation import authorise
from inbox.people.permissions import ANYONE, Permission, needs
from inbox.rulebook import rule_page, trial_page
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource, Settled

HERE = Path(__file__).parent
API = "/api/v1"
LARGEST_FORM = 256 * 1024  # bytes; forms are read before it is known who sent them

_OF_ALERTS: list[Any] = [
    inbox_page.show_inbox,
    inbox_page.refresh_inbox,
    inbox_page.show_banners,
    stream.page_events,
    alert_pages.show_alert,
    alert_pages.tell_news,
    *alert_pages.act_pages,
    alert_pages.show_leaflet,
    report_pages.show_report,
    handover_page.show_handover,
    handover_page.take_over,
    search_page.ask,
    search_page.show_found,
    patient_page.show_patient,
    reply_pages.ask_reply,
    reply_pages.take_on_by_reply,
]
_OF_UPKEEP: list[Any] = [
    notice_pages.show_notices,
    notice_pages.send_test,
    notice_pages.send_again,
    message_pages.show_messages,
    message_pages.show_message,
    message_pages.reprocess_message,
    code_pages.show_codes,
    code_pages.show_code,
    code_pages.map_code,
    code_pages.dismiss_code,
    merge_pages.show_merges,
    merge_pages.show_merge,
    merge_pages.unmerge_by_hand,
    merge_pages.merge_by_hand,
    figure_pages.show_figures,
    figure_pages.download_figure,
    rule_page.show_rules,
    rule_page.show_rule,
    trial_page.show_trial,
    trial_page.judge_trial,
]
_OF_PEOPLE: list[Any] = [
    access_pages.show_access,
    access_pages.find_access,
    account_pages.show_accounts,
    account_pages.add_account,
    account_pages.change_account,
    password_page.ask_password,
    password_page.change_own_password,
    second_factor_pages.show_second_factor,
    second_factor_pages.confirm_second_factor,
    sign_in_pages.ask_to_sign_in,
    sign_in_pages.sign_out,
    sign_in_pages.choose_language,
    preference_pages.show_preferences,
    preference_pages.choose_preferences,
    preference_pages.save_view,
    preference_pages.remove_view,
]


def _leave_to_the_sweep(_ids: Sequence[int]) -> None:
    """A message that is `received` again is found by the sweep, only later."""


def make_parts(
    *,
    engine: sa.Engine,
    knowledge: Knowledge | KnowledgeSource,
    settings: InboxSettings,
    clock: Callable[[], datetime],
    events: Events,
    requeue: Callable[[Sequence[int]], None] = _leave_to_the_sweep,
    judge_drafts: JudgeDrafts | None = None,
    presence: Presence | None = None,
) -> Parts:
    """Gather what the pages and the API work with."""
    words = load_words(settings.languages, settings.word_files)
    rulebook = Settled(knowledge) if isinstance(knowledge, Knowledge) else knowledge
    looking = presence or Presence()
    return Parts(engine, rulebook, settings, clock, events, requeue, words, looking, judge_drafts=judge_drafts)


def create_app(parts: Parts) -> Litestar:
    """Make the application; it starts listening for changes when it is served."""
    figures = PrometheusConfig(app_name="inbox", prefix="ivigilant_http", group_path=True)
    return Litestar(
        route_handlers=[
            _pages(parts.settings),
            _api(),
            service.router,
            feedback.router,
            *fhir_routes.routers,
            readiness.router,
            metrics.metrics,
            _static(),
        ],
        state=state_of(parts),
        lifespan=[_listening],
        middleware=[figures.middleware, FormProtection()],
        guards=[authorise],
        exception_handlers=problems.HANDLERS,
        before_send=[add_headers],
        template_config=TemplateConfig(instance=_templates()),
        openapi_config=_openapi(),
        logging_config=None,  # a traceback may hold a patient; inbox/problems.py logs what can be said
        debug=False,
    )


def state_of(parts: Parts) -> State:
    """Return what an application knows while it is served."""
    return State({"parts": parts, "registry": metrics.registry_of(parts)})


def _pages(settings: InboxSettings) -> Router:
    return Router(
        "/",
        route_handlers=[
            *(*_OF_ALERTS, *_OF_UPKEEP, *_OF_PEOPLE),
            *(sign_in_pages.sign_in_route(settings), *provider_pages.provider_routes(settings)),
        ],
        middleware=[SessionAuthentication],
        request_max_body_size=LARGEST_FORM,
    )


def _api() -> Router:
    routers = [
        alerts_router,
        assessments_router,
        messages_api.router,
        codes_api.router,
        merges_api.router,
        figure_pages.api_router,
        handover_api.router,
        patients_api.router,
    ]
    handlers: list[Any] = [*routers, stream.api_events]
    return Router(
        API,
        route_handlers=handlers,
        middleware=[TokenAuthentication],
        guards=[refuse_unknown_parameters],
        before_request=require_exact_types,
        security=[{"bearer": []}],
        opt={UNSIGNED: True},
    )


def _static() -> Router:
    files: list[Path | PathLike[str] | str] = [HERE / "static"]
    return create_static_files_router("/static", directories=files, include_in_schema=False, opt={ANYONE: True})


def _templates() -> JinjaTemplateEngine:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["spoken"] = in_language  # words of an alert, which may be older than a language
    return JinjaTemplateEngine.from_environment(environment)


def _openapi() -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", description="`ivigilant token create` makes one")
    return OpenAPIConfig(
        title="IVIgilant",
        version="1",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            opt=needs(Permission.SCHEMA_READ),
            middleware=[AnyAuthentication],
            include_in_schema=False,
        ),
        render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
        components=Components(security_schemes={"bearer": bearer}),
    )


@asynccontextmanager
async def _listening(app: Litestar) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    listening = asyncio.create_task(parts.events.run())
    try:
        yield
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
