"""Whether a listener serves who connects: a real link, on which nothing is sent."""

import socket
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """An address that a listener should be serving at."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def unanswered(place: Place, within_s: float) -> str | None:
    """Return why nobody serves there; None when somebody does.

    The kernel accepts links for a listener that hangs or has no descriptors left. So the link is closed on our side,
    and the listener must close it on its own: that it does at once, with TLS too, and nothing is kept or answered.
    """
    try:
        with socket.create_connection((place.host, place.port), timeout=within_s) as link:
            with suppress(OSError):  # it may have closed already
                link.shutdown(socket.SHUT_WR)
            link.settimeout(within_s)
            while link.recv(4096):
                pass
    except ConnectionResetError:
        return None  # as it does to anybody who may not connect
    except TimeoutError:
        return "does not answer"
    except OSError as error:
        return (error.strerror or type(error).__name__).lower()
    return None
