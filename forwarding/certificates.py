"""Our own certificate and its key, loaded without ever asking a terminal for a passphrase."""

import os
import ssl
from pathlib import Path

_WORDS = {  # of OpenSSL: in our own words
    "KEY_VALUES_MISMATCH": "the key is that of another certificate",
    "NO_START_LINE": "there is no certificate, or no key, in PEM",
    "PEM_LIB": "there is no certificate, or no key, in PEM",
}


class UnusableChain(OSError):
    """A certificate and its key that cannot be used; the text says why, and holds nothing of them."""


def load_chain(context: ssl.SSLContext, certificate: Path, key: Path | None = None) -> None:
    """Load a certificate chain and its key, which is in the same file unless it is named; or raise UnusableChain."""
    try:
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except UnusableChain:
        raise
    except ssl.SSLError as error:
        reason = (error.reason or "").upper().replace(" ", "_")
        raise UnusableChain(_WORDS.get(reason, reason or _WORDS["NO_START_LINE"])) from None
    except OSError as error:
        raise UnusableChain(_unreadable(certificate, key, error)) from None


def _refuse_passphrase() -> str:
    raise UnusableChain("the key has a passphrase, which nobody types at a start; store it without one, for us alone")


def _unreadable(certificate: Path, key: Path | None, error: OSError) -> str:
    """Name the file that cannot be read, which OpenSSL does not."""
    for path in (certificate, key):
        if path is not None and not os.access(path, os.R_OK):
            return f"{path} cannot be read ({os.strerror(error.errno or 0)})"
    return os.strerror(error.errno or 0)
