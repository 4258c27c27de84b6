"""Notices sent through the library Apprise: Teams, Slack, SMS, telephones and some hundred services more.

The library is an extra (`ivigilant[apprise]`) that is loaded only where a site file names this kind. A service shows a
title and a few lines: what happened, the links, and the key by which a reader knows a message that came twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from forwarding.contract import DestinationForm, ProcessSettings, secret_in
from forwarding.errors import OddDestination, Unreachable
from forwarding.http import is_loopback, judge
from forwarding.notice import CALLS, AnyNotice, FaultNotice
from forwarding.wording import WORDS, reply_label, subject

if TYPE_CHECKING:
    from apprise import Apprise, NotifyType
    from apprise.plugins import NotifyBase

_STATUS: Final = re.compile(r"\berror=(\d{3})\b")  # how the services of Apprise report an HTTP status


class AppriseForm(DestinationForm):
    """A service that Apprise knows."""

    kind: Literal["apprise"]
    url_file: Path  # holds the address of the service for Apprise, which is a secret
    plaintext: bool = False

    def open(self, settings: ProcessSettings) -> "AppriseService":
        """Return the service at the address that the file holds now."""
        url = secret_in(self, "url_file")
        try:
            from apprise import Apprise
        except ImportError:
            fault = "the library Apprise is not installed (docs/operating.md, Apprise)"
            raise OddDestination(f"apprise {self.name}: {fault}") from None
        service = Apprise.instantiate(url)
        if service is None:
            raise OddDestination(f"apprise {self.name}: url_file holds no address that Apprise knows")
        if not self.plaintext and not _is_secure(url, service):
            raise OddDestination(
                f"apprise {self.name}: url_file holds an address without encryption (or set plaintext)"
            )
        library = Apprise()
        library.add(service)
        return AppriseService(self.name, library)


def _is_secure(url: str, service: "NotifyBase") -> bool:
    """Return whether the service is reached over TLS, or on this machine."""
    plain = service.protocol or ()
    schemes = (plain,) if isinstance(plain, str) else plain
    return url.partition("://")[0].lower() not in schemes or is_loopback(service.host)


@dataclass(frozen=True, slots=True)
class AppriseService:
    """One service."""

    name: str
    library: "Apprise" = field(repr=False)
    word_files: Path = WORDS

    def forward(self, notice: AnyNotice) -> None:
        """Send one message. Apprise says of a failure at most its HTTP status; without one it is tried again."""
        from apprise import NotifyFormat

        title, body = subject(notice, self.word_files), "\n".join(_lines(notice, self.word_files))
        result = self.library.notify(body, title, _type(notice), body_format=NotifyFormat.TEXT)
        if result:
            return
        found = [status for entry in result.logs() for status in _STATUS.findall(str(entry.message))]
        if found:
            judge(int(found[-1]))
        raise Unreachable("Apprise could not send it")


def _lines(notice: AnyNotice, word_files: Path) -> Iterator[str]:
    if isinstance(notice, FaultNotice):
        yield notice.link
    else:
        yield from (each.link for each in notice.alerts)
        if notice.reply:
            yield f"{reply_label(notice, word_files)}: {notice.reply}"
    yield notice.idempotency_key


def _type(notice: AnyNotice) -> "NotifyType":
    """Return the colour or the urgency of the message, in Apprise's words."""
    from apprise import NotifyType

    if isinstance(notice, FaultNotice):
        return NotifyType.FAILURE if notice.kind == "began" else NotifyType.SUCCESS
    if notice.kind in CALLS:
        return NotifyType.FAILURE if notice.is_urgent else NotifyType.WARNING
    return NotifyType.INFO if notice.kind == "taken_on" else NotifyType.SUCCESS
