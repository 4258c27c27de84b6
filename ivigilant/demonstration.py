"""`ivigilant demo`: a synthetic hospital through the whole product, in a temporary folder."""

import asyncio
import json
import os
import secrets
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import typer

from clinical.words import ALERT_TIERS
from inbox.people.accounts import add_user
from ivigilant.knowledge.burden import PATIENTS, figures, in_words, kept, measure_apart, two_processes
from ivigilant.replaying import NobodyListens, ReplyCounts, send_until_answered
from ivigilant.settings import Settings, without_settings
from ivigilant.stack import Stack, free_port, running_stack
from ivigilant.supervisor import show_at_once, stop_on_signals
from listener.client import Target
from rules.load import load_knowledge
from store import tables
from store.engine import connect, reading
from synthetic.stream import hospital_messages

IVIG = ("ivig", "possible_ivig")

USER = "demo"
LOOK_EVERY_S = 0.5
SETTLES_IN = timedelta(seconds=1)
START_WITHIN_S = 60.0
GIVE_UP_AFTER_S = 300.0
WIDEST = 120  # characters of a line on a terminal
COLOURS = {"contraindication": typer.colors.RED, "high": typer.colors.YELLOW, "moderate": typer.colors.CYAN}


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One open alert, for display on one line."""

    id: int
    tier: str
    priority: str
    titles: tuple[str, ...]
    patient: str


@dataclass(slots=True)
class Stream:
    """The hospital, which sends from a thread of its own."""

    tally: ReplyCounts | None = None

    def begin(self, seed: int, settings: Settings) -> None:
        """Start to send."""
        messages = list(hospital_messages(seed, now=datetime.now(UTC)))
        target = Target(settings.mllp_host, settings.mllp_port)

        def run() -> None:
            deadline = time.monotonic() + START_WITHIN_S
            while self.tally is None and time.monotonic() < deadline:
                try:
                    self.tally = asyncio.run(send_until_answered(messages, target, GIVE_UP_AFTER_S))
                except NobodyListens:
                    time.sleep(0.1)  # the listener is still starting

        threading.Thread(target=run, name="hospital", daemon=True).start()


@dataclass(slots=True)
class Watch:
    """Shows the alerts as they come, and records when everything is processed."""

    engine: sa.Engine
    stream: Stream
    address: str  # of the inbox
    settled: Callable[[], None]
    shown: dict[int, OpenAlert] = field(default_factory=dict)
    deadline: float = field(default_factory=lambda: time.monotonic() + GIVE_UP_AFTER_S)
    next_look: float = 0.0

    def look(self) -> None:
        """Look for changes, at intervals."""
        if time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + LOOK_EVERY_S
        sent = self.stream.tally is not None  # asked first: what was sent before is in the database by now
        with reading(self.engine) as connection:
            nothing_waits = not waiting(connection)
            alerts = open_alerts(connection, datetime.now(UTC) - SETTLES_IN)
        for alert in alerts:
            if self.shown.get(alert.id) != alert:
                typer.echo(line_of(alert, self.address, datetime.now().astimezone(), again=alert.id in self.shown))
                self.shown[alert.id] = alert
        if (sent and nothing_waits) or time.monotonic() > self.deadline:
            self.settled()


def demonstrate(*, seed: int, once: bool) -> int:
    """Run it, and return the exit code."""
    show_at_once()
    stopping = threading.Event()
    stop_on_signals(stopping)
    with tempfile.TemporaryDirectory(prefix="ivigilant-demo-") as folder:
        settings = Settings.model_validate(
            {
                "data_dir": Path(folder),
                "mllp_port": _port(2575),
                "http_port": _port(8080),
                "worker_processes": 1,
                "canary": False,  # a demonstration counts its own messages
            }
        )
        with running_stack(settings, without_settings(os.environ), tell=typer.echo) as stack:
            stack.supervisor.stopping = stopping
            return _show_hospital(stack, seed, once)


def _show_hospital(stack: Stack, seed: int, once: bool) -> int:
    engine, stream = connect(stack.settings.database()), Stream()
    stopping = stack.supervisor.stopping
    _welcome(stack.settings, _add_pharmacist(engine))
    stream.begin(seed, stack.settings)
    printed = threading.Event()

    def settle() -> None:
        if once:
            stopping.set()
        elif not printed.is_set():
            printed.set()
            typer.echo("Every message has been sent and processed; the inbox stays open until Ctrl-C.")

    stack.supervisor.run(Watch(engine, stream, stack.settings.address(), settle).look)
    if stream.tally is None:
        typer.echo("Stopped before every message was sent.")
        return 130
    with reading(engine) as connection:
        found = count_outcomes(connection)
        rest = waiting(connection)
    typer.echo(f"In the inbox: {in_the_inbox(found)}.")
    typer.echo(f"Alerts per 100 IVIg orders of this stream, which is full of case reports: {per_hundred_orders(found)}")
    tell_burden()
    typer.echo(json.dumps({"messages": stream.tally.sent, "acked": stream.tally.accepted} | found))
    return 0 if stream.tally.all_accepted and not rest else 1


def tell_burden() -> None:
    """Print how many alerts these rules give in a large hospital: the stored figures, or those of a new run."""
    version = load_knowledge().version
    found = kept(version)
    if found is None:
        progressing = typer.progressbar(length=PATIENTS, label="Counting alerts", file=sys.stderr)
        with progressing as progress, two_processes() as processes:
            burden = measure_apart(processes, told=lambda judged: progress.update(judged - progress.pos))
        found = figures(burden, version)
    typer.echo(f"In a year of a synthetic hospital with {found.patients} patients: {in_words(found)}.")
    typer.echo(f"A settled alert is not raised again. Sources: docs/burden.md (rules {version}).")


def line_of(alert: OpenAlert, address: str, now: datetime, *, again: bool) -> str:
    """Return one alert, or what it became, in a line of at most `WIDEST` characters: time, tier, patient, why, link."""
    begins, link = f"{now:%H:%M:%S} {alert.tier:<16} {alert.priority:<7} ", f"{address}/alerts/{alert.id}"
    room = WIDEST - len(begins) - len(link) - 1
    why = f"{alert.patient}: {'changed: ' if again else ''}{'; '.join(alert.titles)}"
    coloured = begins.replace(alert.tier, typer.style(alert.tier, fg=COLOURS.get(alert.tier), bold=True), 1)
    return f"{coloured}{textwrap.shorten(why, room, placeholder=' …'):<{room}} {link}"


def _welcome(settings: Settings, password: str) -> None:
    typer.echo(f"Inbox    {settings.address()}   sign in as {USER} with {password}")
    typer.echo(f"HL7      {settings.mllp_host}:{settings.mllp_port} (MLLP); a synthetic hospital is sending to it")
    typer.echo("Nobody in it is real. Alerts as they come:\n")


def _add_pharmacist(engine: sa.Engine) -> str:
    password = "-".join(secrets.token_hex(2) for _ in range(3))
    with engine.begin() as connection:
        add_user(connection, USER, password, "lead", datetime.now(UTC))
    return password


def _port(wanted: int) -> int:
    """Return the usual port when it is free, else another."""
    from ivigilant.errors import NotReady
    from ivigilant.stack import require_free

    try:
        require_free("127.0.0.1", wanted, "")
    except NotReady:
        return free_port()
    return wanted


def waiting(connection: sa.Connection) -> int:
    """Count the messages that are not processed yet."""
    message = tables.message
    return _count(connection, sa.select(sa.func.count()).where(message.c.state == "received"))


def open_alerts(connection: sa.Connection, unchanged_since: datetime) -> list[OpenAlert]:
    """Return the open alerts unchanged since then: an order often comes just before its history."""
    alert, assessment = tables.alert, tables.assessment
    query = (
        sa.select(alert.c.id, alert.c.tier, alert.c.priority, tables.CONCLUSION)
        .join(assessment, assessment.c.id == alert.c.assessment_id)
        .where(alert.c.status == "open", alert.c.changed_at <= unchanged_since)
        .order_by(alert.c.changed_at, alert.c.id)
    )
    return [
        OpenAlert(
            id=row.id,
            tier=row.tier,
            priority=row.priority,
            titles=tuple(finding.title["en"] for finding in row.conclusion.findings),
            patient=row.conclusion.patient.name,
        )
        for row in connection.execute(query)
    ]


def count_outcomes(connection: sa.Connection) -> dict[str, Any]:
    """Count the parked messages, the IVIg orders, those assessed, and the alerts in the inbox by stream and tier."""
    message, order = tables.message, tables.medication_order
    assessment, alert = tables.assessment, tables.alert
    orders = sa.select(sa.func.count()).select_from(order).where(order.c.product_class.in_(IVIG))
    # What was resolved while the rest of the history came depends on which message came first: it stands in no inbox.
    stands = sa.select(alert.c.stream == "order", alert.c.tier, sa.func.count()).where(alert.c.status != "resolved")
    counted = {
        (about_order, tier): count
        for about_order, tier, count in connection.execute(stands.group_by(alert.c.stream == "order", alert.c.tier))
    }
    return {
        "parked": _count(connection, sa.select(sa.func.count()).where(message.c.state == "parked")),
        "ivig_orders": _count(connection, orders),
        "assessed": _count(connection, orders.where(order.c.id.in_(sa.select(assessment.c.order_id)))),
        "alerts": {tier: counted.get((True, tier), 0) for tier in ALERT_TIERS},
        "after_infusion": {tier: counted.get((False, tier), 0) for tier in ALERT_TIERS},
    }


def in_the_inbox(found: dict[str, Any]) -> str:
    """Return how many alerts stand in the inbox, in words: those about orders and those after an infusion."""
    about_orders, after = sum(found["alerts"].values()), sum(found["after_infusion"].values())
    return f"{about_orders + after} alerts: {about_orders} about orders, {after} about a thrombosis after an infusion"


def per_hundred_orders(found: dict[str, Any]) -> str:
    """Return the alerts per hundred orders by tier, in words."""
    orders = found["ivig_orders"] or 1
    return ", ".join(f"{tier} {100 * count / orders:.0f}" for tier, count in found["alerts"].items())


def _count(connection: sa.Connection, query: sa.Select[int]) -> int:
    return connection.execute(query).scalar_one()
