"""The reply to a notice: whoever was told follows her signed link and is on it, as if she had pressed the key herself.

The link opens a page with one button, because scanners of mail follow links; a pager posts to the same address. Neither
shows anything of a patient. The act is recorded under the name of the person whom the link was made for. A link is of
one notice and acts on every alert in it, but for those that somebody acted on since, or that were opened again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from forwarding.reply_links import ReplyLink, read_link
from inbox.acting import Acting, Concerned, Done, carry_out
from inbox.alerts.act import existing, was_first
from inbox.alerts.settling import TakenOn
from inbox.errors import AlertChanged, AlertMissing, AlertSettled, InboxError
from inbox.http.forms import UNSIGNED
from inbox.http.pages import page
from inbox.http.parts import AnyRequest, Parts, parts_of
from inbox.people.accounts import active_account
from inbox.people.permissions import ANYONE, Permission
from inbox.people.viewer import Viewer, source_of
from store import alerts, deliveries
from store.alerts import ConcludedAlert, find_alert
from store.engine import reading
from store.locks import lock_people

_ENDS: Final = ("taken_on", "acknowledged", "overridden", "snoozed", "reopened")


@dataclass(frozen=True)
class OnNotice:
    """Taking on every alert of a notice that still stands as the notice reported it."""

    permission: ClassVar[Permission] = Permission.ALERTS_ACT
    action: ClassVar[str] = TakenOn.action

    told: Sequence[tuple[int, int]]  # each alert with the line of its record; the one that the link names comes first

    def concerns(self, connection: sa.Connection) -> Concerned:
        """Return the alert that the link names, and its patient."""
        alert = find_alert(connection, self.told[0][0])
        return Concerned(f"alert {self.told[0][0]}", (alert.patient_id if alert else None,))

    def perform(self, acting: Acting) -> Done[list[int]]:
        """Take them on, and return which; refuse when none of them waits as it was told."""
        alerts_told = [existing(acting.connection, number) for number, _ in self.told]
        patients = {alert.patient_id for alert in alerts_told}
        lock_people(acting.connection, patients)
        waiting = _waiting(acting.connection, self.told)
        if not waiting:
            raise _why_not(acting.connection, existing(acting.connection, self.told[0][0]))
        for alert in waiting:
            TakenOn().write(acting, alert)
        ids = [alert.id for alert in waiting]
        return Done(ids, " ".join(f"alert {number}" for number in ids), tuple(sorted(patients)), alerts=ids)


def _waiting(connection: sa.Connection, lines: Sequence[tuple[int, int]]) -> list[ConcludedAlert]:
    """Return the alerts that wait for somebody, and were not acted on or opened again since they were told of."""
    found = [
        existing(connection, alert) for alert, event in lines if not alerts.has_later(connection, alert, event, _ENDS)
    ]
    return [alert for alert in found if alert.status == "open"]


def _why_not(connection: sa.Connection, alert: ConcludedAlert) -> InboxError:
    return AlertChanged() if alert.status == "open" else was_first(connection, alert)


@get("/reply/{token:str}", opt={ANYONE: True}, include_in_schema=False, sync_to_thread=True)
def ask_reply(request: AnyRequest, token: FromPath[str]) -> Template:
    """Ask whether she is on it."""
    parts = parts_of(request)
    link, viewer = _followed(parts, request, token)
    with reading(parts.engine) as connection:
        alert = existing(connection, link.alert_id)
        waiting = _waiting(connection, _alerts_of_notice(parts, connection, link))
    stands = "open" if waiting else "changed" if alert.status == "open" else alert.status
    numbers = [each.id for each in waiting] or [alert.id]
    return _page(request, viewer, link, token=token, numbers=numbers, stands=stands, owner=alert.assigned_to)


@post(
    "/reply/{token:str}",
    opt={ANYONE: True, UNSIGNED: True},
    include_in_schema=False,
    sync_to_thread=True,
    status_code=200,
)
def take_on_by_reply(request: AnyRequest, token: FromPath[str]) -> Template:
    """Take on the alerts of the notice under her name; a link that was followed before does nothing more."""
    parts = parts_of(request)
    link, viewer = _followed(parts, request, token)
    with reading(parts.engine) as connection:
        lines = _alerts_of_notice(parts, connection, link)
    one = [link.alert_id]
    try:
        taken = carry_out(parts, viewer, OnNotice(lines))
    except AlertSettled as error:
        status = 200 if error.status == "taken_on" and error.by == link.person else 409
        how = {"stands": error.status, "owner": error.by, "settled": error}
        return _page(request, viewer, link, status, token=token, numbers=one, **how)
    except AlertChanged:
        return _page(request, viewer, link, 409, token=token, numbers=one, stands="changed", owner=None)
    return _page(request, viewer, link, token=token, numbers=taken, stands="taken_on", owner=link.person)


def _page(request: AnyRequest, viewer: Viewer, link: ReplyLink, status: int = 200, **shown: Any) -> Template:
    return page(request, "reply.html", status, reader=viewer, link=link, **({"settled": None} | shown))


def _alerts_of_notice(parts: Parts, connection: sa.Connection, link: ReplyLink) -> list[tuple[int, int]]:
    """Return the alerts of the notice that held the link, each with the line of its record."""
    destination = parts.settings.telling.people.get(link.person)
    if destination is None:
        return [(link.alert_id, link.event_id)]
    return deliveries.told_together(connection, link.alert_id, link.event_id, destination)


def _followed(parts: Parts, request: AnyRequest, token: str) -> tuple[ReplyLink, Viewer]:
    """Return what the link says and who follows it, or raise NotFoundException: it is forged, old, or of nobody."""
    link = read_link(token, parts.settings.secret, parts.clock())
    if link is None:
        raise NotFoundException
    with reading(parts.engine) as connection:
        account = active_account(connection, link.person)
        if account is not None and not parts.settings.sign_in.admits(account.name, account.issuer):
            account = None  # who may no longer sign in does not act by a link either
        try:
            existing(connection, link.alert_id)
        except AlertMissing:
            account = None
    viewer = Viewer(account.name, account.role, source_of(request), account.language) if account is not None else None
    if viewer is None or not viewer.may(Permission.ALERTS_ACT):
        raise NotFoundException
    return link, viewer
