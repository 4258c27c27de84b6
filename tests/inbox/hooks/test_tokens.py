"""A client of CDS Hooks proves who it is, with a key that the site file names."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Litestar
from litestar.testing import TestClient

from inbox.errors import TokenRefused
from inbox.hooks.tokens import (
    LARGEST_SET,
    Client,
    Issuer,
    KeySet,
    fetch_keys,
    read_keys,
    verify_token,
)
from tests.inbox.hooks.clients import (
    ADDRESS,
    ISS,
    HookClient,
    an_issuer,
    another,
    elliptic,
    key_set,
    long_primes,
)

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)
HERE = f"{ADDRESS}/cds-services"
CLIENT = HookClient(TestClient(Litestar(logging_config=None)), NOW)


def verified(token: str, issuer: Issuer | None = None, now: datetime = NOW) -> Client:
    return verify_token(token, [issuer or an_issuer()], [HERE], now)


def why(token: str, issuer: Issuer | None = None, now: datetime = NOW) -> str:
    with pytest.raises(TokenRefused) as refused:
        verified(token, issuer, now)
    return str(refused.value)


def test_a_token_says_who_asks_and_for_whom() -> None:
    client = verified(CLIENT.claiming(sub="Practitioner/7", jti="n1").token())

    assert (client.name, client.issuer, client.token_id, client.user) == ("EPD", ISS, "n1", "Practitioner/7")


def test_an_rsa_key_signs_as_well() -> None:
    claims = jwt.decode(CLIENT.token(), options={"verify_signature": False})
    token = jwt.encode(claims, long_primes(), algorithm="RS384", headers={"kid": "r1"})

    assert verified(token, an_issuer(r1=long_primes())).name == "EPD"


def test_an_audience_among_others_counts() -> None:
    assert verified(CLIENT.claiming(aud=["https://elsewhere.example", HERE]).token()).name == "EPD"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example/"}, "the issuer is not in the site file"),
        ({"iss": None}, "the issuer is not in the site file"),
        ({"aud": "https://ivigilant.example/cds-services/other"}, "the audience is not this address"),
        ({"aud": None}, "aud is missing"),
        ({"exp": None}, "exp is missing"),
        ({"iat": None}, "iat is missing"),
        ({"jti": None}, "jti is missing"),
        ({"jti": ""}, "jti is not a text of at most 200 characters"),
        ({"jti": 7}, "it cannot be read"),
        ({"jti": "n" * 201}, "jti is not a text of at most 200 characters"),
        ({"exp": int((NOW - timedelta(seconds=60)).timestamp())}, "it has expired"),
        ({"iat": int((NOW + timedelta(seconds=61)).timestamp())}, "it is of the future"),
        ({"nbf": int((NOW + timedelta(seconds=61)).timestamp())}, "it is of the future"),
        ({"exp": int((NOW + timedelta(minutes=61)).timestamp())}, "it is valid for more than an hour"),
        ({"exp": "soon"}, "exp is not a number"),
        ({"exp": 1e300}, "exp is not a time"),
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused(claims: dict[str, Any], reason: str) -> None:
    assert why(CLIENT.claiming(**claims).token()) == reason


def signed_by_another(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, another(), algorithm="ES384", headers={"kid": "k1"})


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"})


def with_the_public_key_as_a_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, key_set(k1=elliptic()) * 2, algorithm="HS384", headers={"kid": "k1"})


def of_an_unknown_key(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, elliptic(), algorithm="ES384", headers={"kid": "k2"})


@pytest.mark.parametrize(
    ("sign", "reason"),
    [
        (signed_by_another, "the signature is not of this issuer"),
        (unsigned, "the key or the algorithm is not one of this issuer"),
        (with_the_public_key_as_a_secret, "the key or the algorithm is not one of this issuer"),
        (of_an_unknown_key, "the key or the algorithm is not one of this issuer"),
        (lambda _: "not a token", "it cannot be read"),
    ],
)
def test_a_token_that_the_issuer_did_not_sign_is_refused(sign: Callable[[dict[str, Any]], str], reason: str) -> None:
    claims = jwt.decode(CLIENT.token(), options={"verify_signature": False})

    assert why(sign(claims)) == reason


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)])
def test_a_weak_key_opens_nothing(key: Any) -> None:
    claims = jwt.decode(CLIENT.token(), options={"verify_signature": False})
    algorithm = "RS384" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "k1"})

    assert why(token, an_issuer(k1=key)) == "the key or the algorithm is not one of this issuer"


def test_a_key_may_be_a_pem_file_without_ids(tmp_path: Path) -> None:
    file = tmp_path / "epd.pem"
    file.write_bytes(elliptic().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    assert verified(CLIENT.token(), Issuer("EPD", ISS, KeySet(file))).name == "EPD"


@pytest.mark.parametrize("raw", [b"{}", b"[]", b"nothing", b"-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----"])
def test_what_holds_no_keys_is_not_read(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_keys(raw)


class Server:
    """Hands out key sets, one after the other, and counts how often it was asked."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers, self.asked = list(answers), 0

    def __call__(self, _address: str) -> bytes:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_new_key_is_fetched_when_it_is_first_used_and_not_for_every_wrong_one() -> None:
    server = Server(key_set(old=another()), key_set(k1=elliptic()))
    issuer = Issuer("EPD", ISS, KeySet("https://epd.example/jwks", server))
    token = CLIENT.token()

    assert why(token, issuer) == "the key or the algorithm is not one of this issuer"
    assert why(token, issuer, NOW + timedelta(seconds=59)) == "the key or the algorithm is not one of this issuer"
    assert server.asked == 1
    assert verified(token, issuer, NOW + timedelta(seconds=60)).name == "EPD"
    assert server.asked == 2


def test_the_keys_of_before_hold_while_the_server_is_away() -> None:
    server = Server(key_set(k1=elliptic()), httpx.ConnectError("away"))
    issuer = Issuer("EPD", ISS, KeySet("https://epd.example/jwks", server))
    verified(CLIENT.token(), issuer)
    later = NOW + timedelta(minutes=10)

    assert verified(replace(CLIENT, now=later).token(), issuer, later).name == "EPD"
    assert server.asked == 2


def test_keys_that_cannot_be_read_anew_do_not_hold_for_ever() -> None:
    server = Server(key_set(k1=elliptic()), httpx.ConnectError("away"))
    issuer = Issuer("EPD", ISS, KeySet("https://epd.example/jwks", server))
    verified(CLIENT.token(), issuer)

    def asked_after(time: timedelta) -> str:
        return replace(CLIENT, now=NOW + time).token()

    hours = timedelta(hours=4)
    last = hours - timedelta(seconds=1)
    assert verified(asked_after(last), issuer, NOW + last).name == "EPD"
    assert why(asked_after(hours), issuer, NOW + hours) == "the key or the algorithm is not one of this issuer"


def test_who_has_a_known_key_does_not_wait_while_somebody_else_fetches() -> None:
    later = NOW + timedelta(minutes=10)
    fetched, meanwhile = list[int](), list[Any]()

    def fetch(_address: str) -> bytes:
        fetched.append(1)
        if len(fetched) == 2:
            meanwhile.append(pool.submit(keys.find, "k1", later).result(20))
        return key_set(k1=elliptic())

    with ThreadPoolExecutor(1) as pool:
        keys = KeySet("https://epd.example/jwks", fetch)
        first = keys.find("k1", NOW)
        keys.find("k1", later)

    assert meanwhile == [first]


class EndlessServer(BaseHTTPRequestHandler):
    """Answers a key set that does not end: a long one at once, or any other a byte at a time."""

    leaves: Event

    def do_GET(self) -> None:
        """Answer until the client goes away, or the test is over."""
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            if self.path == "/long":
                self.wfile.write(b" " * (LARGEST_SET + 1))
                self.leaves.wait()
            while not self.leaves.wait(0.01):
                self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        """Keep still."""


@pytest.fixture
def endless() -> Iterator[str]:
    leaves = Event()
    handler = type("Handler", (EndlessServer,), {"leaves": leaves})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    leaves.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_of_a_key_set_that_is_too_large_no_more_is_read(endless: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        fetch_keys(f"{endless}/long", within_s=60)


def test_a_key_set_that_comes_too_slowly_is_given_up(endless: str) -> None:
    with pytest.raises(TimeoutError):
        fetch_keys(f"{endless}/slow", within_s=0.2)
