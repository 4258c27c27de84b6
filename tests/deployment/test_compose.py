"""docker-compose.yml, run without Docker: every service's own command, on a real PostgreSQL and a real Redis."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ivigilant.stack import free_port
from tests.ivigilant.processes import ROOT, ivigilant, running
from tests.ivigilant.waiting import soon
from tests.services import Databases

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "ivigilant"}
STAYING = {name: service for name, service in OURS.items() if name != "migrate"}


@dataclass(frozen=True)
class Installation:
    """The services as processes on this machine."""

    mllp_port: int
    http_port: int
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, words: list[str], within_s: float = 60) -> int:
        """Run a command in the surroundings of a service."""
        return ivigilant(*words, environment=self.environment, within_s=within_s).returncode

    def command(self, service: str) -> list[str]:
        """The command of a service, at ports that are free here."""
        ports = {"2575": str(self.mllp_port), "8080": str(self.http_port)}
        return [ports.get(word, word) for word in OURS[service]["command"]]


@pytest.fixture
def installation(postgres_databases: Databases, redis_url: str, tmp_path: Path) -> Iterator[Installation]:
    database = postgres_databases.make()
    secrets = {"database_url": database.render_as_string(hide_password=False), "secret_key": "k" * 43}
    for name, text in secrets.items():
        (tmp_path / name).write_text(text)
    here = Installation(free_port(), free_port())
    here.environment.update(surroundings(here, redis_url, tmp_path))
    yield here
    postgres_databases.drop(database)


def surroundings(here: Installation, redis_url: str, secrets: Path) -> dict[str, str]:
    """What the file sets, with this machine in the place of the other containers."""
    given: dict[str, str] = dict(OURS["listener"]["environment"])
    ours = {
        "IVIGILANT_REDIS_URL": redis_url,
        "IVIGILANT_SITE_FILE": str(ROOT / "site" / "site.yaml"),
        "IVIGILANT_MLLP_HOST": "127.0.0.1",
        "IVIGILANT_HTTP_HOST": "127.0.0.1",
        "IVIGILANT_BASE_URL": f"http://127.0.0.1:{here.http_port}",
    }
    assert set(ours) <= set(given)
    paths = {name: text.replace("/run/secrets", str(secrets)) for name, text in given.items()}
    return paths | ours | {"IVIGILANT_MLLP_PORT": str(here.mllp_port), "IVIGILANT_HTTP_PORT": str(here.http_port)}


def test_the_services_together_turn_messages_into_alerts(installation: Installation, tmp_path: Path) -> None:
    assert installation.run(installation.command("migrate")) == 0
    with ExitStack() as services:
        for name, service in STAYING.items():
            for number in range(service.get("deploy", {}).get("replicas", 1)):
                log = tmp_path / f"{name}-{number}.log"
                services.enter_context(
                    running(*installation.command(name), environment=installation.environment, output=log)
                )
        for service in STAYING.values():
            words = service["healthcheck"]["test"][2:]
            soon(lambda words=words: installation.run(words) == 0, within_s=60)  # type: ignore[misc]  # bound at once

        to = f"127.0.0.1:{installation.mllp_port}"
        assert installation.run(["replay", str(ROOT / "tests" / "samples"), "--to", to]) == 0

        with a_program(installation) as program:
            alerts = soon(lambda: program.get("/alerts").json()["items"], within_s=60)
            soon(lambda: not program.get("/messages", params={"state": "received"}).json()["items"], within_s=60)
    assert alerts[0]["findings"]


def test_every_service_is_looked_after() -> None:
    for service in [*STAYING.values(), SERVICES["redis"], SERVICES["postgres"]]:
        assert service["restart"] == "always"
        assert service["healthcheck"]["test"]
    for service in STAYING.values():
        assert service["stop_grace_period"]
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_our_containers_may_do_nothing_they_need_not() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    last_stage = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert "\nUSER 10001\n" in last_stage


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name.removesuffix("_FILE") or name.endswith("_FILE")
            assert "postgresql://" not in str(value)
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())


def test_redis_throws_nothing_away_and_outlives_a_restart() -> None:
    command = " ".join(SERVICES["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]


def a_program(installation: Installation) -> httpx.Client:
    """A program with a token of its own, as `ivigilant token create` gives it."""
    token = ivigilant("token", "create", "--role", "pharmacist", environment=installation.environment).stdout.strip()
    address = f"http://127.0.0.1:{installation.http_port}/api/v1"
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False)
