"""How soon the first page paints with 500 open alerts, and how soon a new alert stands on it, in Chromium."""

import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
import uvloop
from playwright.sync_api import Browser, Page

from bench.load import framed, wait_for
from bench.messages import hospital, order, thrombosis
from bench.order_latency import FIRST_PATIENT, ORDERS, TRAFFIC, Ear, send, send_both, settle
from bench.report import Table, ms, quantile
from bench.services import DATABASES, running, surroundings
from rules.load import load_knowledge
from store.engine import connect
from tests.inbox.browser import browsing
from tests.inbox.builders import NOW, a_case, a_conclusion, a_person, all_is_well
from tests.inbox.serving import serving
from tests.inbox.sites import PASSWORD, Site

OPEN_ALERTS = 500
VISITS = 10
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
FETCHED = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .reduce((sum, each) => sum + each.transferSize, 0)"""
WATCH = """() => {
  window.seen = {};
  const look = () => document.querySelectorAll("[id^='alert-']").forEach((each) => {
    window.seen[each.id] ??= Date.now() / 1000;
  });
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


def measure_paint() -> Table:
    """Open the list in a browser that has nothing of it yet."""
    rows = []
    with browsing() as browser:
        for database in DATABASES:
            with surroundings(database) as place:
                engine = connect(place.database_url)
                site = Site(engine, load_knowledge())
                with engine.begin() as connection:
                    all_is_well(connection)
                _raise_alerts(site)
                painted, fetched = _visits(browser, site)
                found = [ms(quantile(painted, share)) for share in (0.5, 1.0)]
                rows.append([database, str(OPEN_ALERTS), *found, f"{fetched / 1e3:.0f}"])
                engine.dispose()
    columns = ("database", "open alerts", "first paint p50 ms", "most ms", "kB")
    notes = [
        "first contentful paint, nothing cached; kB with style, script and icons; target ≤ 1 s, ≤ 150 kB",
        "browser, inbox and this measurement share the processors",
    ]
    return Table("The first page", columns, rows, notes)


def _raise_alerts(site: Site) -> None:
    """Raise alerts for as many patients, on seven wards, over the next two days."""
    with site.engine.begin() as connection:
        for number in range(OPEN_ALERTS):
            conclusion = a_conclusion()
            conclusion["patient"] |= {"name": f"Patient {number}", "ward": f"W{number % 7}"}
            conclusion["order"] |= {"start": (NOW + timedelta(minutes=6 * number)).isoformat()}
            patient = a_person(connection, str(number), str(number))
            a_case(connection, patient=patient, number=str(number), told=conclusion)


def _visits(browser: Browser, site: Site) -> tuple[list[float], float]:
    """Return when each visit painted first, in seconds, and how many bytes a visit fetches."""
    painted: list[float] = []
    fetched = 0.0
    site.add_user("els", role="lead")
    with serving(site, sign_ins_per_minute=100) as address:
        for _ in range(VISITS):
            with _signed_in(browser, address) as page:
                page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
                page.goto(address, wait_until="load")
                while (at := page.evaluate(PAINTED)) is None:
                    page.wait_for_timeout(20)
                painted.append(at / 1e3)
                fetched = max(fetched, page.evaluate(FETCHED))
    return painted, fetched


@contextmanager
def _signed_in(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.locator("[name=name]").fill("els")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    yield page
    context.close()


def measure_new(seconds: float) -> Table:
    """Send traffic at its pace and orders of patients with a thrombosis among it, while somebody has the list open."""
    rows = []
    with browsing() as browser:
        for database in DATABASES:
            waited, on_page, wanted = _new_alerts(browser, database, seconds)
            found = [ms(quantile(waited, share)) for share in (0.5, 0.99)] if waited else ["-", "-"]
            last = ms(quantile(on_page, 0.5)) if on_page else "-"
            rows.append([database, f"{TRAFFIC:.0f}", str(wanted), str(len(waited)), *found, last])
    columns = ("database", "other msg/s", "orders", "alerts", "p50 ms", "p99 ms", "of this the page, p50 ms")
    notes = [
        "from the first byte of the order, which is before its ACK, to its alert on the open page; target ≤ 3 s",
        "of this the page: from the announcement of the committed alert; the rest is the way from order to alert",
    ]
    return Table("From order to the open page", columns, rows, notes)


def _new_alerts(browser: Browser, database: str, seconds: float) -> tuple[list[float], list[float], int]:
    """Return how long each alert took from its order, and from its announcement, and how many orders were sent."""
    now, count = datetime.now(UTC), int(seconds * ORDERS)
    patients = range(FIRST_PATIENT, FIRST_PATIENT + count)
    others = hospital(int(seconds * TRAFFIC / 12) + 20)[: int(seconds * TRAFFIC)]
    orders = [framed(order(patient, now)) for patient in patients]
    sent: dict[bytes, float] = {}
    with surroundings(database) as place, running(place) as installation:
        wait_for(installation.mllp_port)
        engine = connect(place.database_url)
        _begin(send([thrombosis(patient, now) for patient in patients], installation.mllp_port)).join()
        settle(engine)
        site = Site(engine, load_knowledge(), place.redis_url, poll_s=2.0, now=now)
        site.add_user("els", role="lead")
        ear = Ear(place.redis_url)
        hearing = ear.listen()
        with serving(site, alerts_per_page=10_000) as address, _signed_in(browser, address) as page:
            page.evaluate(WATCH)
            traffic = send_both(orders, list(map(framed, others)), TRAFFIC, installation.mllp_port, sent)
            load = _begin(traffic)
            while load.is_alive():
                page.wait_for_timeout(200)  # the page hears meanwhile
            settle(engine)
            page.wait_for_timeout(4000)
            seen: dict[str, float] = page.evaluate("window.seen")
        ear.stop()
        hearing.join()
        waits = _waits(engine, orders, sent, seen, ear.heard, patients)
        engine.dispose()
    return *waits, count


def _begin(load: Coroutine[object, object, None]) -> threading.Thread:
    """Send from a thread of its own: that of the browser has a loop already."""
    thread = threading.Thread(target=uvloop.run, args=(load,), name="load")
    thread.start()
    return thread


def _waits(
    engine: sa.Engine,
    orders: list[bytes],
    sent: dict[bytes, float],
    seen: dict[str, float],
    heard: dict[int, float],
    patients: range,
) -> tuple[list[float], list[float]]:
    """Return for each alert that came onto the page how long after its order was sent, and after its announcement."""
    begin = time.time() - time.perf_counter()
    query = sa.text("SELECT a.id, o.placer FROM alert a JOIN medication_order o ON o.id = a.order_id")
    with engine.connect() as connection:
        alerts = {row.placer: row.id for row in connection.execute(query)}
    since_order, since_heard = [], []
    for patient, frame in zip(patients, orders, strict=True):
        alert = alerts.get(f"EPD|{patient}")
        at = seen.get(f"alert-{alert}")
        if at is None or frame not in sent:
            continue
        since_order.append(at - begin - sent[frame])
        if alert in heard:
            since_heard.append(at - begin - heard[alert])
    return since_order, since_heard
