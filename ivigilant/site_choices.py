"""The settings of the site file in the types of each package."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from forwarding.contract import Destination
from forwarding.errors import OddDestination
from history.choices import AckRoute, NoticeRoute, SilenceBounds, Site
from history.due_times import DueLimits
from inbox.health.knock import Place
from inbox.hooks.tokens import Issuer, KeySet
from inbox.http.settings import HookSettings, SignInSettings
from inbox.people.provider import Provider, ProviderSettings
from ivigilant.errors import UnusableSettings, UnusableSite
from ivigilant.listening import places_at
from ivigilant.settings import Settings
from ivigilant.sign_in_section import ProviderSection
from ivigilant.site import FieldsSection, ReadingSection, SiteFile, line_in
from listener.config import is_loopback
from parsers.defaults import Defaults, SiteField
from store.retention import Ages


def listening_ports(file: SiteFile, settings: Settings) -> list[int]:
    """Return the port of the settings, and those by which the site file recognises a feed."""
    return list(dict.fromkeys([settings.mllp_port, *(feed.port for feed in file.feeds if feed.port is not None)]))


def require_known_senders(settings: Settings, file: SiteFile) -> None:
    """Refuse to take clear text from anybody: without TLS nothing says who a sender is but its address."""
    is_clear = settings.mllp_plaintext and settings.mllp_tls_certificate is None and not is_loopback(settings.mllp_host)
    if is_clear and not file.allowed_addresses:
        raise UnusableSettings(
            f"IVIGILANT_MLLP_PLAINTEXT opens {settings.mllp_host} to everybody, without TLS: say in the site file who "
            "may connect (allowed_addresses: [10.1.0.0/16]), or set IVIGILANT_MLLP_TLS_CERTIFICATE and its key"
        )


def listener_places(file: SiteFile, settings: Settings) -> tuple[Place, ...]:
    """Return the addresses at which a listener should answer, as seen from here."""
    return places_at(settings, listening_ports(file, settings))


def worker_site(file: SiteFile, settings: Settings) -> Site:
    """Return the settings that the worker needs."""
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
        destinations=tuple(NoticeRoute(place.name, place.min_tier) for place in file.destinations),
        telling=file.telling,
        language=file.languages[0],
        shows_cards=bool(file.cds_hooks.clients),
        replay_after=timedelta(days=settings.replay_after_days),
        silence=SilenceBounds(timedelta(minutes=file.silence.floor_min), timedelta(hours=file.silence.ceiling_h)),
        gaps_ignored=frozenset(feed.name for feed in file.feeds if not feed.watch_gaps),
        due=due_limits(file),
    )


def hook_settings(file: SiteFile, settings: Settings) -> HookSettings | None:
    """Return who may ask by CDS Hooks; None when nobody may."""
    section = file.cds_hooks
    if not section.clients:
        return None
    issuers = tuple(Issuer(each.name, each.iss, KeySet(each.keys or each.jwks_url or "")) for each in section.clients)
    return HookSettings(section.feed, issuers, settings.address())


def sign_in_settings(file: SiteFile, settings: Settings) -> SignInSettings:
    """Return who may sign in, and how; or raise UnusableSettings without the secret of an identity provider."""
    section = file.sign_in
    return SignInSettings(
        provider=_identity_provider(section.provider, settings) if section.provider is not None else None,
        local_accounts=section.local_accounts == "all",
        break_glass=frozenset(section.break_glass),
        second_factor=frozenset(section.second_factor),
    )


def _identity_provider(section: ProviderSection, settings: Settings) -> Provider:
    if settings.oidc_client_secret is None:
        raise UnusableSettings(
            "IVIGILANT_OIDC_CLIENT_SECRET is missing: the site file names an identity provider (sign_in.provider)"
        )
    return Provider(
        ProviderSettings(
            name=section.name,
            issuer=section.issuer,
            client_id=section.client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            roles=tuple(section.groups.items()),
            groups_claim=section.groups_claim,
            name_claim=section.name_claim,
            scopes=section.scopes,
            certificates=section.certificates,
            proxy=section.proxy,
            session=timedelta(minutes=section.session_minutes),
            max_age=timedelta(minutes=section.max_age_minutes) if section.max_age_minutes is not None else None,
            prompt=section.prompt or "",
        )
    )


def due_limits(file: SiteFile) -> DueLimits:
    """Return how long an alert may wait, and how long whoever is on it may take."""
    section = file.due
    return DueLimits(
        contraindication=timedelta(minutes=section.contraindication_min),
        high=timedelta(hours=section.high_h),
        moderate=timedelta(hours=section.moderate_h),
        before_start=timedelta(minutes=section.before_start_min),
    )


def retention_ages(file: SiteFile) -> Ages:
    """Return how long texts of messages are kept."""
    section = file.retention
    processed, ignored = (
        timedelta(days=days) if days else None for days in (section.processed_days, section.ignored_days)
    )
    return Ages(processed, ignored, {name: timedelta(days=days) for name, days in section.types.items()})


def reading_defaults(file: SiteFile, feed: ReadingSection) -> Defaults:
    """Return how to read a feed's messages: by its own settings, else the site's, else the parser's defaults."""
    given: dict[str, Any] = {}
    for name in ReadingSection.model_fields:
        value = getattr(feed, name) if getattr(feed, name) is not None else getattr(file, name)
        if value is not None:
            given[name] = value
    if "zone" in given:
        given["zone"] = ZoneInfo(given["zone"])
    if "fields" in given:
        given["fields"] = tuple(_site_fields(given["fields"]))
    return Defaults(**given)


def _site_fields(fields: FieldsSection) -> Iterator[SiteField]:
    """Return the fields as the parser expects them."""
    if weight := fields.weight:
        yield SiteField("weight", weight.segment, weight.field, weight.component, unit=weight.unit)
    if height := fields.height:
        yield SiteField("height", height.segment, height.field, height.component, unit=height.unit)
    if diagnosis := fields.diagnosis:
        yield SiteField("diagnosis", diagnosis.segment, diagnosis.field, system=diagnosis.system)


def destinations(file: SiteFile, settings: Settings) -> dict[str, Destination]:
    """Return every destination by its name, ready to send; a sender claims a notice for longer than any may take."""
    longest = max((form.deadline_s for form in file.destinations), default=0.0)
    if settings.delivery_lease_s <= longest:
        raise UnusableSettings(
            f"IVIGILANT_DELIVERY_LEASE_S is {settings.delivery_lease_s:g}: make it more than {longest:g}, the seconds "
            "that a destination of the site file may take, or a notice is sent twice"
        )
    opened: dict[str, Destination] = {}
    for at, form in enumerate(file.destinations):
        try:
            opened[form.name] = form.open(settings)
        except OddDestination as error:
            path = settings.site_file
            where = f"{path}:{line_in(path, ('destinations', at))}: " if path is not None else ""
            raise UnusableSite(f"{where}{error}") from None
    return opened
