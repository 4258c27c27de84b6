"""Ports for processes that bind them later, and find them free."""

import random
import socket

# The system gives none of these to a link or to a server that asks for any port, so nobody takes one in between.
PORTS = range(20_000, 32_000)
_reserved: list[socket.socket] = []  # until this process ends; with the same number in UDP, so that TCP stays free


def free_port() -> int:
    """Return a port that is free, and that no other test gets."""
    for port in random.sample(PORTS, len(PORTS)):
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reserved.append(reservation)
        return port
    raise RuntimeError(f"no port of {PORTS} is free")
