"""Links over TLS: who may connect, and certificates that are renewed."""

import datetime
import ssl
from ipaddress import ip_address
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from listener.config import ListenerConfig, Port
from listener.errors import OddConfig
from listener.sending import Target, read_answer, send_all
from listener.sources import Feed, Source
from listener.tls import ServerTls, TlsFiles
from tests.listener.builders import a_hospital, a_message, run

NOW = datetime.datetime.now(datetime.UTC)


class Authority:
    """Signs certificates for a test."""

    def __init__(self, folder: Path, name: str = "Hospital CA") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(self._name, self._key.public_key(), 30)
        certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def signs(self, name: str, days: int = 30) -> tuple[Path, Path]:
        """A certificate for this name, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]
        builder = self._builder(subject, key.public_key(), days)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        paths = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        paths[0].write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return paths

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=days))
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def server(authority: Authority, *, mutual: bool = True) -> ServerTls:
    return ServerTls(TlsFiles(*authority.signs("listener"), authority.path if mutual else None))


def sender(authority: Authority, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.path))
    for name in names:
        context.load_cert_chain(*authority.signs(name))
    return context


def test_a_sender_with_a_certificate_is_known_by_it(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        seen: list[Source] = []

        def feed_of(source: Source) -> Feed:
            seen.append(source)
            return Feed(1)

        config = ListenerConfig(ports=(Port(port=0, tls=server(authority)),))
        async with a_hospital(sqlite_engine, config=config, feed_of=feed_of) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0], tls=sender(authority, "ehr.hospital"))
            answers = [answer async for answer in send_all([a_message("M1")], target)]

            assert [answer.code for answer in answers] == ["AA"]
            assert seen[0].certificate == ("ehr.hospital", "127.0.0.1")

    run(main())


def test_a_sender_without_a_certificate_is_turned_away(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0, tls=server(authority)),))
        async with a_hospital(sqlite_engine, config=config) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0], tls=sender(authority), timeout_s=5)
            answers = [answer async for answer in send_all([a_message("M1")], target)]

            assert [answer.code for answer in answers] == [""]
            assert hospital.kept() == []

    run(main())


def test_a_port_may_do_without_client_certificates(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0, tls=server(authority, mutual=False)),))
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link(tls=sender(authority)) as link:
            assert read_answer(await link.ask(a_message("M1"))) == ("AA", b"M1")

    run(main())


def test_clear_text_on_a_tls_port_gets_no_answer(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        config = ListenerConfig(ports=(Port(port=0, tls=server(authority)),))
        async with a_hospital(sqlite_engine, config=config) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0], timeout_s=5)

            assert [answer.code async for answer in send_all([a_message("M1")], target)] == [""]

    run(main())


def test_a_renewed_certificate_is_taken_up_and_open_links_stay(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        tls = server(authority, mutual=False)
        config = ListenerConfig(ports=(Port(port=0, tls=tls),))
        async with (
            a_hospital(sqlite_engine, config=config) as hospital,
            hospital.link(tls=sender(authority)) as old,
        ):
            before = _shown(old.writer.get_extra_info("peercert"))
            authority.signs("listener", days=300)
            tls.refresh()
            async with hospital.link(tls=sender(authority)) as new:
                assert _shown(new.writer.get_extra_info("peercert")) > before
            assert read_answer(await old.ask(a_message("M1"))) == ("AA", b"M1")

    run(main())


def _shown(certificate: dict[str, str]) -> float:
    return ssl.cert_time_to_seconds(certificate["notAfter"])


def test_a_broken_renewal_changes_nothing(authority: Authority, tmp_path: Path) -> None:
    tls = server(authority)
    expires_at = tls.expires_at
    (tmp_path / "listener.pem").write_text("not a certificate")

    tls.refresh()

    assert tls.expires_at == expires_at


def test_files_that_are_no_certificate_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("not a certificate")

    with pytest.raises(OddConfig):
        ServerTls(TlsFiles(tmp_path / "x.pem", tmp_path / "x.pem", None))
