"""An integration engine that takes HL7 v2 over MLLP on loopback, and answers what it is told to."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from forwarding.hl7 import Hl7Receiver, MessageKind
from listener.framing import Frame, Framer
from tests.forwarding.contract import Received

ANSWERS = {"accepted": "AA", "busy": "AE", "refused": "CR"}


class Hl7Engine:
    """An MLLP receiver in a thread of its own, which can judge what arrived by the structure that MSH-9 names."""

    def __init__(self, message: MessageKind = "ORU^R01", certificate: Path | None = None) -> None:
        self.received: list[Received] = []
        self.message: MessageKind = message
        self.certificate = certificate
        self.code = ANSWERS["accepted"]
        self.is_silent = False  # reads, and answers nothing
        self.before = b""  # sent before the answer
        self.answer: bytes | None = None  # sent instead of an acknowledgement; empty: the link is closed without one
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        tls = None
        if self.certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.certificate)
            tls.load_verify_locations(self.certificate)
            tls.verify_mode = ssl.CERT_REQUIRED
        while True:
            try:
                link, _ = self.server.accept()
            except OSError:
                return
            with link, suppress(OSError):
                link.settimeout(60)  # no test is about it
                self._serve(tls.wrap_socket(link, server_side=True) if tls else link)

    def _serve(self, link: socket.socket) -> None:
        framer = Framer()
        with link:
            while data := link.recv(65536):
                for part in framer.feed(data, 0.0):
                    if isinstance(part, Frame):
                        answer = self._take(part.payload)
                        if self.is_silent:
                            continue
                        if not answer:
                            return
                        link.sendall(self.before + b"\x0b" + answer + b"\x1c\r")

    def _take(self, payload: bytes) -> bytes:
        message = payload.decode()
        control_id = message.split("|")[9]
        self.received.append(Received(control_id, message))
        if self.answer is not None:
            return self.answer
        return f"MSH|^~\\&|ENGINE||||20250310||ACK|1|P|2.5.1\rMSA|{self.code}|{control_id}\r".encode()

    def judge(self) -> None:
        """Raise what is wrong with the structure of a message that arrived."""
        for each in self.received:
            parse_message(each.text, validation_level=VALIDATION_LEVEL.STRICT).validate()

    def destination(self) -> Hl7Receiver:
        """Return a forwarder that sends here."""
        return Hl7Receiver("engine", "127.0.0.1", self.port, self.message, timeout_s=30)

    def section(self) -> dict[str, Any]:
        """Return it as the site file names it."""
        return {"kind": "hl7", "host": "127.0.0.1", "port": self.port, "message": self.message, "security": "none"}

    def answers(self, kind: str) -> None:
        """Answer from now on as told."""
        self.code = ANSWERS[kind]

    def hangs_up(self) -> None:
        """Listen no more."""
        with suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def close(self) -> None:
        """End the thread."""
        self.hangs_up()
        self.thread.join(5)
