"""A patient goes through every process, and leaves no trace where none belongs (I9)."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
import yaml

from inbox.people.accounts import add_user
from tests.chaos.installation import Installation
from tests.forwarding.every_kind import SiteReceiver, receivers_of_every_kind
from tests.forwarding.receivers import SENDER, MailReceiver
from tests.ivigilant.waiting import soon
from tests.journeys.canary import GOOD, NOW, ODD, traces
from tests.ports import free_port

PASSWORD = "correct horse battery"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[list[SiteReceiver], list[dict[str, Any]]]]:
    with receivers_of_every_kind(tmp_path) as opened:
        yield opened


@pytest.fixture
def receivers(opened: tuple[list[SiteReceiver], list[dict[str, Any]]]) -> list[SiteReceiver]:
    return opened[0]


@pytest.fixture
def installation(
    database_url: str, redis_url: str, tmp_path: Path, opened: tuple[list[SiteReceiver], list[dict[str, Any]]]
) -> Iterator[Installation]:
    (mail,) = [receiver for receiver in opened[0] if isinstance(receiver, MailReceiver)]
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"destinations": opened[1]}))
    settings = {
        "IVIGILANT_SITE_FILE": f"{tmp_path}/site.yaml",
        "IVIGILANT_SMTP_HOST": "127.0.0.1",
        "IVIGILANT_SMTP_PORT": str(mail.port),
        "IVIGILANT_SMTP_SECURITY": "none",
        "IVIGILANT_SMTP_SENDER": SENDER,
        "IVIGILANT_DELIVERY_LEASE_S": "30",  # above the deadline of every kind
        "IVIGILANT_LOG_LEVEL": "debug",
        "IVIGILANT_LISTENER_METRICS_PORT": str(free_port()),
    }
    installation = Installation(database_url, redis_url, tmp_path, settings)
    installation.start("listener", "worker", "beat", "inbox")
    yield installation
    installation.close()


class Eavesdropper:
    """Hears every command that Redis is given, until it is closed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.heard: list[bytes] = []
        self._link = socket.create_connection((str(parts.hostname), parts.port or 6379))
        self._link.sendall(b"MONITOR\r\n")
        assert self._link.recv(5) == b"+OK\r\n"
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        self.heard.extend(iter(lambda: self._link.recv(65536), b""))

    def close(self) -> bytes:
        """Return what was heard."""
        self._link.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._link.close()
        return b"".join(self.heard)


def test_a_patient_leaves_no_trace_in_logs_redis_figures_notices_links_and_answers(
    installation: Installation, engine: sa.Engine, redis_url: str, receivers: list[SiteReceiver]
) -> None:
    queue = Eavesdropper(redis_url)

    answers = send(installation, *GOOD, *ODD, torn=GOOD[3])
    soon(lambda: settled(engine) and all(each.received for each in receivers))
    with broken_history(engine):
        answers += send(installation, GOOD[0].replace("CANARY1", "CANARY11"))
        soon(lambda: settled(engine))
    pages = pages_of(sign_in(installation, engine))
    heard = queue.close()

    assert "contraindication" in tiers(engine)
    assert len(traces(page.encode() for page in pages)) > 10  # the pharmacist sees who it is
    assert heard.count(b"LPUSH") > 2
    assert traces([heard]) == []
    assert b'"level": "error"' in installation.logs  # the fault was told
    assert traces([installation.logs]) == []
    assert traces(answers) == []
    assert traces(figures(installation)) == []
    assert traces(notice.text.encode() for each in receivers for notice in each.received) == []
    assert traces(link.encode() for page in pages for link in links_in(page)) == []
    assert traces(remarks(engine)) == []


def send(installation: Installation, *messages: str, torn: str = "") -> list[bytes]:
    """Send them over one link, and a part of another, close our side, and give everything that comes back."""
    soon(lambda: listens(installation.mllp_port))
    with socket.create_connection(("127.0.0.1", installation.mllp_port), timeout=90) as link:
        link.sendall(b"".join(b"\x0b" + message.encode() + b"\x1c\r" for message in messages))
        link.sendall(b"\x0b" + torn.encode()[: len(torn) // 2] if torn else b"")
        link.shutdown(socket.SHUT_WR)
        return list(iter(lambda: link.recv(65536), b""))


def listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def settled(engine: sa.Engine) -> bool:
    return rows(engine, "SELECT count(*) FROM message WHERE state = 'received'") == [(0,)]


def tiers(engine: sa.Engine) -> set[str]:
    return {row[0] for row in rows(engine, "SELECT tier FROM alert")}


def remarks(engine: sa.Engine) -> list[bytes]:
    """What we wrote beside messages and notices ourselves."""
    beside = rows(engine, "SELECT state, reason, detail, flags FROM message")
    beside += rows(engine, "SELECT idempotency_key, state, last_error FROM delivery")
    return [repr(row).encode() for row in beside]


def rows(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


@contextmanager
def broken_history(engine: sa.Engine) -> Iterator[None]:
    """A fault of our own: whoever writes history meets an error that quotes what was to be written."""
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE fact RENAME TO gone"))
    yield
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE gone RENAME TO fact"))


def sign_in(installation: Installation, engine: sa.Engine) -> httpx.Client:
    with engine.begin() as connection:
        add_user(connection, "els", PASSWORD, "pharmacist", NOW)
    soon(lambda: listens(installation.http_port))
    address = f"http://127.0.0.1:{installation.http_port}"
    browser = httpx.Client(base_url=address, follow_redirects=True, trust_env=False, timeout=90)
    token = re.search(r'name="_csrf_token" value="([^"]*)"', browser.get("/sign-in").text)
    assert token is not None
    form = {"name": "els", "password": PASSWORD, "_csrf_token": token[1]}
    assert browser.post("/sign-in", data=form).status_code == 200
    return browser


def pages_of(browser: httpx.Client) -> list[str]:
    """The inbox, the messages, and what they lead to."""
    pages = [browser.get(address).text for address in ("/", "/messages")]
    behind = {link for page in pages for link in links_in(page) if re.match(r"/(alerts|messages)/\d+", link)}
    return pages + [browser.get(link).text for link in sorted(behind)]


def links_in(page: str) -> list[str]:
    return re.findall(r'(?:href|src|action|hx-get|hx-post)="([^"]*)"', page)


def figures(installation: Installation) -> list[bytes]:
    ports = (installation.http_port, installation.more["IVIGILANT_LISTENER_METRICS_PORT"])
    return [httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).content for port in ports]
