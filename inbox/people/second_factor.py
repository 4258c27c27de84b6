"""Codes of an authenticator beside a password (RFC 6238), and the recovery codes for anybody who has lost it.

Each code counts once. The secret lies in the database sealed, a recovery code as its hash.
"""

import base64
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime
from hashlib import sha256
from typing import Final

import segno
import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from markupsafe import Markup

from inbox.errors import AccountRefused
from inbox.people.accounts import end_sessions
from inbox.people.sealed import seal, unseal
from store.tables import recovery_code, user

STEP_S: Final = 30
DIGITS: Final = 6
AROUND: Final = 1  # steps that a clock may be wrong
RECOVERY_CODES: Final = 10
PURPOSE: Final = "second factor"
CODE: Final = "code"
RECOVERY_CODE: Final = "recovery code"


def new_secret() -> str:
    """Return a secret of 160 bits, as an authenticator takes it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def picture_of(secret: str, name: str, site: str) -> Markup:
    """Return the QR code that an authenticator reads, as SVG without script or style."""
    address = _codes_of(secret).get_provisioning_uri(name, site)
    return Markup(segno.make(address, error="m").svg_inline(scale=5, dark="#000", light="#fff"))  # noqa: S704  # made here


def enrol(connection: sa.Connection, user_id: int, key: str, secret: str, code: str, now: datetime) -> list[str] | None:
    """Ask for codes from now on, once one was right; return the recovery codes, this once.

    None: the code was wrong, or another page was quicker. Every session of the account ends: one may have been stolen
    while the password alone opened it. `key` is the secret of the inbox, which seals that of the authenticator.
    """
    step = _step_of(secret, code, now)
    if step is None:
        return None
    sealed = seal(key, PURPOSE, secret)
    is_first = (user.c.id == user_id) & user.c.totp_secret.is_(None)
    if connection.execute(sa.update(user).where(is_first).values(totp_secret=sealed, totp_step=step)).rowcount == 0:
        return None
    end_sessions(connection, user_id)
    connection.execute(sa.delete(recovery_code).where(recovery_code.c.user_id == user_id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    rows = [{"user_id": user_id, "code_hash": _hash(code)} for code in codes]
    connection.execute(sa.insert(recovery_code), rows)
    return codes


def is_enrolled(connection: sa.Connection, user_id: int) -> bool:
    """Return whether an account is asked for codes."""
    return connection.scalar(sa.select(user.c.totp_secret).where(user.c.id == user_id)) is not None


def enrolled_users(connection: sa.Connection) -> Collection[int]:
    """Return the ids of all that are."""
    return set(connection.scalars(sa.select(user.c.id).where(user.c.totp_secret.is_not(None))))


def use_code(connection: sa.Connection, user_id: int, key: str, code: str, now: datetime) -> str | None:
    """Use up a code, and return which kind it was: CODE or RECOVERY_CODE. None: it was wrong, or used before."""
    typed = "".join(code.split())
    sealed = connection.scalar(sa.select(user.c.totp_secret).where(user.c.id == user_id))
    secret = unseal(key, PURPOSE, sealed) if sealed is not None else None
    step = _step_of(secret, typed, now) if secret is not None else None
    if step is not None:
        unused = (user.c.id == user_id) & (user.c.totp_step < step)
        is_used = connection.execute(sa.update(user).where(unused).values(totp_step=step)).rowcount == 1
        return CODE if is_used else None
    left = recovery_code.c
    used = sa.delete(recovery_code).where(left.user_id == user_id, left.code_hash == _hash(typed))
    return RECOVERY_CODE if connection.execute(used).rowcount == 1 else None


def reset(connection: sa.Connection, name: str) -> None:
    """Stop asking an account for codes, because its authenticator was lost; its sessions end."""
    found = connection.execute(
        sa.select(user.c.id, user.c.totp_secret).where(user.c.name == name.strip())
    ).one_or_none()
    if found is None:
        raise AccountRefused(f"nobody signs in as {name}; who does: ivigilant user list")
    if found.totp_secret is None:
        raise AccountRefused(f"{name} has no second factor")
    connection.execute(sa.update(user).where(user.c.id == found.id).values(totp_secret=None, totp_step=None))
    connection.execute(sa.delete(recovery_code).where(recovery_code.c.user_id == found.id))
    end_sessions(connection, found.id)


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step whose code this is, of those around now; the newest first."""
    typed = "".join(code.split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    codes, current = _codes_of(secret), int(now.timestamp()) // STEP_S
    steps = range(current + AROUND, current - AROUND - 1, -1)
    return next((each for each in steps if hmac.compare_digest(codes.generate(each * STEP_S), typed.encode())), None)


def _codes_of(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_S)  # noqa: S303  # the one that authenticators know


def _recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _hash(code: str) -> bytes:
    return sha256(code.replace("-", "").lower().encode()).digest()
