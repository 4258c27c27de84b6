"""A feed that is bound to a certificate: who shows another is not that feed, whatever its MSH-3 says."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from ivigilant.canary import canary_tls
from ivigilant.certificates import sending_context
from ivigilant.errors import UnusableSettings
from ivigilant.health_checks import certificate, look_at_role
from ivigilant.receiving import ports
from ivigilant.recognition import Recognition
from ivigilant.secret_files import write_secrets
from ivigilant.settings import Settings
from ivigilant.site import CanarySection, SiteFile, load_site
from ivigilant.wiring import declare_feeds
from listener.batching import Saving
from listener.client import read_answer
from listener.config import ListenerConfig
from listener.feeds import FeedNumbers
from listener.tls import SOON
from store import tables
from tests.ivigilant.site_hospital import a_message
from tests.listener.authority import NOW, Authority, sender
from tests.listener.builders import a_hospital, run


def settings_with(authority: Authority, site: Path, days: int = 300) -> Settings:
    certificate, key = authority.signs("listener", days)
    return Settings(
        site_file=site,
        mllp_port=0,
        mllp_tls_certificate=certificate,
        mllp_tls_key=key,
        mllp_tls_client_ca=authority.path,
    )


@pytest.mark.parametrize(("unknown", "state"), [("process", "received"), ("park", "parked")])
def test_a_name_under_another_certificate_is_an_unknown_source(
    engine: sa.Engine, tmp_path: Path, unknown: str, state: str
) -> None:
    path = tmp_path / "site.yaml"
    feed = "{name: epd, sending_application: EPD, certificate: ehr.hospital}"
    path.write_text(f"unknown_sources: {unknown}\nfeeds: [{feed}]\n")
    authority, site, numbers = Authority(tmp_path), load_site(path), FeedNumbers()
    declare_feeds(engine, site)

    async def main() -> None:
        async with a_hospital(
            engine,
            config=ListenerConfig(ports=ports(settings_with(authority, path), site)),
            feed_of=Recognition(site, numbers),
            save=Saving(engine, numbers),
        ) as hospital:
            for number, name in enumerate(("ehr.hospital", "lab.hospital")):
                async with hospital.link(tls=sender(authority, name)) as link:
                    assert read_answer(await link.ask(a_message(control=f"C{number}")))[0] == "AA"

    run(main())
    message, known = tables.message, tables.feed
    with engine.connect() as connection:
        query = sa.select(known.c.name, message.c.state, message.c.flags).join(known, known.c.id == message.c.feed_id)
        rows = connection.execute(query.order_by(message.c.id)).all()
    assert [tuple(row) for row in rows] == [("epd", "received", []), ("EPD|ZKHA", state, ["unknown_source"])]


@pytest.mark.parametrize(
    ("days", "well", "told"), [(300, True, "299 days"), (20, False, "19 days"), (-1, False, "has expired")]
)
def test_the_doctor_tells_when_the_certificate_ends(tmp_path: Path, days: int, well: bool, told: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("name: Test\n")
    settings = settings_with(Authority(tmp_path), path, 300).model_copy(update={"redis_url": SecretStr("redis://x")})

    now = NOW + timedelta(days=300 - days, seconds=60)
    (line,) = certificate(settings, now, ends_well_after=SOON)
    role = [line.well for line in look_at_role(settings, now, "listener") if line.what == "certificate"]

    assert line.well is well
    assert told in line.detail
    assert role == [days > 0]  # a health check does not restart a listener for a certificate that ends in 19 days


@pytest.mark.parametrize(("content", "opens"), [("name: Test", False), ("allowed_addresses: [10.1.0.0/16]", True)])
def test_clear_text_is_taken_only_from_addresses_that_the_site_file_names(
    tmp_path: Path, content: str, opens: bool
) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(content)
    settings = Settings(site_file=path, mllp_host="10.1.0.9", mllp_plaintext=True)

    if opens:
        assert ports(settings, load_site(path))
    else:
        with pytest.raises(UnusableSettings, match="allowed_addresses"):
            ports(settings, load_site(path))


def test_the_certificate_that_make_secrets_makes_is_one_that_a_sender_and_the_canary_can_trust(
    sqlite_engine: sa.Engine, tmp_path: Path
) -> None:
    write_secrets(tmp_path)
    certificate, key = tmp_path / "mllp_certificate", tmp_path / "mllp_key"
    settings = Settings(mllp_port=0, mllp_tls_certificate=certificate, mllp_tls_key=key)
    of_beat = canary_tls(CanarySection(), Settings(canary_trusts=certificate))

    async def main() -> None:
        async with a_hospital(sqlite_engine, config=ListenerConfig(ports=ports(settings, SiteFile()))) as hospital:
            for number, tls in enumerate((sending_context(certificate, None, None), of_beat)):
                assert tls is not None
                async with hospital.link(tls=tls) as link:
                    assert read_answer(await link.ask(a_message(control=f"C{number}")))[0] == "AA"

    run(main())
