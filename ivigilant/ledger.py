"""The ledger's proof: what the database holds is counted, held against earlier counts, signed and stored."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ivigilant.errors import UnusableSettings
from store import ledger, migrate
from store.engine import reading, snapshot
from store.ledger import CountedMessages, Findings, LedgerFault, StoredStatement

EVERY = timedelta(days=1)
LOOK_EVERY = timedelta(minutes=5)
COUNTED_AGAIN = timedelta(days=31)  # the messages of older statements are counted again only when asked for
ENDS_WITHIN = timedelta(minutes=15)  # a message that waits longer has no end

log = structlog.get_logger()


class LedgerStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: what was counted and what was missing at one moment, and which statement came before."""

    at: datetime
    schema: str
    segment: CountedMessages
    ends: dict[str, int]
    acknowledged: dict[str, int]
    orders: int
    alerts: int
    deliveries: dict[str, int]
    faults: list[LedgerFault]
    previous: str  # SHA-256 of the statement before, hex
    key: str  # the public key, hex; empty: not signed
    erased: int = 0  # messages erased on request, in all; statements of earlier releases do not say


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key; without one statements are chained, and not signed."""

    key: Ed25519PrivateKey | None = None

    @property
    def public_key(self) -> str:
        """The public key as 64 hexadecimal digits, to verify with; empty without a key."""
        return "" if self.key is None else self.key.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> bytes:
        """Return the signature; empty without a key."""
        return b"" if self.key is None else self.key.sign(content)


def new_key() -> str:
    """Return a new private key as PEM."""
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, *form).decode()


def read_signer(path: Path | None) -> Signer:
    """Return the signer of this key file, or raise UnusableSettings."""
    if path is None:
        return Signer()
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise UnusableSettings(f"IVIGILANT_LEDGER_KEY: {path} cannot be read ({error.strerror})") from None
    except (ValueError, TypeError):
        raise UnusableSettings(f"IVIGILANT_LEDGER_KEY: {path} holds no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableSettings(f"IVIGILANT_LEDGER_KEY: {path} holds another kind of key than Ed25519")
    return Signer(key)


def verify(engine: sa.Engine, now: datetime, signer: Signer, *, since: datetime | None = None) -> LedgerStatement:
    """Look at the whole ledger, sign what was found, store it and return it.

    The messages of statements made since then are counted again; without `since`, of all.
    """
    with snapshot(engine) as connection:
        chain = list(ledger.statements(connection))
        again = [read_statement(each).segment for each in chain if since is None or each.at >= since]
        findings = ledger.examine(connection, now, ENDS_WITHIN, again)
    broken = broken_links(chain, signer.public_key)
    if broken:
        fault = LedgerFault("statements_changed", len(broken), broken[: ledger.NAMED])
        findings = replace(findings, faults=(fault, *findings.faults))
    return _store(engine, findings, signer, chain[-1] if chain else None)


def is_due(engine: sa.Engine, now: datetime) -> bool:
    """Return whether the last statement is a day old, or there is none."""
    with reading(engine) as connection:
        last = ledger.last_statement(connection)
    return last is None or now - last.at >= EVERY


@dataclass(slots=True)
class DailyLedger:
    """Verifies the ledger once a day beside the beat, which must not wait for it: a large one takes minutes."""

    engine: sa.Engine
    signer: Signer
    clock: Callable[[], datetime]
    _next_look: datetime | None = None
    _looking: threading.Thread | None = None

    def look(self) -> None:
        """Begin when it is due and nobody is at it; a database that is away is asked again later."""
        now = self.clock()
        if (self._next_look is not None and now < self._next_look) or (self._looking and self._looking.is_alive()):
            return
        self._next_look = now + LOOK_EVERY
        self._looking = threading.Thread(target=self._verify, args=(now,), name="ledger", daemon=True)
        self._looking.start()

    def wait(self) -> None:
        """Return when the verification in hand has ended."""
        if self._looking is not None:
            self._looking.join()

    def _verify(self, now: datetime) -> None:
        try:
            if is_due(self.engine, now):
                verify(self.engine, now, self.signer, since=now - COUNTED_AGAIN)
        except sa.exc.SQLAlchemyError as error:
            log.warning("ledger.not_verified", error=type(error).__name__)


def broken_links(chain: Sequence[StoredStatement], public_key: str = "") -> list[int]:
    """Return the statements that were changed, or whose predecessor was changed or removed.

    With a public key (hex), also those that carry this key and not its signature.
    """
    broken, previous = [], digest(None)
    for each in chain:
        if each.previous != previous or not _is_as_signed(each, public_key):
            broken.append(each.id)
        previous = digest(each)
    return broken


def digest(statement: StoredStatement | None) -> bytes:
    """Return the SHA-256 that the next statement names; of nothing for the first."""
    return hashlib.sha256(b"" if statement is None else statement.content).digest()


def _is_as_signed(each: StoredStatement, public_key: str) -> bool:
    try:
        statement = read_statement(each)
        if each.previous.hex() != statement.previous or each.well == bool(statement.faults):
            return False
        if statement.key and public_key in ("", statement.key):
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(statement.key)).verify(each.signature, each.content)
    except (msgspec.DecodeError, InvalidSignature, ValueError):
        return False
    return True


def _store(engine: sa.Engine, findings: Findings, signer: Signer, last: StoredStatement | None) -> LedgerStatement:
    statement = LedgerStatement(
        at=findings.at,
        schema=migrate.current(engine) or "",
        segment=findings.segment,
        ends=dict(findings.ends),
        acknowledged=dict(findings.acknowledged),
        orders=findings.orders,
        alerts=findings.alerts,
        deliveries=dict(findings.deliveries),
        faults=list(findings.faults),
        previous=digest(last).hex(),
        key=signer.public_key,
        erased=findings.erased,
    )
    content = msgspec.json.encode(statement, order="sorted")
    with engine.begin() as connection:
        ledger.append(connection, findings, content, signer.sign(content), digest(last))
    fields = {"sha256": hashlib.sha256(content).hexdigest(), "messages": statement.segment.messages}
    if statement.faults:
        log.error("ledger.faulty", **fields, faults=[fault.what for fault in statement.faults])
    else:
        log.info("ledger.verified", **fields)
    return statement


def read_statement(stored: StoredStatement) -> LedgerStatement:
    """Return the content of a stored statement."""
    return msgspec.json.decode(stored.content, type=LedgerStatement)
