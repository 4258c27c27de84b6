"""The configuration of one listener: its ports and its limits."""

import ssl
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address

from listener.errors import OddConfig
from listener.framing import FrameLimits
from listener.tls import ServerTls


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Port:
    """One address to listen on, and how its senders frame their messages."""

    host: str = "127.0.0.1"
    port: int = 2575  # 0: any free port
    tls: ServerTls | ssl.SSLContext | None = None  # ServerTls reloads renewed certificates by itself
    plaintext: bool = False  # confirms that it is meant to be without TLS on more than the loopback
    allowed: tuple[IPv4Network | IPv6Network, ...] = ()  # who may connect; empty: everybody
    limits: FrameLimits = field(default_factory=FrameLimits)
    mllp_v2: bool = False  # answer every saved frame with a commit block first, as in MLLP release 2
    reuse_port: bool = False  # another listener may share the port during an upgrade

    def __post_init__(self) -> None:
        if self.tls is None and not self.plaintext and not is_loopback(self.host):
            raise OddConfig(
                f"{self.host}:{self.port} would carry patients in clear text: configure TLS, or set plaintext"
            )


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """Every limit of one listener."""

    ports: tuple[Port, ...] = (Port(),)
    queued_frames: int = 64  # unanswered frames per link; beyond it the link is not read
    queued_bytes: int = 32 * 1024 * 1024
    large_at_once: int = 8  # bytes; links that hold more may wait for one another
    large_bytes: int = 1024 * 1024
    batch_frames: int = 256  # frames in one commit
    batch_bytes: int = 32 * 1024 * 1024
    answer_within_s: float = 4.0  # a frame that waits longer costs its link: the sender sends again
    links: int = 1000  # of all senders; beyond it the lowest-ranked is closed; lower where file descriptors are scarce
    links_per_source: int = 100  # per address; beyond it the lowest-ranked of that address is closed
    handshake_s: float = 10.0  # a TLS handshake that takes longer is abandoned
    first_byte_s: float = 300.0  # a link that never sent anything is closed after this long
    linked_after_s: float = 60.0  # a link that was open for less says nothing of its feed: a monitor may have knocked
    idle_s: float | None = None  # a sender that has sent something expects its link to stay open for ever
    stop_within_s: float = 10.0
    tick_s: float = 0.25
    renew_every_s: float = 30.0  # how often to look for renewed certificates
    unpublished: int = 20_000  # ids held while the queue is away; the sweep finds the rest
    ids_per_task: int = 200
    history_every_s: float = 0.01  # between two history tasks: messages gather in the meantime
