"""A browser to try the pages with: one that is named, the machine's, or Playwright's own.

Where there is none, tests marked `browser` are left out with a plain word; in CI that is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMED = "IVIGILANT_BROWSER"
SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def find_browser() -> str | None:
    """Return the path of a browser, or None."""
    named = os.environ.get(NAMED)
    if named:
        return named
    system = next((path for name in SYSTEM if (path := shutil.which(name))), None)
    return system or _playwrights_own()


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


@contextmanager
def browsing() -> Iterator[Browser]:
    """Start the browser, and end it."""
    path = find_browser()
    assert path is not None, f"no Chromium found: install one, or name it with {NAMED}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def leave_out_without_browser(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a browser where there is none; in CI keep it, so that it fails."""
    needing = [item for item in items if item.get_closest_marker("browser")]
    if not needing or os.environ.get("CI") or find_browser() is not None:
        return
    items[:] = [item for item in items if item not in needing]
    config.hook.pytest_deselected(items=needing)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"No Chromium found: {len(needing)} tests of the pages in a browser are left out.")
