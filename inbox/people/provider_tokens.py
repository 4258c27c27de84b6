"""What an identity provider signs, and what must hold before it is believed.

The rules are those of OpenID Connect Core 1.0 and Back-Channel Logout 1.0. Tokens are read with joserfc
and their claims checked with Authlib; both refuse by an error, which becomes TokenRefused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import extract_compact

from inbox.errors import TokenRefused

ALGORITHMS: Final = frozenset({f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)})
LEEWAY: Final = timedelta(seconds=60)  # clocks differ
OLDEST: Final = timedelta(minutes=10)  # a token that was issued longer ago belongs to another sign-in or sign-out
LONGEST: Final = timedelta(hours=1)  # a logout token may expire no later: its number is remembered until then
SMALLEST_RSA: Final = 2048  # bits
LONGEST_TEXT: Final = 255  # characters of sub, sid and jti
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

PublicKey = RSAKey | ECKey


class UnknownKey(TokenRefused):
    """Signed with a key that is not at hand; the provider may have a new one."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whose tokens are accepted, and for whom they must be issued."""

    issuer: str
    client_id: str
    max_age: timedelta | None = None  # since the user authenticated at the issuer


@dataclass(frozen=True, slots=True)
class Logout:
    """A provider says that a session is over, or every session of somebody."""

    subject: str  # empty: whoever has the session
    session: str  # empty: all of the subject
    token_id: str
    expires_at: datetime


def read_key_set(document: object) -> list[PublicKey]:
    """Return the keys of a JWK Set that signatures may be verified with, or raise ValueError when it is not one."""
    given = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(given, list):
        raise ValueError("there is no list of keys")
    return [key for each in given if isinstance(each, dict) and (key := _usable(each)) is not None]


def _usable(given: dict[str, Any]) -> PublicKey | None:
    if given.get("use", "sig") != "sig" or given.get("kty") not in ("RSA", "EC"):
        return None
    try:
        key = jwk.import_key(given)
        size = key.public_key.key_size if isinstance(key, RSAKey | ECKey) else 0
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAKey):
        return key if size >= SMALLEST_RSA else None
    return key if isinstance(key, ECKey) else None


def verify_id_token(
    token: str, keys: Sequence[PublicKey], party: RelyingParty, nonce: str, access_token: str, now: datetime
) -> dict[str, Any]:
    """Return the claims of an ID token that was made for this sign-in, or raise TokenRefused."""
    verified = _verify(token, keys)
    options = {
        "iss": {"essential": True, "value": party.issuer},
        "aud": {"essential": True, "value": party.client_id},
    }
    params = {"nonce": nonce, "client_id": party.client_id, "access_token": access_token}
    claims = CodeIDToken(verified.claims, verified.header, options, params)
    try:
        claims.validate(now=int(now.timestamp()), leeway=int(LEEWAY.total_seconds()))
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused(_reason(error)) from None
    sent = claims["nonce"]
    if not nonce or not isinstance(sent, str) or not compare_digest(sent.encode(), nonce.encode()):
        raise TokenRefused("nonce")
    _check_audience(claims, party.client_id)
    _check_age(claims, now)
    if party.max_age is not None and now - _moment(claims, "auth_time") > party.max_age + LEEWAY:
        raise TokenRefused("auth_time")
    _text(claims, "sub")
    return dict(claims)


def verify_logout_token(token: str, keys: Sequence[PublicKey], party: RelyingParty, now: datetime) -> Logout:
    """Return which session is over, or raise TokenRefused. The caller must see to it that a token is used once."""
    verified = _verify(token, keys)
    claims = verified.claims
    if str(verified.header.get("typ", "")).lower() not in ("", "jwt", "logout+jwt", "application/logout+jwt"):
        raise TokenRefused("typ")
    if claims.get("iss") != party.issuer:
        raise TokenRefused("iss")
    _check_audience(claims, party.client_id)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise TokenRefused("events")
    if "nonce" in claims:  # an ID token is not a logout token
        raise TokenRefused("nonce")
    _check_age(claims, now)
    expires = _moment(claims, "exp") if "exp" in claims else _moment(claims, "iat") + OLDEST
    if expires + LEEWAY <= now:
        raise TokenRefused("exp")
    if expires > now + LONGEST:
        raise TokenRefused("exp")
    subject, session = (_text(claims, name) if name in claims else "" for name in ("sub", "sid"))
    if not subject and not session:
        raise TokenRefused("sub and sid")
    return Logout(subject, session, _text(claims, "jti"), expires + LEEWAY)


def session_in(claims: Mapping[str, Any]) -> str | None:
    """Return the provider's own id of the session, if it sends one."""
    number = claims.get("sid")
    return number if isinstance(number, str) and 0 < len(number) <= LONGEST_TEXT else None


def _verify(token: str, keys: Sequence[PublicKey]) -> jwt.Token:
    """Return a token with its claims once its signature is that of one of these keys."""
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, UnicodeError):
        raise TokenRefused("it cannot be read") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("alg")
    fitting = [key for key in keys if _fits(key, algorithm) and key_id in (None, key.kid)]
    if len(fitting) != 1:  # a token that names no key is accepted only where exactly one key fits
        raise UnknownKey("kid")
    try:
        return jwt.decode(token, fitting[0], algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        raise TokenRefused("signature") from None


def _fits(key: PublicKey, algorithm: str) -> bool:
    wanted = "EC" if algorithm.startswith("ES") else "RSA"
    return key.key_type == wanted and key.get("alg") in (None, algorithm)


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    """Refuse a token for others, and one for several clients that was not issued to us."""
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        raise TokenRefused("aud")
    party = claims.get("azp")
    if (len(audiences) > 1 and party is None) or party not in (None, client_id):
        raise TokenRefused("azp")


def _check_age(claims: Mapping[str, Any], now: datetime) -> None:
    issued = _moment(claims, "iat")
    if issued > now + LEEWAY or issued < now - OLDEST - LEEWAY:
        raise TokenRefused("iat")


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(name)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise TokenRefused(name) from None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise TokenRefused(name)
    return value


def _reason(error: Exception) -> str:
    """Return the claim that is at fault."""
    return str(getattr(error, "claim", "")) or type(error).__name__
