"""Where a listener should answer; a health check asks twice a minute, so this imports little and validates nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from inbox.health.knock import Place
from ivigilant.settings import Settings, reachable


def places_at(settings: Settings, ports: Sequence[int]) -> tuple[Place, ...]:
    """Return the addresses at which a listener on these ports should answer, as seen from here."""
    if settings.listener_at == "none":
        return ()
    if settings.listener_at:
        parts = [urlsplit(f"//{text.strip()}") for text in settings.listener_at.split(",")]
        return tuple(Place(part.hostname or "", part.port or 0) for part in parts)
    host = reachable(settings.mllp_host)
    return tuple(Place(host, port) for port in ports if port)


def ports_of(settings: Settings) -> list[int]:
    """Return the port of the settings and those of feeds in the site file, as far as it can be read."""
    feeds = _feeds(settings.site_file) if settings.site_file is not None else ()
    return list(dict.fromkeys([settings.mllp_port, *feeds]))


def _feeds(path: Path) -> Iterator[int]:
    import yaml

    try:
        content: Any = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return  # the check of the site file reports it
    feeds = content.get("feeds") if isinstance(content, dict) else None
    for feed in feeds if isinstance(feeds, list) else ():
        if isinstance(feed, dict) and isinstance(port := feed.get("port"), int):
            yield port
