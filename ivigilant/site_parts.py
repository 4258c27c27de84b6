"""What the packages need of the site file, in their own words."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from clinical.codes import Coding
from forwarding.destinations import Destination as Forwarder
from forwarding.mail import Mail, MailServer
from forwarding.webhook import Webhook
from history.choices import AckRoute, Destination, Site
from ivigilant.errors import UnreadablePath, UnusableKnowledge, UnusableSettings, UnusableSite
from ivigilant.settings import Settings
from ivigilant.site import Fields, MailDestination, Reading, SiteFile, WebhookDestination
from ivigilant.site_file import line_in, load_site
from parsers.defaults import Defaults, SiteField
from rules.errors import Fault, RulesError
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource, LivingKnowledge, Settled
from rules.load import load_knowledge
from store.retention import Ages

log = structlog.get_logger()


def worker_site(file: SiteFile, settings: Settings) -> Site:
    """Give what the worker must know of the hospital."""
    return Site(
        zone=ZoneInfo(file.zone),
        defaults={feed.name: reading_defaults(file, feed) for feed in file.feeds},
        of_unknown=reading_defaults(file, file),
        stops_need_confirmation=frozenset(feed.name for feed in file.feeds if not feed.placer_authoritative),
        ack_routes={
            feed.name: AckRoute(feed.app_ack_route, feed.ack_mode == "enhanced")
            for feed in file.feeds
            if feed.app_ack_route is not None
        },
        destinations=tuple(Destination(place.name, place.min_tier) for place in file.destinations),
        language=file.languages[0],
        replay_after=timedelta(days=settings.replay_after_days),
    )


def retention_ages(file: SiteFile) -> Ages:
    """Give how long texts of messages are kept."""
    told = file.retention
    processed, ignored = (timedelta(days=days) if days else None for days in (told.processed_days, told.ignored_days))
    return Ages(processed, ignored, {name: timedelta(days=days) for name, days in told.types.items()})


def reading_defaults(file: SiteFile, feed: Reading) -> Defaults:
    """Give how a feed's messages are read: what it says itself, else what the site says, else the parser's own."""
    given: dict[str, Any] = {}
    for name in Reading.model_fields:
        value = getattr(feed, name) if getattr(feed, name) is not None else getattr(file, name)
        if value is not None:
            given[name] = value
    if "zone" in given:
        given["zone"] = ZoneInfo(given["zone"])
    if "fields" in given:
        given["fields"] = tuple(_site_fields(given["fields"]))
    return Defaults(**given)


def _site_fields(fields: Fields) -> Iterator[SiteField]:
    """Give the places as the parser looks for them."""
    if weight := fields.weight:
        yield SiteField("weight", weight.segment, weight.field, weight.component, unit=weight.unit)
    if height := fields.height:
        yield SiteField("height", height.segment, height.field, height.component, unit=height.unit)
    if diagnosis := fields.diagnosis:
        yield SiteField("diagnosis", diagnosis.segment, diagnosis.field, system=diagnosis.system)


def living_knowledge(settings: Settings, file: SiteFile) -> KnowledgeSource:
    """Give the knowledge; a folder of the hospital's own may be edited while we run."""
    knowledge = site_knowledge(settings, file)
    if settings.knowledge_dir is None:
        return Settled(knowledge)
    load = partial(load_knowledge, settings.knowledge_dir, _local_codes(file), _chosen(file))
    return LivingKnowledge(settings.knowledge_dir, load, time.monotonic, _tell_change)


def _tell_change(knowledge: Knowledge, faults: tuple[Fault, ...]) -> None:
    if faults:
        first = f"{faults[0].file}:{faults[0].line}"
        log.error("knowledge.faulty", faults=len(faults), first=first, kept=knowledge.version)
    else:
        log.info("knowledge.changed", version=knowledge.version)


def _local_codes(file: SiteFile) -> dict[str, list[Coding]]:
    local: dict[str, list[Coding]] = {}
    for code in file.codes:
        local.setdefault(code.value_set, []).append(Coding(code.system, code.code))
    return local


def _chosen(file: SiteFile) -> dict[str, Any]:
    return file.policy.model_dump(exclude_none=True)


def site_knowledge(settings: Settings, file: SiteFile | None = None) -> Knowledge:
    """Load the knowledge, with the site's own codes in its value sets, or raise UnusableKnowledge."""
    site = file or load_site(settings.site_file)
    _require_folder(settings)
    codes = site.codes
    try:
        knowledge = load_knowledge(settings.knowledge_dir, _local_codes(site), _chosen(site))
    except RulesError as error:
        raise UnusableKnowledge(str(error)) from None
    faults = [
        f"{_place(settings, index)}no value set is called {code.value_set}"
        for index, code in enumerate(codes)
        if code.value_set not in knowledge.terms.codes.names
    ]
    if faults:
        raise UnusableSite("\n".join(faults))
    return knowledge


def _require_folder(settings: Settings) -> None:
    """Say in one line that there is nothing where the rules should be, not once per file that is missing."""
    folder = settings.knowledge_dir
    if folder is not None and not (folder / "library").is_dir():
        what = "holds no knowledge: it has no folder called library" if folder.is_dir() else "is no folder"
        raise UnreadablePath(f"IVIGILANT_KNOWLEDGE_DIR: {folder} {what}")


def _place(settings: Settings, index: int) -> str:
    part = f"codes.{index + 1}.value_set: "
    if settings.site_file is None:
        return part
    return f"{settings.site_file}:{line_in(settings.site_file, ('codes', index, 'value_set'))}: {part}"


def destinations(file: SiteFile, settings: Settings) -> dict[str, Forwarder]:
    """Give every destination by its name, ready to send."""
    try:
        return {forwarder.name: forwarder for forwarder in _forwarders(file, settings)}
    except ValueError as error:  # an address or a link that the forwarder refuses
        raise UnusableSite(str(error)) from None


def _forwarders(file: SiteFile, settings: Settings) -> Iterator[Forwarder]:
    for place in file.destinations:
        yield _mail(place, settings) if isinstance(place, MailDestination) else _webhook(place)


def _mail(place: MailDestination, settings: Settings) -> Mail:
    if settings.smtp_host is None or not settings.smtp_sender:
        raise UnusableSettings(f"IVIGILANT_SMTP_HOST and IVIGILANT_SMTP_SENDER are needed: {place.name} is a mail")
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
    server = MailServer(
        settings.smtp_host, settings.smtp_port, settings.smtp_security, user=settings.smtp_user, password=password
    )
    return Mail(place.name, server, settings.smtp_sender, place.recipients)


def _webhook(place: WebhookDestination) -> Webhook:
    try:
        secret = place.secret_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSite(f"{place.name}: {place.secret_file} cannot be read ({type(error).__name__})") from None
    return Webhook(place.name, place.url, secret, plaintext=place.plaintext)
