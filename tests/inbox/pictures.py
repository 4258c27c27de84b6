"""`python -m tests.inbox.pictures`: the pictures of docs/pictures anew, from a demonstration of its own."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.inbox.browser import browsing

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "pictures"
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
    """Take the inbox and its first alert, as somebody who reads this language sees them."""
    locale, ending = LANGUAGES[language]
    context = browser.new_context(viewport={"width": 1280, "height": 860}, device_scale_factor=1.4, locale=locale)
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.locator(f"button[name=language][value={language}]").click()
    page.locator("[name=name]").fill("demo")
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    _keep(page, f"inbox{ending}.png")
    page.locator(".alert-link").first.click()
    page.wait_for_url("**/alerts/*")
    page.set_viewport_size({"width": 1280, "height": 1180})
    _keep(page, f"alert{ending}.png")
    context.close()


def _keep(page: Page, name: str) -> None:
    page.locator("#banners .banner").first.wait_for()
    page.screenshot(path=FOLDER / name)


def main() -> None:
    """Take every picture."""
    with demonstration() as (address, password), browsing() as browser:
        time.sleep(3)  # what was told last is judged
        for language in LANGUAGES:
            take(browser, address, password, language)


if __name__ == "__main__":
    main()
