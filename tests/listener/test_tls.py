"""Links over TLS: who may connect, and certificates that are renewed."""

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from listener.client import Target, read_answer, send_all
from listener.config import Port
from listener.errors import OddConfig
from listener.feeds import FeedProfile, Origin
from listener.tls import ExpiryAlarm, ServerTls, TlsFiles
from tests.listener.authority import NOW, Authority, sender, server
from tests.listener.builders import a_config, a_hospital, a_message, run


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_a_sender_with_a_certificate_is_known_by_it(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        seen: list[Origin] = []

        def feed_of(source: Origin) -> FeedProfile:
            seen.append(source)
            return FeedProfile(1)

        config = a_config(Port(port=0, tls=server(authority)))
        async with a_hospital(sqlite_engine, config=config, feed_of=feed_of) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0], tls=sender(authority, "ehr.hospital"))
            answers = [answer async for answer in send_all([a_message("M1")], target)]

            assert [answer.code for answer in answers] == ["AA"]
            assert seen[0].certificate == ("ehr.hospital", "127.0.0.1")

    run(main())


def test_a_sender_without_a_certificate_is_turned_away(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        config = a_config(Port(port=0, tls=server(authority)))
        async with a_hospital(sqlite_engine, config=config) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0], tls=sender(authority), timeout_s=5)
            answers = [answer async for answer in send_all([a_message("M1")], target)]

            assert [answer.code for answer in answers] == [""]
            assert hospital.kept() == []

    run(main())


def test_a_port_may_do_without_client_certificates(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        config = a_config(Port(port=0, tls=server(authority, mutual=False)))
        async with a_hospital(sqlite_engine, config=config) as hospital, hospital.link(tls=sender(authority)) as link:
            assert read_answer(await link.ask(a_message("M1"))) == ("AA", b"M1")

    run(main())


def test_clear_text_on_a_tls_port_gets_no_answer(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        config = a_config(Port(port=0, tls=server(authority)))
        async with a_hospital(sqlite_engine, config=config) as hospital:
            target = Target("127.0.0.1", hospital.listener.ports[0], timeout_s=5)

            assert [answer.code async for answer in send_all([a_message("M1")], target)] == [""]

    run(main())


def test_a_renewed_certificate_is_taken_up_and_open_links_stay(sqlite_engine: sa.Engine, authority: Authority) -> None:
    async def main() -> None:
        tls = server(authority, mutual=False)
        config = a_config(Port(port=0, tls=tls))
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


def test_a_running_listener_takes_up_a_renewal_by_itself_and_shows_when_the_certificate_expires(
    sqlite_engine: sa.Engine, authority: Authority
) -> None:
    async def main() -> None:
        tls = server(authority, mutual=False)
        config = a_config(Port(port=0, tls=tls), tick_s=0.02, renew_every_s=0.02)
        async with a_hospital(sqlite_engine, config=config) as hospital:
            ends = hospital.listener.metrics.certificate_expires.labels("127.0.0.1:0")._value
            while ends.get() != tls.expires_at.timestamp():
                await asyncio.sleep(0.01)
            before = ends.get()

            authority.signs("listener", days=300)

            while ends.get() <= before:
                await asyncio.sleep(0.01)
            async with hospital.link(tls=sender(authority)) as link:
                assert _shown(link.writer.get_extra_info("peercert")) == ends.get()

    run(main())


@pytest.mark.parametrize(
    ("days", "levels"),
    [(30.5, []), (30, ["warning"]), (8, ["warning"]), (7, ["error"]), (-1, ["error"])],
)
def test_an_expiring_certificate_is_reported_thirty_and_seven_days_before(days: float, levels: list[str]) -> None:
    with capture_logs() as logs:
        ExpiryAlarm().look("127.0.0.1:2575", NOW + datetime.timedelta(days=days), NOW)

    assert [line["log_level"] for line in logs] == levels


def test_an_expiring_certificate_is_reported_every_day_and_not_every_second() -> None:
    alarm, ends = ExpiryAlarm(), NOW + datetime.timedelta(days=8, hours=12)

    with capture_logs() as logs:
        for hour in range(0, 48, 2):
            alarm.look("127.0.0.1:2575", ends, NOW + datetime.timedelta(hours=hour))
        alarm.look("127.0.0.1:2575", NOW + datetime.timedelta(days=300), NOW)
        alarm.look("127.0.0.1:2575", ends, NOW)

    assert [line["log_level"] for line in logs] == ["warning", "warning", "error", "warning"]


def unusable(authority: Authority, folder: Path, which: str) -> TlsFiles:
    """Files of a listener of which one cannot be used."""
    certificate, key = authority.signs("listener")
    odd = folder / "odd.pem"
    match which:
        case "no certificate":
            odd.write_text("not a certificate")
            return TlsFiles(odd, key, None)
        case "no key":
            odd.write_text("not a key")
            return TlsFiles(certificate, odd, None)
        case "another key":
            return TlsFiles(certificate, authority.signs("another")[1], None)
        case "passphrase":
            plain = serialization.load_pem_private_key(key.read_bytes(), None)
            form, closed = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
            odd.write_bytes(plain.private_bytes(serialization.Encoding.PEM, form, closed))
            return TlsFiles(certificate, odd, None)
        case "no authority":
            odd.write_text("not a certificate")
            return TlsFiles(certificate, key, odd)
    return TlsFiles(certificate, folder / "absent.key", None)


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("no certificate", "no PEM certificate"),
        ("no key", "no key, in PEM"),
        ("another key", "the key is that of another certificate"),
        ("passphrase", "the key has a passphrase"),
        ("no authority", "the client CA holds no certificate"),
        ("absent", "absent.key cannot be read (No such file or directory)"),
    ],
)
def test_files_that_cannot_be_used_stop_the_start_with_the_reason(
    authority: Authority, tmp_path: Path, which: str, why: str
) -> None:
    with pytest.raises(OddConfig) as fault:
        ServerTls(unusable(authority, tmp_path, which))

    assert why in str(fault.value)
