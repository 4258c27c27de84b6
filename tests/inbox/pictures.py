"""`python -m tests.inbox.pictures`: the pictures of docs/pictures anew, from a demonstration of its own."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from rules.load import load_knowledge
from store import migrate
from store.engine import connect
from tests.inbox.browser import browsing
from tests.inbox.builders import NOW, all_is_well
from tests.inbox.serving import serving
from tests.inbox.sites import PASSWORD, Site
from tests.store.builders import a_message

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures"
Scheme = Literal["light", "dark"]
THEMES: dict[Scheme, str] = {"light": "", "dark": "-dark"}
LANGUAGES = {"en": ("en-GB", ""), "nl": ("nl-NL", "-nl")}
SETTLED = "has been sent and processed"
WITHIN_S = 120.0


@contextmanager
def demonstration() -> Iterator[tuple[str, str]]:
    """Run the demonstration until every message was told; gives the address and the password."""
    command = [sys.executable, "-m", "ivigilant", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield _welcome(running)
        finally:
            running.terminate()


def _welcome(running: "subprocess.Popen[str]") -> tuple[str, str]:
    deadline, told = time.monotonic() + WITHIN_S, ""
    for line in running.stdout or ():
        told += line
        if SETTLED in line:
            address, password = re.search(r"(http://\S+)", told), re.search(r"sign in as demo with (\S+)", told)
            if address and password:
                return address[1], password[1]
        if time.monotonic() > deadline:
            break
    raise SystemExit("the demonstration told no address")


def take(browser: Browser, address: str, password: str, language: str) -> None:
    """Take the pages of somebody who reads this language, in the light and in the dark."""
    with signed_in(browser, address, "demo", password, language) as (page, ending):
        first = page.locator(".alert-link").first.get_attribute("href") or ""
        page.goto(address + first)
        patient = page.locator("#who a").first.get_attribute("href") or ""
        others = {"patient": patient, "handover": "/handover", "notices": "/notices", "figures": "/figures?step=day"}
        for name, path in {"inbox": "/", "alert": first, **others}.items():
            page.goto(address + path)
            _keep(page, name, ending)
        page.goto(address + first)
        page.locator(".tl.wide").screenshot(path=FOLDER / f"timeline{ending}.png")


def take_states(browser: Browser, language: str) -> None:
    """Take the first page of an inbox where nothing waits, and of one where nothing was ever heard."""
    for name in ("quiet", "fresh"):
        with (
            tempfile.TemporaryDirectory() as folder,
            _empty(Path(folder), heard=name == "quiet") as address,
            signed_in(browser, address, "els", PASSWORD, language) as (page, ending),
        ):
            _keep(page, name, ending)


@contextmanager
def _empty(folder: Path, *, heard: bool) -> Iterator[str]:
    """Serve an inbox without an alert, whose feeds were heard or not."""
    engine = connect(f"sqlite:///{folder / 'empty.db'}", durable=False)
    migrate.upgrade(engine)
    if heard:
        with engine.begin() as connection:
            a_message(connection, "M1", state="processed", received_at=NOW - timedelta(seconds=4))
            all_is_well(connection)
    site = Site(engine, load_knowledge())
    site.add_user("els", role="lead")
    with serving(site, approval=None) as address:
        yield address
    engine.dispose()


@contextmanager
def signed_in(browser: Browser, address: str, name: str, password: str, language: str) -> Iterator[tuple[Page, str]]:
    """Sign in as somebody who reads this language; gives the page, and the ending of the names of its pictures."""
    locale, ending = LANGUAGES[language]
    context = browser.new_context(viewport={"width": 1280, "height": 860}, locale=locale, reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.locator(f"button[name=language][value={language}]").click()
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    yield page, ending
    context.close()


def _keep(page: Page, name: str, ending: str) -> None:
    page.locator("#banners .banner").first.wait_for()
    for scheme, theme in THEMES.items():
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=FOLDER / f"{name}{theme}{ending}.png")
    page.emulate_media(color_scheme="light")


def main() -> None:
    """Take every picture."""
    with demonstration() as (address, password), browsing() as browser:
        time.sleep(3)  # what was told last is judged
        for language in LANGUAGES:
            take(browser, address, password, language)
            take_states(browser, language)


if __name__ == "__main__":
    main()
