"""A web server on loopback that gets what Apprise sends to a `json://` address."""

import json
from pathlib import Path

from forwarding.apprise import AppriseForm, AppriseService
from ivigilant.settings import Settings
from tests.forwarding.contract import SECRET, Received
from tests.forwarding.receivers import WebReceiver


class AppriseReceiver(WebReceiver):
    """The server, and the file that holds its address."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.url_file = folder / "apprise"
        self.url_file.write_text(f"json://127.0.0.1:{self.port}/{SECRET}")

    def takes(self, headers: dict[str, str], body: bytes) -> None:
        """Remember one message, by its last line."""
        content = json.loads(body)
        self.bodies.append(body)
        self.received.append(Received(content["message"].splitlines()[-1], "\n".join(map(str, content.values()))))

    def destination(self) -> AppriseService:  # type: ignore[override]  # the receiver of another kind
        """Return a forwarder that sends here."""
        return AppriseForm(kind="apprise", name="chat", url_file=self.url_file).open(Settings())
