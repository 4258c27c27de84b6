"""A real mail server and a real web server on loopback, which remember what they were sent."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from forwarding.mail import Mail, MailServer, Security
from forwarding.webhook import Webhook
from tests.forwarding.contract import SECRET, Received

SENDER = "ivigilant@ziekenhuis.example"
PHARMACY = "apotheek@ziekenhuis.example"
MAIL_ANSWERS = {"accepted": "250 OK", "busy": "451 try later", "refused": "550 no such user"}
WEB_ANSWERS = {"accepted": 202, "busy": 503, "refused": 422}


class MailReceiver:
    """A mail server in a thread of its own."""

    def __init__(self, security: Security = "none", certificate: Path | None = None) -> None:
        self.received: list[Received] = []
        self.security = security
        self.certificate = certificate
        self.refused_recipients: dict[str, str] = {}
        self.authenticated: list[str] = []
        self.answer = MAIL_ANSWERS["accepted"]
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(60)
        self.port: int = self.server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        options: dict[str, Any] = {"hostname": "mail.ziekenhuis.example", "loop": self.loop}
        tls = None
        if self.certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.certificate)
        if self.security == "starttls":
            options |= {"tls_context": tls, "require_starttls": True}
        if self.security != "none":
            options |= {"authenticator": self._sign_in, "auth_require_tls": self.security == "starttls"}
        wrapped = tls if self.security == "tls" else None
        return await self.loop.create_server(lambda: SMTP(self, **options), "127.0.0.1", 0, ssl=wrapped)

    def _sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = data.password == SECRET.encode()
        if good:
            self.authenticated.append(data.login.decode())
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(  # noqa: N802  # the mail server calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take or refuse one recipient."""
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # the mail server calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take or refuse one mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        if self.answer.startswith("250"):
            message = message_from_bytes(content)
            body = message.get_payload(decode=True)
            assert isinstance(body, bytes)
            headers = "\n".join(f"{name}: {value}" for name, value in message.items())
            self.received.append(Received(key=message["Message-ID"], text=f"{headers}\n\n{body.decode()}"))
        return self.answer

    def destination(self, recipients: tuple[str, ...] = (PHARMACY,), password: str = "") -> Mail:
        """Return a forwarder that mails here."""
        return Mail("apotheek-mail", self.mail_server(password), SENDER, recipients)

    def mail_server(self, password: str = "") -> MailServer:
        """Return the way to this server, trusting its certificate."""
        tls = ssl.create_default_context(cafile=str(self.certificate) if self.certificate else None)
        user = "ivigilant" if password else ""
        return MailServer("127.0.0.1", self.port, self.security, user, password, timeout_s=60, tls=tls)

    def answers(self, kind: str) -> None:
        """Answer from now on as told."""
        self.answer = MAIL_ANSWERS[kind]

    def hangs_up(self) -> None:
        """Listen no more."""
        self.loop.call_soon_threadsafe(self.server.close)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), self.loop).result(60)

    def close(self) -> None:
        """End the thread."""
        self.hangs_up()
        asyncio.run_coroutine_threadsafe(self._leave(), self.loop).result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
        self.loop.close()

    async def _leave(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class WebReceiver:
    """A web server in a thread of its own."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.status = WEB_ANSWERS["accepted"]
        self.location = ""
        self.silent = threading.Event()
        self.endless = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the web server calls it by this name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.takes({name.lower(): value for name, value in self.headers.items()}, body)
                if receiver.silent.is_set():
                    self.close_connection = True
                    return
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(10**12 if receiver.endless.is_set() else 0))
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the parent's
                """Say nothing."""

        return Handler

    def takes(self, headers: dict[str, str], body: bytes) -> None:
        """Remember one request."""
        self.headers.append(headers)
        self.bodies.append(body)
        lines = "\n".join(f"{name}: {value}" for name, value in headers.items())
        self.received.append(Received(key=headers["idempotency-key"], text=f"{lines}\n\n{body.decode()}"))

    def destination(self) -> Webhook:
        """Return a forwarder that posts here."""
        moment = datetime.datetime(2025, 3, 10, 9, 0, tzinfo=datetime.UTC)
        return Webhook("on-call", f"http://127.0.0.1:{self.port}/hook", SECRET, timeout_s=60, clock=lambda: moment)

    def answers(self, kind: str) -> None:
        """Answer from now on as told."""
        self.status = WEB_ANSWERS[kind]

    def hangs_up(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()

    def close(self) -> None:
        """End the thread."""
        self.hangs_up()
        self.thread.join(60)


class DrippingReceiver:
    """A server whose answer begins well and then comes in drips, each soon after the one before; after 500 it ends."""

    def __init__(self, begins: bytes, drip: bytes) -> None:
        self.begins, self.drip = begins, drip
        self.closing = threading.Event()
        self.was_left = threading.Event()  # the sender ended the connection, not this server
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            link, _ = self.server.accept()
            with link:
                self._drip(link)

    def _drip(self, link: socket.socket) -> None:
        try:
            link.sendall(self.begins)
            for _ in range(500):
                if self.closing.wait(0.01):
                    return
                link.sendall(self.drip)
        except OSError:
            self.was_left.set()

    def close(self) -> None:
        """End the thread."""
        self.closing.set()
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(60)


class Closable(Protocol):
    """A receiver that ends."""

    def close(self) -> None:
        """End it."""


R = TypeVar("R", bound=Closable)


@contextmanager
def open_receiver(receiver: R) -> Iterator[R]:
    """Close the receiver afterwards."""
    try:
        yield receiver
    finally:
        receiver.close()


def write_certificate(path: Path, now: datetime.datetime) -> Path:
    """Write a key and a certificate for 127.0.0.1 that only this test trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
