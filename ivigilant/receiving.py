"""Runs one listener, as the settings and the site file describe it."""

import asyncio
import signal
import ssl
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import sqlalchemy as sa
from prometheus_client import start_http_server

from ivigilant.broker import Bell
from ivigilant.certificates import listening_tls, sending_context
from ivigilant.descriptors import affordable
from ivigilant.errors import NotReady, UnreadablePath, UnusableSettings, UnusableSite
from ivigilant.knowledge.site_knowledge import living_knowledge
from ivigilant.recognition import Recognition
from ivigilant.settings import Settings
from ivigilant.site import FeedSection, SiteFile
from ivigilant.site_choices import listening_ports, reading_defaults, require_known_senders
from ivigilant.urgency import Learning, Urgency
from listener.application_acks import ApplicationAcks, Route
from listener.batching import Saving
from listener.config import ListenerConfig, Port
from listener.errors import OddConfig
from listener.feeds import FeedNumbers
from listener.framing import FrameLimits
from listener.open_links import OpenLinks
from listener.server import Listener
from store import feeds

if TYPE_CHECKING:
    from ivigilant.tracing import Tracing


async def receive(
    settings: Settings, site: SiteFile, engine: sa.Engine, bell: Bell, tracing: "Tracing | None" = None
) -> None:
    """Listen until SIGTERM or Ctrl-C, then finish and acknowledge what was received."""
    numbers = FeedNumbers(_known_numbers(engine, site))
    urgency = Urgency(code_systems(site))
    learning = Learning(urgency, partial(living_knowledge, settings, site), engine)
    saving = Saving(engine, numbers)
    listener = Listener(
        ListenerConfig(
            ports=ports(settings, site),
            links=affordable(settings.listener_links, "links"),
            links_per_source=settings.listener_links_per_address,
        ),
        saving if tracing is None else tracing.saving(saving),
        bell.must_process,
        Recognition(site, numbers),
        is_order=urgency,
        crowded=bell.is_crowded,
    )
    acks = ApplicationAcks(engine, routes(site), listener.clock, listener.metrics)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if settings.listener_metrics_port is not None:
        _serve_figures(listener, settings.listener_metrics_port, settings.listener_processes)
    try:
        await listener.start()
    except OSError as error:
        raise NotReady(f"cannot listen on {settings.mllp_host}:{settings.mllp_port}: {error}") from None
    acks.start()
    learning.start()
    open_links = OpenLinks(engine, listener.linked_feeds, listener.clock)
    open_links.start()
    await stopping.wait()
    learning.stop()
    await open_links.stop()
    await listener.stop()
    await acks.stop()


def _serve_figures(listener: Listener, first: int, processes: int) -> None:
    """Serve its own metrics, on the first port not used by another listener process."""
    for port in range(first, first + processes):
        try:
            start_http_server(port, registry=listener.metrics.registry)
        except OSError:
            if port == first + processes - 1:
                raise NotReady(f"cannot serve metrics on port {first}: it is in use") from None
        else:
            return


def ports(settings: Settings, site: SiteFile) -> tuple[Port, ...]:
    """Return the port of the settings, and those by which the site file recognises a feed."""
    numbers = listening_ports(site, settings)
    try:
        tls = listening_tls(settings)
        require_known_senders(settings, site)
        return tuple(
            Port(
                settings.mllp_host,
                number,
                tls,
                plaintext=settings.mllp_plaintext,
                allowed=site.allowed_addresses,
                limits=FrameLimits(unframed=_may_come_unframed(site, number)),
                reuse_port=settings.listener_processes > 1,
            )
            for number in numbers
        )
    except OddConfig as error:
        raise UnusableSettings(f"{error} (IVIGILANT_MLLP_TLS_CERTIFICATE or IVIGILANT_MLLP_PLAINTEXT=true)") from None


def code_systems(site: SiteFile) -> dict[str, str]:
    """Return the names that any feed has for a code system."""
    known: dict[str, str] = {}
    for section in (site, *site.feeds):
        known |= reading_defaults(site, section).code_systems
    return known


def routes(site: SiteFile) -> list[Route]:
    """Return every destination of application acknowledgements, once: with TLS where any of its feeds asks for that."""
    found: dict[str, Route] = {}
    for feed in site.feeds:
        if feed.app_ack_route is None:
            continue
        part, tls = urlsplit(f"//{feed.app_ack_route}"), _ack_tls(feed)
        if tls is not None or feed.app_ack_route not in found:
            found[feed.app_ack_route] = Route(part.hostname or "", part.port or 0, tls)
    return list(found.values())


def _ack_tls(feed: FeedSection) -> ssl.SSLContext | None:
    section = feed.app_ack_tls
    if section is None:
        return None
    try:
        return sending_context(section.ca_file, section.certificate_file, section.key_file)
    except UnreadablePath as error:
        raise UnusableSite(f"app_ack_tls of the feed {feed.name}: {error}") from None


def feed_id(engine: sa.Engine, name: str) -> int:
    """Return the number of a feed; an unknown one is created."""
    with engine.begin() as connection:
        return feeds.ids_of(connection, [name])[name]


def _known_numbers(engine: sa.Engine, site: SiteFile) -> dict[str, int]:
    with engine.begin() as connection:
        return feeds.ids_of(connection, [feed.name for feed in site.feeds])


def _may_come_unframed(site: SiteFile, port: int) -> bool:
    """Return whether a feed that uses this port sends without SB."""
    return any(feed.accept_unframed and feed.port in (None, port) for feed in site.feeds)
