"""The identity provider of the hospital: what it says of itself, its keys, and a code changed for claims.

Whatever is asked of it is asked within a deadline, without following redirects, and not read beyond a size.
"""

import asyncio
import json
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from inbox.errors import TokenRefused
from inbox.people.provider_tokens import PublicKey, RelyingParty, UnknownKey, read_key_set, verify_id_token
from inbox.people.safe_addresses import is_safe

LARGEST: Final = 500_000  # bytes of an answer
READ_AGAIN: Final = timedelta(minutes=10)  # what it says of itself, and its keys
NOT_AGAIN_WITHIN: Final = timedelta(
    seconds=10
)  # for a key that the last answer did not have, if anybody may ask for it
AWAY_FOR: Final = timedelta(seconds=5)  # after it did not answer: meanwhile nobody else waits for it
KEPT_WITHOUT: Final = timedelta(hours=4)  # how long old keys count when they cannot be read again: one may be withdrawn
NOT_CHECKED_FOR: Final = timedelta(minutes=1)  # after it did not answer: nobody at work is sent there
LONGEST_HINT: Final = 3000  # characters of an ID token in an address
# Errors that are about the person: the provider would have to ask (OpenID Connect Core 1.0, 3.1.2.6), or it says no
# (RFC 6749, 4.1.2.1). Any other error is about the request, the client or the provider, and says nothing of the person.
ABOUT_THE_PERSON: Final = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required", "access_denied"}
)

T = TypeVar("T")

log = structlog.get_logger()


class ProviderAway(Exception):
    """The provider does not answer as it should; the message says what could not be read, and names nobody."""


class NotVouchedFor(Exception):
    """The provider answers, and does not vouch for the person; the message is its error: sign nobody in."""


class CodeRefused(TokenRefused):
    """The provider does not take the code: it was used before, is too old, or is not of this sign-in; begin again."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the site file says of the provider, and the secret that we share with it."""

    name: str  # on the button
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles: tuple[tuple[str, str], ...]  # group there, role here; the first that somebody is in counts
    groups_claim: str = "groups"  # a name, or a path with dots
    name_claim: str = "name"
    scopes: tuple[str, ...] = ("openid", "profile")
    certificates: Path | None = None  # PEM: an authority of the hospital itself
    proxy: str | None = None
    within_s: float = 5.0  # for each whole answer
    session: timedelta = timedelta(hours=1)  # how long a role counts; it is checked again when half of that is left
    max_age: timedelta | None = None  # since the user authenticated there
    prompt: str = ""  # what the provider asks of everybody who signs in: login, consent or select_account


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider says of itself."""

    authorization: str
    token: str
    keys: str
    end_session: str  # empty: it has none
    posts_secret: bool
    names_itself: bool  # in its answer to the browser (RFC 9207)


@dataclass(frozen=True, slots=True)
class Challenge:
    """Three numbers that cannot be guessed, by which a sign-in is recognised when the browser comes back."""

    state: str
    nonce: str
    verifier: str


def new_challenge() -> Challenge:
    """Return a new one."""
    return Challenge(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))


class Provider:
    """One provider, with what was last read from it."""

    def __init__(self, settings: ProviderSettings) -> None:
        """Read nothing yet."""
        self.settings = settings
        self.party = RelyingParty(settings.issuer, settings.client_id, settings.max_age)
        self.unanswered_at: datetime | None = None
        self._metadata: Metadata | None = None
        self._metadata_at: datetime | None = None
        self._away_at: datetime | None = None
        self._asking = asyncio.Lock()
        self._keys: list[PublicKey] = []
        self._keys_at: datetime | None = None
        self._tried_at: datetime | None = None

    async def metadata(self, now: datetime) -> Metadata:
        """Return what it says of itself, read a short while ago; or raise ProviderAway.

        One request asks at a time, and the others have its answer: a name that cannot be looked up keeps a thread
        busy beyond the deadline, and every page needs one of those.
        """
        async with self._asking:
            if self._metadata is None or self._metadata_at is None or now - self._metadata_at >= READ_AGAIN:
                await self._renew_metadata(now)
            if self._metadata is None:
                raise ProviderAway(f"{_well_known(self.settings.issuer)}: it did not answer a moment ago")
            return self._metadata

    def is_missed(self, now: datetime) -> bool:
        """Return whether it did not answer a moment ago."""
        return self.unanswered_at is not None and now - self.unanswered_at < NOT_CHECKED_FOR

    def miss(self, now: datetime) -> None:
        """Send nobody who is at work there for a while: it did not answer as it should."""
        self.unanswered_at = now

    async def answers(self, now: datetime) -> bool:
        """Return whether it answers at this moment."""
        try:
            await self._document(_well_known(self.settings.issuer))
        except ProviderAway:
            self.miss(now)
            return False
        return True

    async def authorization_url(
        self, challenge: Challenge, redirect_uri: str, now: datetime, *, silent: bool = False
    ) -> str:
        """Return where a browser signs in; silently: where the provider answers without asking anything."""
        metadata = await self.metadata(now)
        max_age = self.settings.max_age
        return str(
            prepare_grant_uri(
                metadata.authorization,
                self.settings.client_id,
                "code",
                redirect_uri,
                " ".join(self.settings.scopes),
                challenge.state,
                nonce=challenge.nonce,
                code_challenge=create_s256_code_challenge(challenge.verifier),
                code_challenge_method="S256",
                prompt="none" if silent else self.settings.prompt,
                max_age=str(int(max_age.total_seconds())) if max_age is not None else "",
            )
        )

    async def exchange(
        self, code: str, challenge: Challenge, redirect_uri: str, now: datetime
    ) -> tuple[dict[str, Any], str]:
        """Change a code for the claims about who signed in, and the ID token.

        Raises TokenRefused where the answer cannot be believed, CodeRefused where the provider does not take the code,
        NotVouchedFor where it says no to the person, and ProviderAway for any other answer.
        """
        answer = await self._tokens(code, challenge, redirect_uri, await self.metadata(now))
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access, str):
            raise TokenRefused("no id_token")
        claims = await self.believe(
            lambda keys: verify_id_token(token, keys, self.party, challenge.nonce, access, now), now
        )
        return claims, token

    async def believe(
        self, verify: Callable[[Sequence[PublicKey]], T], now: datetime, *, from_anybody: bool = False
    ) -> T:
        """Verify with the keys at hand, and when a token names another once more with those of now."""
        fresh = await self._read_keys_when_due(now)
        try:
            return verify(self._keys)
        except UnknownKey:
            if fresh or (from_anybody and self._tried_at is not None and now - self._tried_at < NOT_AGAIN_WITHIN):
                raise
        await self._read_keys(now)
        return verify(self._keys)

    async def count_keys(self, now: datetime) -> int:
        """Return how many keys it has to verify with, or raise ProviderAway."""
        await self._read_keys(now)
        return len(self._keys)

    async def sign_out_url(self, id_token: str, back: str, now: datetime) -> str:
        """Return where a browser signs out of the provider; empty where that cannot be."""
        try:
            end = (await self.metadata(now)).end_session
        except ProviderAway:
            return ""
        if not end:
            return ""
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        if 0 < len(id_token) <= LONGEST_HINT:
            query["id_token_hint"] = id_token
        return f"{end}{'&' if urlsplit(end).query else '?'}{urlencode(query)}"

    async def _renew_metadata(self, now: datetime) -> None:
        """Read it, but not right after that failed; what was read before is kept."""
        if self._metadata is None and self._away_at is not None and now - self._away_at < AWAY_FOR:
            return
        try:
            self._metadata = _read_metadata(await self._document(_well_known(self.settings.issuer)), self.settings)
        except ProviderAway:
            self._away_at = now + timedelta(seconds=self.settings.within_s)
            if self._metadata is None:
                raise
        self._metadata_at = now

    async def _read_keys_when_due(self, now: datetime) -> bool:
        """Return whether the keys were read just now; the earlier ones count for a while when that fails."""
        if self._keys_at is not None and self._tried_at is not None and now - self._tried_at < READ_AGAIN:
            return False
        try:
            await self._read_keys(now)
        except ProviderAway:
            if self._keys_at is None or now - self._keys_at >= KEPT_WITHOUT:
                raise
        return True

    async def _read_keys(self, now: datetime) -> None:
        self._tried_at = now
        document = await self._document((await self.metadata(now)).keys)
        try:
            self._keys = read_key_set(document)
        except ValueError as error:
            raise ProviderAway("jwks_uri: there is no list of keys") from error
        self._keys_at = now

    async def _tokens(
        self, code: str, challenge: Challenge, redirect_uri: str, metadata: Metadata
    ) -> Mapping[str, Any]:
        body = prepare_token_request(
            "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=challenge.verifier
        )
        if metadata.posts_secret:
            auth = ClientAuth(self.settings.client_id, self.settings.client_secret, "client_secret_post")
        else:  # RFC 6749, 2.3.1: each is encoded as in a form first
            named = (quote(self.settings.client_id, ""), quote(self.settings.client_secret, ""))
            auth = ClientAuth(*named, "client_secret_basic")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url, headers, body = auth.prepare("POST", metadata.token, headers, body)
        status, raw = await self._ask("POST", url, headers, body)
        if status != 200:
            raise _refusal(status, raw)
        return _object(raw, "token_endpoint")

    async def _document(self, url: str) -> Mapping[str, Any]:
        status, raw = await self._ask("GET", url, {"Accept": "application/json"})
        if status != 200:
            raise ProviderAway(f"{url}: HTTP {status}")
        return _object(raw, url)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str = "") -> tuple[int, bytes]:
        raw = b""
        try:
            async with (
                asyncio.timeout(self.settings.within_s),
                httpx.AsyncClient(
                    verify=await asyncio.to_thread(_tls, self.settings.certificates),
                    timeout=None,  # noqa: S113  # the line above
                    proxy=self.settings.proxy,
                    trust_env=False,
                ) as client,
                client.stream(method, url, headers=headers, content=body.encode()) as answer,
            ):
                async for chunk in answer.aiter_bytes():
                    raw += chunk
                    if len(raw) > LARGEST:
                        raise ProviderAway(f"{url}: the answer is too large")
                return answer.status_code, raw
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            log.warning("provider.away", place=url, error=type(error).__name__)
            raise ProviderAway(f"{url}: {type(error).__name__}") from error


def _well_known(issuer: str) -> str:
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _read_metadata(document: Mapping[str, Any], settings: ProviderSettings) -> Metadata:
    if document.get("issuer") != settings.issuer:
        raise ProviderAway(f"{_well_known(settings.issuer)}: it is of another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not is_safe(document.get(name)):
            raise ProviderAway(f"{_well_known(settings.issuer)}: {name} is not an https address")
    end = document.get("end_session_endpoint")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        document["authorization_endpoint"],
        document["token_endpoint"],
        document["jwks_uri"],
        str(end) if is_safe(end) else "",
        isinstance(methods, list) and "client_secret_post" in methods,
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _refusal(status: int, raw: bytes) -> Exception:
    """Return what an answer without tokens means, by its error (RFC 6749, 5.2)."""
    try:
        error = _object(raw, "token_endpoint").get("error") if 400 <= status < 500 else None
    except ProviderAway:
        error = None
    if isinstance(error, str) and error in ABOUT_THE_PERSON:
        return NotVouchedFor(error)
    if error == "invalid_grant":
        return CodeRefused("code")
    named = f" {error[:40]}" if isinstance(error, str) else ""
    return ProviderAway(f"token_endpoint: HTTP {status}{named}")


def _object(raw: bytes, place: str) -> Mapping[str, Any]:
    try:
        answer = json.loads(raw)
    except ValueError as error:
        raise ProviderAway(f"{place}: the answer is not JSON") from error
    if not isinstance(answer, dict):
        raise ProviderAway(f"{place}: the answer is not a JSON object")
    return answer


def _tls(certificates: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if certificates is not None:
        context.load_verify_locations(certificates)
    return context
