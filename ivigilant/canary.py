"""The rounds of the canary: its messages sent to the listener, each step awaited, and the outcome recorded.

A round stands in the database, so a process that dies in the middle of one leaves nothing behind: whoever comes next
gives it up and begins another.
"""

import asyncio
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from forwarding.certificates import load_chain
from inbox.health.knock import Place
from ivigilant.settings import Settings
from ivigilant.site import CanarySection, SiteFile
from ivigilant.site_choices import listener_places
from listener.client import Sender, Target
from listener.receive import body_hash
from parsers.hl7.header import read_header_line
from store import canary, incidents
from store.canary import APPLICATION, CanaryStep
from synthetic.canary import canary_messages

log = structlog.get_logger()

SUBJECT: Final = "canary"  # of its incident
LOOK_EVERY_S: Final = 0.5
LEASE: Final = timedelta(seconds=10)  # a round whose process died is given up this long after the time of a step
_LIMITS: Final = 6  # of a round: three messages to send, three steps to wait for
_MARGIN_S: Final = 60.0


class _Missed(Exception):
    """A step was not reached in time."""

    def __init__(self, step: CanaryStep, detail: str) -> None:
        super().__init__(step, detail)
        self.step, self.detail = step, detail


class _Stopped(Exception):
    """This process is asked to stop, or another has given the round up: it says nothing."""


@dataclass(frozen=True, slots=True)
class Canary:
    """What sends the canary, and how patiently."""

    engine: sa.Engine
    clock: Callable[[], datetime]
    send: Callable[[bytes], str]  # one message → MSA-1 of its answer; raises OSError
    pause: Callable[[float], bool]  # wait so many seconds; True: stop now
    every_s: float = 300.0
    within_s: float = 60.0  # for each step

    def look(self) -> None:
        """Begin a round when it is time, go through it, and record how it ended."""
        now = self.clock()
        messages = canary_messages(secrets.token_hex(16), APPLICATION, now)
        history, order, stop = (body_hash(each, read_header_line(each)) for each in messages)
        with self.engine.begin() as connection:
            parts: dict[bytes, canary.CanaryPart] = {history: "history", order: "order", stop: "stop"}
            round_ = canary.begin(connection, parts, now, self.every_s, self._leased_until())
        if round_ is None:
            return
        try:
            self._go(round_, messages)
        except _Stopped:
            with self.engine.begin() as connection:
                canary.end(connection, round_, "given_up", self.clock())
        except _Missed as missed:
            self._fail(round_, missed)
        else:
            self._pass(round_)

    def _go(self, round_: int, messages: tuple[bytes, bytes, bytes]) -> None:
        history, order, stop = messages
        self._send(round_, history)
        self._send(round_, order)
        with self.engine.begin() as connection:
            canary.reach(connection, round_, "accepted", self.clock())
        self._await(round_, "raised")
        self._await(round_, "notified")
        self._send(round_, stop)
        self._await(round_, "resolved")

    def _send(self, round_: int, message: bytes) -> None:
        """Send until it is accepted."""
        until = self.clock() + timedelta(seconds=self.within_s)
        while True:
            try:
                answer = self.send(message)
            except OSError as error:
                fault = f"no answer ({type(error).__name__})"
            else:
                if answer in ("AA", "CA"):
                    return
                fault = f"answered {answer}" if answer else "no acknowledgement"
            if self.clock() >= until:
                raise _Missed("accepted", fault)
            self._hold(round_)

    def _await(self, round_: int, step: CanaryStep) -> None:
        """Wait until a worker has recorded the step."""
        until = self.clock() + timedelta(seconds=self.within_s)
        while True:
            with self.engine.connect() as connection:
                found = canary.get(connection, round_)
            if found is None or found.ended_at is not None:
                raise _Stopped
            if found.reached(step):
                return
            if self.clock() >= until:
                raise _Missed(step, found.detail or "no worker did it")
            self._hold(round_)

    def _hold(self, round_: int) -> None:
        """Wait a little, and keep the round from being given up."""
        if self.pause(LOOK_EVERY_S):
            raise _Stopped
        with self.engine.begin() as connection:
            if not canary.renew(connection, round_, self._leased_until()):
                raise _Stopped

    def _leased_until(self) -> datetime:
        """Return until when nobody gives the round up: one attempt to send may take the time of a step."""
        return self.clock() + timedelta(seconds=self.within_s) + LEASE

    def _pass(self, round_: int) -> None:
        now = self.clock()
        with self.engine.begin() as connection:
            if not canary.end(connection, round_, "passed", now):
                return
            is_over = incidents.end(connection, "canary", SUBJECT, now)
        log.info("canary.passed", round=round_, incident_ended=is_over)

    def _fail(self, round_: int, missed: _Missed) -> None:
        now, detail = self.clock(), f"{missed.step}: {missed.detail}"
        with self.engine.begin() as connection:
            canary.note(connection, round_, detail)
            if not canary.end(connection, round_, "failed", now):
                return
            incidents.begin(connection, "canary", SUBJECT, detail, now)
        log.error("canary.failed", round=round_, step=missed.step, detail=missed.detail)


def canary_counts_for(site: SiteFile, settings: Settings) -> timedelta | None:
    """Return how long a round that passed says something; None when no canary is sent."""
    if canary_place(site, settings) is None:
        return None
    section = site.canary
    return timedelta(seconds=60 * section.every_minutes + _LIMITS * section.within_seconds + _MARGIN_S)


def canary_place(site: SiteFile, settings: Settings) -> Place | None:
    """Return the listener that the canary is sent to; None when it is off, or no listener is named."""
    if not (settings.canary and site.canary.enabled):
        return None
    if site.canary.to is not None:
        parts = urlsplit(f"//{site.canary.to}")
        return Place(parts.hostname or "", parts.port or 0)
    return next(iter(listener_places(site, settings)), None)


def make_canary(
    engine: sa.Engine, site: SiteFile, settings: Settings, clock: Callable[[], datetime], pause: Callable[[float], bool]
) -> Callable[[], None]:
    """Return what to do again and again: look whether it is time for a round; without a canary, end its incident."""
    place, section = canary_place(site, settings), site.canary
    if place is None:
        return lambda: _end_incident(engine, clock())

    def send(message: bytes) -> str:
        tls = canary_tls(section, settings)
        target = Target(place.host, place.port, tls, timeout_s=section.within_seconds)
        return asyncio.run(_exchange(target, message))

    return Canary(engine, clock, send, pause, 60 * section.every_minutes, section.within_seconds).look


def _end_incident(engine: sa.Engine, now: datetime) -> None:
    with engine.begin() as connection:
        incidents.end(connection, "canary", SUBJECT, now, for_good=True)


async def _exchange(target: Target, message: bytes) -> str:
    async with Sender(target) as sender:
        return await sender.exchange(message)


def canary_tls(section: CanarySection, settings: Settings) -> ssl.SSLContext | None:
    """Return how it speaks TLS; None where the listener does not. Without an authority it trusts that one certificate.

    Where senders need a certificate it shows the one of the site file, else that of the listener. Raise OSError when
    a file cannot be used.
    """
    own = settings.mllp_tls_certificate
    trusted = section.ca_file or settings.canary_trusts or own
    if trusted is None:
        return None
    context = ssl.create_default_context(cafile=trusted)
    if section.ca_file is None:
        context.check_hostname = False  # the certificate itself is what is compared
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if section.certificate_file is not None:
        load_chain(context, section.certificate_file, section.key_file)
    elif own is not None and settings.mllp_tls_client_ca is not None:
        load_chain(context, own, settings.mllp_tls_key)
    return context
