"""The contract of a destination: a form in the site file, and an object that sends notices."""

from pathlib import Path
from typing import ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clinical.words import AlertTier
from forwarding.errors import ForwardingError, OddDestination, Unreachable
from forwarding.notice import AnyNotice


class Destination(Protocol):
    """A place to which notices are sent, under its name in the site file."""

    @property
    def name(self) -> str:
        """The name in the delivery rows."""

    def forward(self, notice: AnyNotice) -> None:
        """Send the notice, or raise Unreachable or Refused. It does not retry."""


def hand_over(destination: Destination, notice: AnyNotice) -> None:
    """Send the notice, or raise Unreachable or Refused; a fault of the destination's own is no answer either."""
    try:
        destination.forward(notice)
    except ForwardingError:
        raise
    except Exception as error:
        raise Unreachable(type(error).__name__) from error


class ProcessSettings(Protocol):
    """The process settings that a destination may need; settings of its own stand in its form."""

    @property
    def smtp_host(self) -> str | None: ...
    @property
    def smtp_port(self) -> int: ...
    @property
    def smtp_security(self) -> Literal["starttls", "tls", "none"]: ...
    @property
    def smtp_user(self) -> str: ...
    @property
    def smtp_password(self) -> SecretStr | None: ...
    @property
    def smtp_sender(self) -> str: ...


class DestinationForm(BaseModel):
    """One destination as the site file describes it. Each kind adds `kind` and what it needs to be opened."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")  # used in headers and keys
    min_tier: AlertTier = "moderate"  # notices below it are not sent here
    deadline_s: ClassVar[float] = 0.0  # for all steps of sending; 0: none is set

    def open(self, settings: ProcessSettings) -> Destination:
        """Return the destination, ready to send, or raise OddDestination."""
        raise NotImplementedError


def secret_in(form: DestinationForm, setting: str) -> str:
    """Read a secret from the file that this setting of the form names, or raise OddDestination."""
    file: Path = getattr(form, setting)
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OddDestination(f"{form.name}: {setting} {file} cannot be read ({type(error).__name__})") from None
