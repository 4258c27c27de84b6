"""Notices sent as mail: tier and ward in the subject, a link in the text, in the language of the site."""

import asyncio
import hashlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from forwarding.contract import DestinationForm, ProcessSettings
from forwarding.deadline import DEADLINE_S, within
from forwarding.errors import ForwardingError, OddDestination, Refused, Unreachable
from forwarding.notice import AnyNotice
from forwarding.wording import WORDS, subject, text

Security = Literal["starttls", "tls", "none"]


class MailForm(DestinationForm):
    """A list of mail recipients; the server stands in the settings."""

    kind: Literal["mail"]
    deadline_s: ClassVar[float] = DEADLINE_S
    recipients: tuple[str, ...] = Field(min_length=1)

    def open(self, settings: ProcessSettings) -> "Mail":
        """Return the list of people, reached through the hospital's mail server."""
        if settings.smtp_host is None or not settings.smtp_sender:
            needed = "IVIGILANT_SMTP_HOST and IVIGILANT_SMTP_SENDER are needed"
            raise OddDestination(f"{needed} for the mail destination {self.name}")
        password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
        server = MailServer(
            settings.smtp_host, settings.smtp_port, settings.smtp_security, user=settings.smtp_user, password=password
        )
        return Mail(self.name, server, settings.smtp_sender, self.recipients)


@dataclass(frozen=True, slots=True)
class MailServer:
    """How to reach the hospital's mail server. `starttls` and `tls` both require a valid certificate."""

    host: str
    port: int
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = DEADLINE_S
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reject a password over an unencrypted connection."""
        if self.user and self.security == "none":
            raise OddDestination(f"mail server {self.host}: signing in needs security starttls or tls")


@dataclass(frozen=True, slots=True)
class Mail:
    """One list of mail recipients."""

    name: str
    server: MailServer
    sender: str
    recipients: tuple[str, ...]
    word_files: Path = WORDS

    def __post_init__(self) -> None:
        """Reject invalid addresses."""
        if not self.recipients:
            raise OddDestination(f"mail {self.name}: no recipients")
        for address in (self.sender, *self.recipients):
            if "@" not in parseaddr(address)[1]:
                raise OddDestination(f"mail {self.name}: {address!r} is not a mail address")

    def forward(self, notice: AnyNotice) -> None:
        """Send one mail to everybody on the list."""
        message = self._write(notice)
        with _explained():
            passed_over = within(self.server.timeout_s, self._send(message))
        _judge_passed_over(passed_over)

    async def _send(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Send it in a thread, and cut its line when there is no more time; return who was passed over."""
        line, thread = MailLine(), ThreadPoolExecutor(1)
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, _send, self.server, line, message)
        finally:
            line.cut()
            thread.shutdown(wait=False)

    def _write(self, notice: AnyNotice) -> EmailMessage:
        """Return the same mail for the same notice; mails about one alert form one thread."""
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Subject"] = subject(notice, self.word_files)
        message["Date"] = format_datetime(notice.occurred_at)
        message["Message-ID"] = message_id(notice.idempotency_key, domain)
        message["References"] = message_id(notice.thread, domain)
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = notice.language
        if notice.is_urgent:
            message["Importance"] = "high"
        message.set_content(text(notice, self.word_files))
        return message


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID by which a mail sent twice is recognised as one."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


class MailLine:
    """The line to the server, which another thread can cut."""

    def __init__(self) -> None:
        """Begin without one."""
        self._socket: socket.socket | None = None
        self._is_cut = False

    def check(self, current: socket.socket | None) -> None:
        """Go on with this line, or raise TimeoutError when it was cut."""
        self._socket = current
        if self._is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """Let whoever waits for the line wait no longer."""
        self._is_cut = True
        if self._socket is not None:
            with suppress(OSError):  # it was closed
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Connection(smtplib.SMTP):
    """A connection that goes on only while its line is not cut."""

    def __init__(self, line: MailLine, *args: Any, **options: Any) -> None:
        self._line = line
        super().__init__(*args, **options)

    def getreply(self) -> tuple[int, bytes]:
        self._line.check(self.sock)
        return super().getreply()


class _TlsConnection(_Connection, smtplib.SMTP_SSL):
    """One that is encrypted from its first byte."""


def _send(server: MailServer, line: MailLine, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
    with _connected(server, line) as connection:
        passed_over = connection.send_message(message)
        with suppress(OSError):  # the server has the mail: its goodbye changes nothing, and is not waited for
            connection.putcmd("quit")
        return passed_over


@contextmanager
def _connected(server: MailServer, line: MailLine) -> Iterator[smtplib.SMTP]:
    where = (line, server.host, server.port)
    connection = (
        _TlsConnection(*where, timeout=server.timeout_s, context=server.tls)
        if server.security == "tls"
        else _Connection(*where, timeout=server.timeout_s)
    )
    try:
        if server.security == "starttls":
            connection.starttls(context=server.tls)
        if server.user:
            connection.login(server.user, server.password)
        yield connection
    finally:
        connection.close()


@contextmanager
def _explained() -> Iterator[None]:
    """Translate every failure into try again or never. Server texts are left out: they may quote addresses."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _by_code(min(code for code, _ in error.recipients.values()), "every recipient") from error
    except smtplib.SMTPResponseException as error:
        raise _by_code(error.smtp_code, type(error).__name__) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused("the server does not offer STARTTLS or a login, which the settings require") from error
    except UnicodeError as error:  # smtplib logs in with ASCII only
        raise Refused("user, password and addresses must be plain ASCII") from error
    except OSError as error:  # also SMTPServerDisconnected and certificates
        raise Unreachable(f"no connection: {type(error).__name__}") from error


def _judge_passed_over(recipients: dict[str, tuple[int, bytes]]) -> None:
    """Raise Unreachable if the server deferred some recipients; the Message-ID makes the repeat one mail."""
    waiting = [code for code, _ in recipients.values() if code < 500]
    if waiting:
        raise _by_code(min(waiting), f"{len(waiting)} of the recipients")


def _by_code(code: int, what: str) -> ForwardingError:
    kind = Refused if 500 <= code < 600 else Unreachable
    return kind(f"SMTP {code}: {what}")
