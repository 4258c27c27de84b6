"""Texts that leave this process and come back, or lie in the database, and that nobody else may read or make."""

import base64
from hashlib import sha256
from hmac import new as hmac
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

ID_TOKEN: Final = "ID token"  # noqa: S105  # a purpose


def seal(secret: str, purpose: str, text: str) -> str:
    """Encrypt a text with the secret of the inbox, for one purpose."""
    return _fernet(secret, purpose).encrypt(text.encode()).decode()


def unseal(secret: str, purpose: str, sealed: str) -> str | None:
    """Return the text; None of what we did not seal for this purpose."""
    try:
        return _fernet(secret, purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        return None


def _fernet(secret: str, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hmac(secret.encode(), f"seal {purpose}".encode(), sha256).digest()))
