"""What `doctor --only …` reports of the process beside it."""

import socket
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from inbox.people.accounts import add_user, change_role
from ivigilant import cli, start
from ivigilant.checkup import look_at, refused_starts
from ivigilant.health_checks import ago, look_at_role
from ivigilant.listening import places_at, ports_of
from ivigilant.settings import Settings
from store import heartbeats
from store.errors import StoreUnavailable
from store.last_heard import last_heard
from tests.inbox.hooks.clients import elliptic, key_set
from tests.ivigilant.processes import ivigilant, surroundings
from tests.listener.authority import NOW

HERE = socket.gethostname()
FRESH, STOPPED = NOW - timedelta(seconds=5), NOW - timedelta(minutes=3)


@pytest.mark.parametrize(
    ("beats", "well"),
    [
        ({f"worker@{HERE}": FRESH}, True),
        ({f"worker@{HERE}": STOPPED, "worker@elsewhere": FRESH}, False),
        ({f"worker@{HERE}": FRESH, f"order-worker@{HERE}": STOPPED}, False),
        ({"worker@elsewhere": FRESH}, False),
        ({}, False),
    ],
)
def test_the_health_check_of_a_worker_sees_its_own(
    sqlite_engine: sa.Engine, sqlite_url: str, beats: dict[str, datetime], well: bool
) -> None:
    with sqlite_engine.begin() as connection:
        for name, at in beats.items():
            heartbeats.beat(connection, name, at)

    (line,) = look_at_role(Settings.model_validate({"database_url": sqlite_url}), NOW, "worker")

    assert (line.what, line.well) == ("worker", well)


@pytest.mark.parametrize("more", ["", "&options=-c%20jit%3Doff", "&host=127.0.0.1:1"])
def test_the_driver_alone_reads_the_heartbeats_as_sqlalchemy_does(
    postgres_engine: sa.Engine, postgres_url: str, more: str
) -> None:
    with postgres_engine.begin() as connection:
        heartbeats.beat(connection, "worker@one", FRESH)

    assert last_heard(postgres_url + more) == {"worker@one": FRESH}


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////absent/file", "sqlite:////dev/null"]
)
def test_a_database_that_does_not_answer_is_said_to_be_away(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        last_heard(url)


def test_a_database_without_tables_is_not_well(tmp_path: Path) -> None:
    (line,) = look_at_role(Settings(data_dir=tmp_path), NOW, "beat")

    assert (line.what, line.well) == ("database", False)


@pytest.mark.parametrize(
    ("address", "proxies", "well"),
    [
        ("https://inbox.hospital.test", "", False),
        ("https://inbox.hospital.test", "10.0.0.5", True),
        ("http://localhost:8080", "", True),
    ],
)
def test_doctor_says_when_the_proxy_is_not_named(tmp_path: Path, address: str, proxies: str, well: bool) -> None:
    lines = look_at(Settings(data_dir=tmp_path, base_url=address, trusted_proxies=proxies), NOW)

    assert next(line.well for line in lines if line.what == "proxies") == well


@pytest.mark.parametrize(
    ("content", "at", "ports"),
    [
        (b"feeds: [{name: a, port: 2576}, {name: b, address: 10.1.0.1}]", "", [2575, 2576]),
        (b"\xef\xbb\xbffeeds:\r\n- {name: a, port: 2576}\r\n", "", [2575, 2576]),
        (b"feeds: {", "", [2575]),
        (b"feeds: 3", "", [2575]),
        (b"\xff", "", [2575]),
        (b"feeds: [{name: a, port: 2576}]", "listener:2580, listener:2581", [2580, 2581]),
        (b"", "none", []),
    ],
)
def test_a_health_check_asks_at_every_port_that_the_site_file_names(
    tmp_path: Path, content: bytes, at: str, ports: list[int]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_bytes(content)
    settings = Settings(site_file=site, listener_at=at)

    assert [place.port for place in places_at(settings, ports_of(settings))] == ports


def test_the_health_check_of_a_listener_loads_little() -> None:
    """Each process of an installation is asked twice a minute: what it imports is what it costs."""
    asked = """
import sys
from ivigilant.start import main
sys.argv = ["ivigilant", "doctor", "--only", "listener"]
heavy = {"sqlalchemy", "litestar", "ivigilant.site", "rules", "httpx", "typer", "asyncio"}
try:
    main()
except SystemExit as end:
    print(end.code, *heavy & sys.modules.keys())
"""

    environment = surroundings({"IVIGILANT_LISTENER_AT": "none"})
    run = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, env=environment)

    assert run.stdout == "0\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--only", "worker"], 1),
        (["--only=beat", "--data-dir=/absent"], 1),
        (["--only", "nobody"], 2),
        (["--only", "worker", "--config", "/absent.toml"], 2),
        (["--only"], 2),
        (["--only", "worker", "--only", "beat"], 1),
        (["--only", "worker", "--unknown"], 2),
    ],
)
def test_a_health_check_says_what_the_command_line_would_say(
    words: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IVIGILANT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["ivigilant", "doctor", *words])
    said = []
    for run in (start.main, cli.main):
        with pytest.raises(SystemExit) as end:
            run()
        said.append((end.value.code, *capsys.readouterr()))

    assert said[0] == said[1]
    assert said[0][0] == code


def test_doctor_says_which_settings_would_stop_a_start(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("allowed_addresses: [10.1.0.0/16]\n")
    others = {"data_dir": tmp_path, "mllp_host": "10.1.0.9", "mllp_plaintext": True, "http_host": "10.1.0.9"}
    known = others | {"site_file": site, "base_url": "https://inbox.hospital.test"}

    faults, none = (
        {line.what: line.detail for line in refused_starts(Settings.model_validate(given))} for given in (others, known)
    )

    assert "allowed_addresses" in faults["listener settings"]
    assert "IVIGILANT_BASE_URL" in faults["inbox settings"]
    assert none == {}


@pytest.mark.parametrize(("keys", "well"), [(key_set(k1=elliptic()), True), (b"{}", False), (None, False)])
def test_doctor_says_whether_a_cds_client_has_keys(tmp_path: Path, keys: bytes | None, well: bool) -> None:
    site, file = tmp_path / "site.yaml", tmp_path / "epd.json"
    site.write_text(f"cds_hooks: {{clients: [{{name: EPD, iss: 'https://epd.example/', keys: {file}}}]}}")
    if keys is not None:
        file.write_bytes(keys)

    lines = look_at(Settings(data_dir=tmp_path, site_file=site), NOW)

    assert next(line.well for line in lines if line.what == "CDS client EPD") == well


def test_doctor_names_whoever_is_notified_in_person_and_has_no_account_to_reply_by(
    tmp_path: Path, sqlite_engine: sa.Engine, sqlite_url: str
) -> None:
    site = tmp_path / "site.yaml"
    drops = [f"{{kind: file_drop, name: {name}, folder: {tmp_path}}}" for name in ("sms-els", "sms-jan")]
    site.write_text(f"destinations: [{', '.join(drops)}]\ntelling: {{people: {{els: sms-els, jan: sms-jan}}}}")
    settings = Settings.model_validate({"database_url": sqlite_url, "data_dir": tmp_path, "site_file": site})
    details = []
    for name, role in (("els", "pharmacist"), ("jan", "viewer")):
        with sqlite_engine.begin() as connection:
            add_user(connection, name, "een-lang-wachtwoord-7", role, NOW)
        lines = [line for line in look_at(settings, NOW) if line.what == "reply links"]
        details += [(line.well, line.detail.partition(":")[0]) for line in lines]

    with sqlite_engine.begin() as connection:
        change_role(connection, "jan", "pharmacist")
    (at_last,) = [line for line in look_at(settings, NOW) if line.what == "reply links"]

    assert details == [(False, "jan"), (False, "jan")]
    assert at_last.well


def test_what_happened_since_the_checks_began_is_not_said_to_lie_ahead() -> None:
    assert ago(timedelta(seconds=-22)) == "0 s ago"


def test_doctor_names_a_signing_key_that_would_stop_beat(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, ledger_key=tmp_path / "absent.pem")

    (line,) = [line for line in look_at(settings, NOW) if line.what == "signing key"]

    assert not line.well
    assert line.detail.startswith("IVIGILANT_LEDGER_KEY: ")


def test_what_a_command_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = tmp_path / "here" / "ivigilant.sqlite3"

    assert ivigilant("db", "upgrade", "--data-dir", str(database.parent)).returncode == 0

    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("folder", "file", "told"), [(0o755, 0o644, True), (0o755, 0o600, False), (0o700, 0o644, False)]
)
def test_doctor_names_what_others_may_read_in_the_data_folder(
    tmp_path: Path, folder: int, file: int, told: bool
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "ivigilant.sqlite3").touch()
    (data / "ivigilant.sqlite3").chmod(file)
    data.chmod(folder)

    details = [line.detail for line in look_at(Settings(data_dir=data), NOW) if line.what == "data folder"]

    assert len(details) == told
    assert all("ivigilant.sqlite3: chmod 700" in detail for detail in details)
