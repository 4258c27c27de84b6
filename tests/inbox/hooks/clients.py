"""A prescriber's system in a test: it signs tokens, and asks as the standard says. Nobody here exists."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import count
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from litestar import Litestar
from litestar.testing import TestClient

from inbox.app import make_parts
from inbox.hooks.tokens import Issuer, KeySet
from inbox.http.settings import HookSettings, InboxSettings
from inbox.live.events import LiveEvents
from tests.inbox.sites import an_app
from tests.journeys.hospital import Hospital
from worker.drafts import judge_drafts

Json = dict[str, Any]
ADDRESS = "https://ivigilant.example"
ISS = "https://epd.example/"
FEED = "EPD"
_numbers = count(1)


@cache
def elliptic() -> EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


@cache
def another() -> EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


@cache
def long_primes() -> RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def key_set(**keys: EllipticCurvePrivateKey | RSAPrivateKey) -> bytes:
    """The public halves of these keys, by their ids, as a JWK Set."""
    made = []
    for kid, key in keys.items():
        if isinstance(key, RSAPrivateKey):
            told = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        else:
            told = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        made.append({**told, "kid": kid, "use": "sig"})
    return json.dumps({"keys": made}).encode()


def an_issuer(**keys: EllipticCurvePrivateKey | RSAPrivateKey) -> Issuer:
    """The client EPD, whose keys are fetched; those given, or one."""
    return Issuer("EPD", ISS, KeySet("https://epd.example/jwks", lambda _: key_set(**(keys or {"k1": elliptic()}))))


def hook_settings(*issuers: Issuer) -> HookSettings:
    return HookSettings(FEED, issuers or (an_issuer(),), ADDRESS)


@dataclass(frozen=True)
class HookClient:
    """A system that asks, at a moment of its own clock."""

    http: TestClient[Litestar]
    now: datetime
    claims: Json = field(default_factory=dict)  # instead of the usual ones; None leaves one out

    def token(self, path: str = "", **header: Any) -> str:
        """Sign a token for an address."""
        claims: Json = {
            "iss": ISS,
            "aud": f"{ADDRESS}/cds-services{path}",
            "iat": int(self.now.timestamp()),
            "exp": int((self.now + timedelta(minutes=5)).timestamp()),
            "jti": f"token-{next(_numbers)}",
        }
        told = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return jwt.encode(told, elliptic(), algorithm="ES384", headers={"kid": "k1"} | header)

    def claiming(self, **claims: Any) -> "HookClient":
        """The same, with other claims."""
        return replace(self, claims=self.claims | claims)

    def discovers(self) -> httpx.Response:
        return self.http.get("/cds-services", headers={"Authorization": f"Bearer {self.token()}"})

    def asks(self, service: str, body: Any, *, token: str = "", language: str = "en") -> httpx.Response:
        """Call a service."""
        headers = {
            "Authorization": f"Bearer {token or self.token(f'/{service}')}",
            "Accept-Language": language,
            "Content-Type": "application/json",
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(f"/cds-services/{service}", content=content, headers=headers)


def a_request(hook: str = "order-sign", *drafts: Json, prefetch: Json | None = None, **context: Any) -> Json:
    """A request as the public sandbox sends it: of patient p1, by a practitioner."""
    entries = [{"resource": each} for each in drafts]
    orders: Json = {} if hook == "patient-view" else {"draftOrders": {"resourceType": "Bundle", "entry": entries}}
    selections = [f"{each['resourceType']}/{each['id']}" for each in drafts if "id" in each]
    chosen: Json = {"selections": selections} if hook == "order-select" else {}
    told: Json = {"userId": "Practitioner/COREPRACTITIONER1", "patientId": "p1", "encounterId": "e1"}
    return {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "https://epd.example/fhir",
        "context": told | orders | chosen | context,
        "prefetch": prefetch or {},
    }


@contextmanager
def hooked(hospital: Hospital, settings: HookSettings | None = None) -> Iterator[HookClient]:
    """Let a prescriber's system ask about the patients of this hospital."""
    inbox = InboxSettings(
        secret="s" * 32, zone=hospital.site.zone, secure_cookies=False, hooks=settings or hook_settings()
    )
    parts = make_parts(
        engine=hospital.engine,
        knowledge=hospital.knowledge,
        settings=inbox,
        clock=hospital.clock,
        events=LiveEvents(hospital.engine, None),
        judge_drafts=partial(judge_drafts, hospital.worker),
    )
    with an_app(parts) as app, TestClient(app=app) as http:
        yield HookClient(http, hospital.clock())


def searchset(*resources: Json) -> Json:
    """What a search finds."""
    entries = [
        {"fullUrl": f"https://epd.example/fhir/{index}", "resource": each} for index, each in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), "entry": entries}
