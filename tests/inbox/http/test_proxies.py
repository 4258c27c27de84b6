"""Who asks is known behind a proxy that is trusted, and cannot be claimed by anybody else."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from inbox.http.connections import NamedProxies
from tests.inbox.builders import the_lines
from tests.inbox.serving import serving
from tests.inbox.sites import Site


@pytest.mark.parametrize(
    ("proxies", "forwarded", "source"),
    [
        (["127.0.0.1"], "203.0.113.7", "203.0.113.7"),
        (["127.0.0.1", "10.0.0.0/8"], "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        (["127.0.0.1"], "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # what the sender wrote stands before the proxy's
        (["10.0.0.0/8"], "203.0.113.7", "127.0.0.1"),
        ([], "203.0.113.7", "127.0.0.1"),
    ],
)
def test_the_source_is_what_a_trusted_proxy_says(
    one_site: Site, proxies: list[str], forwarded: str, source: str
) -> None:
    headers = one_site.token("viewer") | {"X-Forwarded-For": forwarded}

    with serving(one_site, proxies=proxies) as address:
        httpx.get(f"{address}/api/v1/alerts", headers=headers, trust_env=False)

    assert the_lines(one_site.engine)[-1].source == source


def test_who_guesses_behind_a_proxy_stops_nobody_else(one_site: Site) -> None:
    with serving(one_site, proxies=["127.0.0.1"], sign_ins_per_minute=2) as address:

        def tries(source: str) -> int:
            with httpx.Client(base_url=address, trust_env=False, headers={"X-Forwarded-For": source}) as client:
                page = client.get("/sign-in").text
                token = page.split('name="_csrf_token" value="')[1].split('"', maxsplit=1)[0]
                return client.post("/sign-in", data={"_csrf_token": token}).status_code

        answers = [tries("203.0.113.7") for _ in range(3)]
        other = tries("203.0.113.8")

    assert answers[-1] == 429
    assert other != 429


def requests(proxies: Sequence[str], *asked: tuple[str, str | None]) -> tuple[list[str], list[str]]:
    """Ask from these addresses with this X-Forwarded-For; give who asked, and of whom the log warned."""
    seen = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["client"][0])

    async def ask() -> None:
        named = NamedProxies(app, proxies)
        for address, forwarded in asked:
            headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
            await named({"type": "http", "client": (address, 4711), "headers": headers}, None, None)

    with capture_logs() as logs:
        asyncio.run(ask())
    assert all("IVIGILANT_TRUSTED_PROXIES" in line["advice"] for line in logs)
    return seen, [line["address"] for line in logs if line["event"] == "inbox.proxy_not_named"]


def test_a_machine_that_forwards_and_is_not_named_is_warned_of_once() -> None:
    asked = [("10.0.0.5", "203.0.113.7")] * 3 + [("10.0.0.6", "203.0.113.7")]

    seen, warned = requests(["10.0.0.9"], *asked)

    assert seen == ["10.0.0.5", "10.0.0.5", "10.0.0.5", "10.0.0.6"]
    assert warned == ["10.0.0.5", "10.0.0.6"]


def test_a_named_proxy_and_who_forwards_nothing_are_not_warned_of() -> None:
    seen, warned = requests(["10.0.0.0/24"], ("10.0.0.5", "203.0.113.7"), ("192.0.2.1", None))

    assert seen == ["203.0.113.7", "192.0.2.1"]
    assert warned == []


def test_a_header_from_everywhere_does_not_fill_the_log() -> None:
    _, warned = requests([], *((f"10.0.0.{number}", "203.0.113.7") for number in range(50)))

    assert warned == [f"10.0.0.{number}" for number in range(10)]
