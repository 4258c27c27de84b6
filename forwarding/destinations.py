"""What every destination can do."""

from typing import Protocol

from forwarding.notice import Notice


class Destination(Protocol):
    """A place a notice is sent to, under the name the site file gives it."""

    @property
    def name(self) -> str:
        """The name that delivery rows carry."""

    def forward(self, notice: Notice) -> None:
        """Return when the notice was taken; raise Unreachable or Refused when not. It does not retry by itself."""
