"""Who is at the other end of a link."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


def keep_alive(connection: Any) -> None:
    """Notice a sender that is gone, and keep firewalls from forgetting one that is only quiet."""
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def names_in(certificate: dict[str, Any] | None) -> tuple[str, ...]:
    """The common name and the alternative names of a client certificate."""
    if not certificate:
        return ()
    common = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    alternative = [value for _, value in certificate.get("subjectAltName", ())]
    return tuple(dict.fromkeys(common + alternative))


def may_connect(address: str, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether a sender at this address is let in; with nothing said, everybody is."""
    return not allowed or any(ip_address(address) in network for network in allowed)
