"""A receiver of every kind of destination, on loopback or in a folder, as one site file names them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, get_args

from forwarding.contract import DestinationForm
from forwarding.kinds import AnyDestination
from tests.forwarding.apprise_receiver import AppriseReceiver
from tests.forwarding.contract import SECRET, Received
from tests.forwarding.fhir_server import FhirStore
from tests.forwarding.hl7_engine import Hl7Engine
from tests.forwarding.receivers import PHARMACY, MailReceiver, WebReceiver

FORMS: tuple[type[DestinationForm], ...] = get_args(get_args(AnyDestination)[0])
KINDS: tuple[str, ...] = tuple(get_args(form.model_fields["kind"].annotation)[0] for form in FORMS)


class SiteReceiver(Protocol):
    """The other side of a destination, for as long as it is open."""

    @property
    def received(self) -> Sequence[Received]:
        """What arrived."""

    def close(self) -> None:
        """Listen no more."""


class Folder:
    """A folder in which nobody collects."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    @property
    def received(self) -> list[Received]:
        """What stands there, names included."""
        return [Received(file.name, f"{file.name}\n{file.read_text()}") for file in sorted(self.path.glob("*.json"))]

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def receivers_of_every_kind(folder: Path) -> Iterator[tuple[list[SiteReceiver], list[dict[str, Any]]]]:
    """Open them, and give the section `destinations` that names them; the secrets stand in this folder."""
    (folder / "secret").write_text(SECRET)
    secret = str(folder / "secret")
    mail, web, notices = MailReceiver(), WebReceiver(), Folder(folder / "notices")
    result, document, resources = Hl7Engine("ORU^R01"), Hl7Engine("MDM^T02"), FhirStore()
    chat = AppriseReceiver(folder)
    opened: list[tuple[SiteReceiver, dict[str, Any]]] = [
        (mail, {"kind": "mail", "recipients": [PHARMACY]}),
        (web, {"kind": "webhook", "url": f"http://127.0.0.1:{web.port}/", "secret_file": secret}),
        (notices, {"kind": "file_drop", "folder": str(notices.path)}),
        (result, result.section()),
        (document, document.section()),
        (resources, {"kind": "fhir", "url": resources.url, "token_file": secret}),
        (chat, {"kind": "apprise", "url_file": str(chat.url_file)}),
    ]
    with ExitStack() as stack:
        for receiver, _ in opened:
            stack.callback(receiver.close)
        lacking = sorted(set(KINDS) - {section["kind"] for _, section in opened})
        assert not lacking, f"add a receiver of {', '.join(lacking)} to `opened` in tests/forwarding/every_kind.py"
        sections = [{"name": f"{section['kind']}-{at}"} | section for at, (_, section) in enumerate(opened)]
        yield [receiver for receiver, _ in opened], sections
