"""MLLP frames, sockets, TLS, acknowledgement: bytes on a socket become a committed message, and only then an ACK."""
