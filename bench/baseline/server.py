"""The baseline's listener: hl7apy's own server, which closes the link after every message."""

import sys
from typing import Any

from hl7apy.mllp import AbstractHandler, MLLPServer

from bench.baseline.application import keep


class Accept(AbstractHandler):  # type: ignore[misc]  # hl7apy has no types
    """Put the message on the queue, and say yes before anybody has kept it."""

    def reply(self) -> str:
        """Return the acknowledgement."""
        control_id = self.incoming_message.split("|", 10)[9]
        keep.delay(self.incoming_message)
        return f"\x0bMSH|^~\\&|B|B|A|A|20260101||ACK|1|P|2.5\rMSA|AA|{control_id}\r\x1c\r"


class EveryType(dict[str, Any]):
    """The same handler whatever MSH-9 says."""

    def __getitem__(self, _name: str) -> tuple[type[Accept]]:
        return (Accept,)


if __name__ == "__main__":
    MLLPServer.request_queue_size = 128
    MLLPServer.daemon_threads = True
    MLLPServer("127.0.0.1", int(sys.argv[1]), EveryType()).serve_forever()
