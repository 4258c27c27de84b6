"""The inbox as one application: pages for pharmacists, JSON for programs, health and figures for administrators."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import sqlalchemy as sa
from litestar import Litestar, Router
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.plugins.prometheus import PrometheusConfig
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from clinical.words import in_language
from inbox.alerts import alert_pages, inbox_page, report_pages, search_page
from inbox.alerts.api import alerts_router, assessments_router
from inbox.codes import api as codes_api
from inbox.codes import pages as code_pages
from inbox.health import metrics, readiness
from inbox.http import problems
from inbox.http.headers import CSRF_COOKIE, add_headers
from inbox.http.parts import Parts
from inbox.http.settings import InboxSettings
from inbox.http.words import load_words
from inbox.live import stream
from inbox.live.events import Events
from inbox.merges import api as merges_api
from inbox.merges import pages as merge_pages
from inbox.messages import api as messages_api
from inbox.messages import pages as message_pages
from inbox.people import sign_in_pages
from inbox.people.authentication import SessionAuthentication, TokenAuthentication
from inbox.rulebook import rule_page
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource, Settled

HERE = Path(__file__).parent
API = "/api/v1"


def _leave_to_the_sweep(_ids: Sequence[int]) -> None:
    """A message that is `received` again is found by the sweep, only later."""


def create_app(
    *,
    engine: sa.Engine,
    knowledge: Knowledge | KnowledgeSource,
    settings: InboxSettings,
    clock: Callable[[], datetime],
    events: Events,
    requeue: Callable[[Sequence[int]], None] = _leave_to_the_sweep,
) -> Litestar:
    """Make the application; it starts listening for changes when it is served."""
    words = load_words(settings.languages, settings.word_files)
    rulebook = Settled(knowledge) if isinstance(knowledge, Knowledge) else knowledge
    parts = Parts(engine, rulebook, settings, clock, events, requeue, words)
    figures = PrometheusConfig(app_name="inbox", prefix="ivigilant_http", group_path=True)
    return Litestar(
        route_handlers=[_pages(settings), _api(), readiness.router, metrics.metrics, _static()],
        state=State({"parts": parts, "registry": metrics.registry_of(parts)}),
        lifespan=[_listening],
        middleware=[figures.middleware],
        csrf_config=_csrf(settings),
        exception_handlers=problems.HANDLERS,
        before_send=[add_headers],
        template_config=TemplateConfig(instance=_templates()),
        openapi_config=_openapi(),
        logging_config=None,  # a traceback may hold a patient; inbox/problems.py logs what can be said
        debug=False,
    )


def _pages(settings: InboxSettings) -> Router:
    handlers: list[Any] = [
        inbox_page.show_inbox,
        inbox_page.refresh_inbox,
        inbox_page.show_banners,
        stream.page_events,
        alert_pages.show_alert,
        alert_pages.tell_news,
        *alert_pages.act_pages,
        report_pages.show_report,
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
        search_page.ask,
        search_page.show_found,
        rule_page.show_rules,
        rule_page.show_rule,
        alert_pages.show_leaflet,
        sign_in_pages.ask_to_sign_in,
        sign_in_pages.sign_in_route(settings),
        sign_in_pages.sign_out,
        sign_in_pages.choose_language,
    ]
    return Router("/", route_handlers=handlers, middleware=[SessionAuthentication])


def _api() -> Router:
    routers = [alerts_router, assessments_router, messages_api.router, codes_api.router, merges_api.router]
    handlers: list[Any] = [*routers, stream.api_events]
    return Router(API, route_handlers=handlers, middleware=[TokenAuthentication], security=[{"bearer": []}])


def _static() -> Router:
    return create_static_files_router("/static", directories=[HERE / "static"], include_in_schema=False)


def _csrf(settings: InboxSettings) -> CSRFConfig:
    return CSRFConfig(
        secret=settings.secret,
        cookie_name=CSRF_COOKIE,
        cookie_secure=settings.secure_cookies,
        cookie_httponly=True,
        exclude=[f"^{API}/"],  # there a cookie opens nothing
    )


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
        path="/schema",
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
