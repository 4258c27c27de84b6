"""Notices sent as mail: tier and ward in the subject, a link in the text, in the language of the site."""

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal

from pydantic import Field

from forwarding.contract import DestinationForm, ProcessSettings
from forwarding.errors import ForwardingError, OddDestination, Refused, Unreachable
from forwarding.notice import Notice
from forwarding.wording import WORDS, subject, text

Security = Literal["starttls", "tls", "none"]


class MailForm(DestinationForm):
    """A list of mail recipients; the server stands in the settings."""

    kind: Literal["mail"]
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
    timeout_s: float = 10.0
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

    def forward(self, notice: Notice) -> None:
        """Send one mail to everybody on the list."""
        message = self._write(notice)
        with _explained(), _connected(self.server) as connection:
            passed_over = connection.send_message(message)
        _judge_passed_over(passed_over)

    def _write(self, notice: Notice) -> EmailMessage:
        """Return the same mail for the same notice; mails about one alert form one thread."""
        domain = parseaddr(self.sender)[1].rpartition("@")[2]
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Subject"] = subject(notice, self.word_files)
        message["Date"] = format_datetime(notice.occurred_at)
        message["Message-ID"] = message_id(notice.idempotency_key, domain)
        message["References"] = message_id(f"alert:{notice.alert}", domain)
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = notice.language
        if notice.priority == "urgent":
            message["Importance"] = "high"
        message.set_content(text(notice, self.word_files))
        return message


def message_id(key: str, domain: str) -> str:
    """Return the Message-ID by which a mail sent twice is recognised as one."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


@contextmanager
def _connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    if server.security == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=server.timeout_s, context=server.tls
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.security == "starttls":
            connection.starttls(context=server.tls)
        if server.user:
            connection.login(server.user, server.password)
        yield connection
        with suppress(OSError):  # the server has the mail by now: a connection lost while closing is not a failure
            connection.quit()
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
    except OSError as error:  # also SMTPServerDisconnected, timeouts and certificates
        raise Unreachable(f"no connection: {type(error).__name__}") from error


def _judge_passed_over(recipients: dict[str, tuple[int, bytes]]) -> None:
    """Raise Unreachable if the server deferred some recipients; the Message-ID makes the repeat one mail."""
    waiting = [code for code, _ in recipients.values() if code < 500]
    if waiting:
        raise _by_code(min(waiting), f"{len(waiting)} of the recipients")


def _by_code(code: int, what: str) -> ForwardingError:
    kind = Refused if 500 <= code < 600 else Unreachable
    return kind(f"SMTP {code}: {what}")
