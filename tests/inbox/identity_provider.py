"""An identity provider on a real port: it signs people in, changes codes for tokens, rotates keys and signs people out.

It is strict where a real one is (client, redirect address, PKCE, codes that count once), and lies when a test says so.
"""

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from inbox.people.provider import ProviderSettings
from inbox.people.provider_tokens import LOGOUT_EVENT

CLIENT, SECRET = "ivigilant", "a secret: of two/parties"
GROUPS = (("IVIg-leads", "lead"), ("Pharmacy", "pharmacist"), ("IT", "operator"))
PEOPLE: dict[str, dict[str, Any]] = {
    "eva": {"name": "Eva de Wit", "groups": ["Everybody", "Pharmacy"]},
    "leo": {"name": "Leo Bos", "groups": ["Pharmacy", "IVIg-leads"]},
    "guest": {"name": "Gast Gast", "groups": ["Everybody"]},
}
KEYS = [RSAKey.generate_key(2048, {"kid": f"key-{number}", "use": "sig", "alg": "RS256"}) for number in range(2)]


@dataclass
class IdentityProvider:
    """One provider, and what was asked of it."""

    clock: Callable[[], datetime]
    address: str = ""
    redirects: set[str] = field(default_factory=set)
    people: dict[str, dict[str, Any]] = field(default_factory=lambda: {name: dict(of) for name, of in PEOPLE.items()})
    key: RSAKey = field(default_factory=lambda: KEYS[0])
    asked: list[str] = field(default_factory=list)  # the paths, in turn
    says: dict[str, Any] = field(default_factory=dict)  # of itself, in place of the truth
    claims: dict[str, Any] = field(default_factory=dict)  # of an ID token, in place of the truth; None: left out
    sign: Callable[[dict[str, Any]], str] | None = None  # in place of its key
    hangs: threading.Event | None = None  # it answers nothing before this is set
    broken: set[str] = field(default_factory=set)  # the paths that answer with HTTP 503
    no_tokens: tuple[int, dict[str, Any]] | None = None  # what it answers to every code
    sessions: dict[str, str] = field(default_factory=dict)  # number → person
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def settings(self, **changed: Any) -> ProviderSettings:
        """Return what the site file would say of it."""
        given = {"name": "Hospital", "issuer": self.address, "client_id": CLIENT, "client_secret": SECRET}
        return ProviderSettings(**(given | {"roles": GROUPS} | changed))

    def approve(self, url: str, person: str) -> str:
        """Sign somebody in whose browser was sent here; return where it is sent next."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] in self.redirects
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert "openid" in asked["scope"].split()
        code, number = secrets.token_urlsafe(16), secrets.token_urlsafe(8)
        self.sessions[number] = person
        self._codes[code] = asked | {"person": person, "sid": number}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.address})}"

    def deny(self, url: str, error: str = "access_denied") -> str:
        """Sign nobody in."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return f"{asked['redirect_uri']}?{urlencode({'error': error, 'state': asked['state'], 'iss': self.address})}"

    def rotate(self) -> None:
        """Sign with another key from now on, and forget the one of before."""
        self.key = next(key for key in KEYS if key.kid != self.key.kid)

    def logout_token(self, person: str | None, **changed: Any) -> str:
        """Return the token by which a session of somebody is over."""
        now = int(self.clock().timestamp())
        given: dict[str, Any] = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 120}
        given |= {"jti": secrets.token_urlsafe(8), "events": {LOGOUT_EVENT: {}}}
        given |= {"sub": person} if person else {}
        return self.signed({name: value for name, value in (given | changed).items() if value is not None})

    def signed(self, claims: dict[str, Any]) -> str:
        """Return a token with these claims."""
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode({"alg": "RS256", "kid": str(self.key.kid)}, claims, self.key)

    def signs_out(self, person: str, inbox: str, **changed: Any) -> int:
        """Tell the inbox that a person's sessions are over, as the provider does; return the status."""
        form = {"logout_token": self.logout_token(person, **changed)}
        return httpx.post(f"{inbox}/sign-out/provider", data=form, timeout=60, trust_env=False).status_code

    def answer(self, method: str, path: str, form: dict[str, str], authorization: str) -> tuple[int, str, str]:
        """Return the status, the type (of a redirect: where) and the text."""
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if self.hangs is not None:
            self.hangs.wait(60)
        if parts.path in self.broken:
            return 503, "text/plain", "this part is away"
        match method, parts.path:
            case "GET", "/.well-known/openid-configuration":
                return 200, "application/json", json.dumps(self._about() | self.says)
            case "GET", "/jwks":
                return 200, "application/json", json.dumps({"keys": [self.key.as_dict(private=False)]})
            case "GET", "/authorize":
                return 200, "text/html", self._page()
            case "POST", "/authorize":
                return 302, self.approve(path, form["person"]), ""
            case "POST", "/token":
                status, told = self.no_tokens or self._token(form, authorization)
                return status, "application/json", json.dumps(told)
            case "GET", "/end-session":
                return self._end_session({name: of[0] for name, of in parse_qs(parts.query).items()})
        return 404, "text/plain", "there is nothing here"

    def _about(self) -> dict[str, Any]:
        paths = {"authorization": "authorize", "token": "token", "end_session": "end-session"}
        return {
            "issuer": self.address,
            "jwks_uri": f"{self.address}/jwks",
            "authorization_response_iss_parameter_supported": True,
            **{f"{name}_endpoint": f"{self.address}/{path}" for name, path in paths.items()},
        }

    def _page(self) -> str:
        buttons = "".join(f'<button name="person" value="{name}">{name}</button>' for name in self.people)
        return f"<!doctype html><title>Sign in at the hospital</title><form method=post>{buttons}</form>"

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        named = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(named[0]), unquote(named[2])) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        proof = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if not hmac.compare_digest(proof, asked["code_challenge"]):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self._id_token(asked, access)}

    def _id_token(self, asked: dict[str, str], access: str) -> str:
        now, person = int(self.clock().timestamp()), asked["person"]
        half = sha256(access.encode()).digest()[:16]
        given = {"iss": self.address, "sub": person, "aud": CLIENT, "iat": now, "exp": now + 300}
        given |= {"nonce": asked["nonce"], "sid": asked["sid"], **self.people[person]}
        given |= {"at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode()}
        return self.signed({name: value for name, value in (given | self.claims).items() if value is not None})

    def _end_session(self, asked: dict[str, str]) -> tuple[int, str, str]:
        if asked.get("post_logout_redirect_uri") not in self.redirects or "id_token_hint" not in asked:
            return 400, "text/plain", "this is not a place to go back to"
        told = jwt.decode(asked["id_token_hint"], self.key, algorithms=["RS256"]).claims
        self.sessions.pop(told["sid"], None)
        return 302, asked["post_logout_redirect_uri"], ""


@contextmanager
def a_provider(clock: Callable[[], datetime]) -> Iterator[IdentityProvider]:
    """Run a provider."""
    provider = IdentityProvider(clock)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer_with("GET", {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self.answer_with("POST", {name: values[0] for name, values in parse_qs(body).items()})

        def answer_with(self, method: str, form: dict[str, str]) -> None:
            status, kind, text = provider.answer(method, self.path, form, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Location" if status == 302 else "Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    provider.address = f"http://localhost:{server.server_port}"  # for a browser another site than 127.0.0.1
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        if provider.hangs is not None:
            provider.hangs.set()
        server.shutdown()
        thread.join(60)
        server.server_close()
