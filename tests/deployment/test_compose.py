"""docker-compose.yml, run without Docker: every service's own command, on a real PostgreSQL and a real Redis."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import sqlalchemy as sa
import yaml

from ivigilant.secret_files import write_secrets
from store.engine import connect
from tests.ivigilant.processes import ivigilant, running
from tests.ivigilant.waiting import soon
from tests.packages import ROOT
from tests.ports import free_port
from tests.services import POSTGRES_SETTINGS, Undertaker, postgresql, redis_process

ROLES = ROOT / "deploy" / "postgres-roles.sql"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "ivigilant"}
STAYING = {name: service for name, service in OURS.items() if name != "migrate"}


@dataclass(frozen=True)
class Installation:
    """The services as processes on this machine, each with what the file gives it."""

    mllp_port: int
    http_port: int
    secrets: Path

    def run(self, service: str, words: list[str], within_s: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a command in the surroundings of a service."""
        return ivigilant(*words, environment=self.surroundings(service), within_s=within_s)

    def command(self, service: str) -> list[str]:
        """The command of a service, at ports that are free here."""
        ports = {"2575": str(self.mllp_port), "8080": str(self.http_port)}
        return [ports.get(word, word) for word in OURS[service]["command"]]

    def surroundings(self, service: str) -> dict[str, str]:
        """What the file sets, with this machine in the place of the other containers."""
        stated: dict[str, str] = OURS[service]["environment"]
        given = {name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", text) for name, text in stated.items()}
        ours = {
            "IVIGILANT_SITE_FILE": str(ROOT / "site" / "site.yaml"),
            "IVIGILANT_MLLP_HOST": "127.0.0.1",
            "IVIGILANT_HTTP_HOST": "127.0.0.1",
            "IVIGILANT_BASE_URL": f"http://127.0.0.1:{self.http_port}",
        }
        folder = self.secrets / f"of-{service}"
        folder.mkdir(exist_ok=True)
        for name in OURS[service]["secrets"]:
            (folder / name).write_text((self.secrets / name).read_text())
        values = {name: text.replace("/run/secrets", str(folder)) for name, text in given.items()}
        values |= {name: text for name, text in ours.items() if name in given}
        return values | {"IVIGILANT_MLLP_PORT": str(self.mllp_port), "IVIGILANT_HTTP_PORT": str(self.http_port)}


def test_the_inbox_trusts_the_gateway_by_which_a_proxy_on_the_host_comes_in() -> None:
    (outside,) = COMPOSE["networks"]["outside"]["ipam"]["config"]

    trusted = OURS["inbox"]["environment"]["IVIGILANT_TRUSTED_PROXIES"]

    assert trusted == f"${{IVIGILANT_TRUSTED_PROXIES:-{outside['gateway']}}}"
    assert ip_address(outside["gateway"]) in ip_network(outside["subnet"])


@pytest.fixture(scope="module")
def installation(cleanup: Undertaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    secrets = tmp_path_factory.mktemp("secrets")
    write_secrets(secrets)
    options = [word.replace("/run/secrets", str(secrets)) for word in SERVICES["redis"]["command"][1:]]
    login = f"ivigilant:{(secrets / 'redis_password').read_text()}"
    with (
        postgresql(cleanup, POSTGRES_SETTINGS) as server,
        redis_process(cleanup, appendonly=True, options=options, login=login) as redis_server,
    ):
        script = secrets / "roles.sql"
        script.write_text(ROLES.read_text().replace("/run/secrets", str(secrets)))
        server.run_script(script)
        for name, role in {"owner_database_url": "ivigilant_owner", "database_url": "ivigilant"}.items():
            url = server.url.set(drivername="postgresql", username=role, database="ivigilant")
            (secrets / name).write_text(url.render_as_string(hide_password=False))
        (secrets / "redis_url").write_text(redis_server.url)
        yield Installation(free_port(), free_port(), secrets)


def test_the_services_together_turn_messages_into_alerts(installation: Installation, tmp_path: Path) -> None:
    assert installation.run("migrate", installation.command("migrate")).returncode == 0
    with ExitStack() as services:
        for name, service in STAYING.items():
            for number in range(service.get("deploy", {}).get("replicas", 1)):
                log = tmp_path / f"{name}-{number}.log"
                services.enter_context(
                    running(*installation.command(name), environment=installation.surroundings(name), output=log)
                )
        for name, service in STAYING.items():
            ask = partial(installation.run, name, service["healthcheck"]["test"][2:])
            soon(lambda ask=ask: ask().returncode == 0)  # type: ignore[misc]  # bound at once

        to = f"127.0.0.1:{installation.mllp_port}"
        over_tls = ["--tls", "--tls-ca", str(installation.secrets / "mllp_certificate")]
        samples = ["replay", str(ROOT / "tests" / "samples"), "--to", to]
        assert installation.run("beat", [*samples, *over_tls]).returncode == 0
        assert installation.run("beat", samples).returncode != 0  # in clear text

        with a_program(installation) as program:
            alerts = soon(lambda: program.get("/alerts").json()["items"])
            soon(lambda: not program.get("/messages", params={"state": "received"}).json()["items"])
    assert alerts[0]["findings"]
    assert installation.run("beat", ["audit", "verify"]).returncode == 0
    verified = installation.run("beat", ["ledger", "verify"])
    assert "not signed" not in verified.stdout, verified.stdout


def test_the_role_that_runs_changes_no_table_and_no_trigger(installation: Installation) -> None:
    assert installation.run("migrate", installation.command("migrate")).returncode == 0
    engine = connect((installation.secrets / "database_url").read_text())
    refused = ["DROP TABLE access_log", "DROP TRIGGER access_log_append_only ON access_log", "TRUNCATE message"]
    refused += ["ALTER TABLE access_log DISABLE TRIGGER ALL", "CREATE TABLE mine (id int)", "SET ROLE ivigilant_owner"]

    with engine.connect() as connection:
        supers = connection.exec_driver_sql("SELECT rolname FROM pg_roles WHERE rolsuper").scalars().all()
    for statement in refused:
        with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match=r"must be owner|permission"):
            connection.exec_driver_sql(statement)

    engine.dispose()
    assert not {"ivigilant", "ivigilant_owner"} & set(supers)


def test_redis_answers_nobody_without_the_password_and_takes_only_what_the_queue_needs(
    installation: Installation,
) -> None:
    url = (installation.secrets / "redis_url").read_text()
    nobody = url.replace(url[len("redis://") : url.index("@") + 1], "")

    with redis.Redis.from_url(nobody) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    with redis.Redis.from_url(url) as client:
        assert client.ping()
        for words in ("FLUSHALL", "CONFIG GET *", "KEYS *", "EVAL return 0"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(words)


def test_no_service_listens_in_clear_text_unless_an_override_says_so() -> None:
    listener = OURS["listener"]["environment"]

    assert not any("IVIGILANT_MLLP_PLAINTEXT" in service["environment"] for service in OURS.values())
    assert listener["IVIGILANT_MLLP_TLS_CERTIFICATE"] == "/run/secrets/mllp_certificate"
    assert OURS["beat"]["environment"]["IVIGILANT_CANARY_TRUSTS"] == listener["IVIGILANT_MLLP_TLS_CERTIFICATE"]
    assert [name for name, service in OURS.items() if "mllp_key" in service["secrets"]] == ["listener"]


def test_every_service_is_looked_after() -> None:
    for service in [*STAYING.values(), SERVICES["redis"], SERVICES["postgres"]]:
        assert service["restart"] == "always"
        assert service["healthcheck"]["test"]
    for service in STAYING.values():
        assert service["stop_grace_period"]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_no_container_may_do_what_it_need_not() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert {SERVICES[name]["user"] for name in ("redis", "postgres")} == {"999:1000", "70:70"}
    last_stage = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert "\nUSER 10001\n" in last_stage


def test_the_database_and_redis_are_reached_from_no_other_network() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("redis", "postgres"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"listener", "inbox"}


def test_each_container_gets_only_the_secrets_that_it_reads() -> None:
    for service in SERVICES.values():
        told = yaml.safe_dump([service.get(part) for part in ("environment", "command", "healthcheck", "volumes")])
        told += ROLES.read_text() if ROLES.name in told else ""
        assert {name for name in COMPOSE["secrets"] if f"/run/secrets/{name}" in told} == set(service["secrets"])
    assert set(COMPOSE["secrets"]) == {name for service in SERVICES.values() for name in service["secrets"]}


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name.removesuffix("_FILE") or name.endswith("_FILE")
            assert "://" not in str(value).replace("http://localhost", "")
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_redis_throws_nothing_away_and_outlives_a_restart() -> None:
    command = " ".join(SERVICES["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def a_program(installation: Installation) -> httpx.Client:
    """A program with a token of its own, as `ivigilant token create` gives it."""
    surroundings = installation.surroundings("inbox")
    token = ivigilant("token", "create", "--role", "pharmacist", environment=surroundings).stdout.strip()
    address = f"http://127.0.0.1:{installation.http_port}/api/v1"
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False)
