"""JSON web tokens of CDS clients: who asks, proved by a key that the site file names."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.types import Options

from inbox.errors import TokenRefused

ALGORITHMS = ("ES384", "RS384")  # which the standard recommends
LONGEST = timedelta(hours=1)  # from issue to expiry: so long its number is remembered
LEEWAY = timedelta(seconds=60)  # clocks differ
FETCHED_AGAIN = timedelta(minutes=10)
NOT_AGAIN_WITHIN = timedelta(minutes=1)  # for a key that the last answer did not have
KEPT_WITHOUT = timedelta(hours=4)  # keys that cannot be read anew: one that was withdrawn meanwhile is not known
FETCH_S = 3.0  # for the whole answer
SMALLEST_RSA = 2048
LARGEST_SET = 200_000  # bytes

log = structlog.get_logger()

# The times are compared with our own clock.
_CHECKED: Options = {
    "require": ["iss", "aud", "exp", "iat", "jti"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}

PublicKey = EllipticCurvePublicKey | RSAPublicKey
Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: a program of the site file, with the token that proved it."""

    name: str
    issuer: str
    token_id: str
    expires_at: datetime
    user: str = ""  # of whom the token speaks, beside the program


def fetch_keys(url: str, within_s: float = FETCH_S) -> bytes:
    """Fetch a key set; redirects are not followed, they may lead anywhere."""
    return asyncio.run(_fetch(url, within_s))


async def _fetch(url: str, within_s: float) -> bytes:
    raw = b""
    async with (
        asyncio.timeout(within_s),
        httpx.AsyncClient(timeout=None, follow_redirects=False) as client,  # noqa: S113  # the line above
        client.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            raw += chunk
            if len(raw) > LARGEST_SET:
                raise ValueError("the key set is too large")
    return raw


@dataclass
class KeySet:
    """The public keys of one issuer, of a file or an address, read again when they may have changed."""

    place: Path | str
    fetch: Fetch = fetch_keys
    _keys: dict[str, PublicKey] = field(default_factory=dict)
    _keys_at: datetime | None = None  # when they were read
    _tried_at: datetime | None = None  # when that was last attempted
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def find(self, key_id: str, now: datetime) -> PublicKey | None:
        """Return the key of this id; of a file without ids its only key.

        While somebody fetches the keys, only those whose key is not at hand wait.
        """
        key = self._held(key_id, now)
        if self._is_due(key, now) and self._reading.acquire(blocking=key is None):
            try:
                if self._is_due(self._held(key_id, now), now):
                    self._read(now)
            finally:
                self._reading.release()
            key = self._held(key_id, now)
        return key

    def count(self, now: datetime) -> int:
        """Return how many keys there are to verify with."""
        with self._reading:
            self._read(now)
            return len(self._keys)

    def _held(self, key_id: str, now: datetime) -> PublicKey | None:
        if self._keys_at is None or now - self._keys_at >= KEPT_WITHOUT:
            return None
        return self._keys.get(key_id) or self._keys.get("")

    def _is_due(self, key: PublicKey | None, now: datetime) -> bool:
        return self._tried_at is None or now - self._tried_at >= (NOT_AGAIN_WITHIN if key is None else FETCHED_AGAIN)

    def _read(self, now: datetime) -> None:
        """Read the keys; the earlier ones count for a while when that fails."""
        try:
            raw = self.place.read_bytes() if isinstance(self.place, Path) else self.fetch(self.place)
            self._keys = read_keys(raw)
            self._keys_at = now
        except (OSError, httpx.HTTPError, ValueError) as error:
            log.warning("hooks.keys_unreadable", place=str(self.place), error=type(error).__name__)
        finally:
            self._tried_at = now


def read_keys(raw: bytes) -> dict[str, PublicKey]:
    """Read a JWK Set, or one public key in PEM, whose id is then empty; raise ValueError for neither."""
    if raw.lstrip().startswith(b"-----BEGIN"):
        try:
            key = load_pem_public_key(raw)
        except UnsupportedAlgorithm as error:
            raise ValueError("the key is of a kind that is not used") from error
        return {"": key} if isinstance(key, EllipticCurvePublicKey | RSAPublicKey) else {}
    document = json.loads(raw)
    given = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(given, list):
        raise ValueError("there is no list of keys")
    return {kid: key for each in given if isinstance(each, dict) for kid, key in _usable(each)}


def _usable(given: Mapping[str, Any]) -> list[tuple[str, PublicKey]]:
    """Return the key with its id, if it is one to verify our algorithms with."""
    kid = given.get("kid")
    try:
        key = jwt.PyJWK(dict(given), algorithm=ALGORITHMS[0] if given.get("kty") == "EC" else ALGORITHMS[1]).key
    except jwt.PyJWTError:
        return []
    usable = isinstance(kid, str) and kid and isinstance(key, EllipticCurvePublicKey | RSAPublicKey)
    return [(str(kid), key)] if usable else []


@dataclass(frozen=True)
class Issuer:
    """A CDS client of the site file: its name, what its tokens say of their issuer, and its keys."""

    name: str
    iss: str
    keys: KeySet


def verify_token(token: str, issuers: Sequence[Issuer], audiences: Sequence[str], now: datetime) -> Client:
    """Return who made a token, or raise TokenRefused. That it is used once is for whoever may write."""
    try:
        header = jwt.get_unverified_header(token)
        claimed = jwt.decode(token, options={"verify_signature": False})
        issuer = next((each for each in issuers if each.iss == claimed.get("iss")), None)
        if issuer is None:
            raise TokenRefused("the issuer is not in the site file")
        algorithm, key = header.get("alg"), issuer.keys.find(str(header.get("kid", "")), now)
        if key is None or algorithm not in ALGORITHMS or not _fits(key, algorithm):
            raise TokenRefused("the key or the algorithm is not one of this issuer")
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=list(audiences),
            issuer=issuer.iss,
            options=_CHECKED,
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(_reason(error)) from None
    return Client(issuer.name, issuer.iss, _token_id(claims), _valid_until(claims, now), _user(claims))


def _fits(key: PublicKey, algorithm: str) -> bool:
    if isinstance(key, RSAPublicKey):
        return algorithm == "RS384" and key.key_size >= SMALLEST_RSA
    return algorithm == "ES384" and isinstance(key.curve, SECP384R1)


def _reason(error: jwt.PyJWTError) -> str:
    if isinstance(error, jwt.InvalidAudienceError):
        return "the audience is not this address"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"{error.claim} is missing"
    if isinstance(error, jwt.InvalidSignatureError):
        return "the signature is not of this issuer"
    return "it cannot be read"


def _token_id(claims: Mapping[str, Any]) -> str:
    value = claims["jti"]
    if not isinstance(value, str) or not value or len(value) > 200:
        raise TokenRefused("jti is not a text of at most 200 characters")
    return value


def _user(claims: Mapping[str, Any]) -> str:
    value = claims.get("sub")
    return value[:200] if isinstance(value, str) else ""


def _valid_until(claims: Mapping[str, Any], now: datetime) -> datetime:
    """Return when it expires, or raise TokenRefused for a token that is not valid now."""
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    begins = _moment(claims, "nbf") if "nbf" in claims else issued
    if expires + LEEWAY <= now:
        raise TokenRefused("it has expired")
    if max(issued, begins) > now + LEEWAY:
        raise TokenRefused("it is of the future")
    if expires - issued > LONGEST:
        raise TokenRefused("it is valid for more than an hour")
    return expires + LEEWAY


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"{name} is not a number")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise TokenRefused(f"{name} is not a time") from None
