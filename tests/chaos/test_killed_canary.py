"""Processes killed in the middle of a round of the canary."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from store import canary, incidents
from store.canary import CanaryRun
from tests.chaos.installation import Installation
from tests.ivigilant.waiting import soon


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # the way is the same on both, and it waits
def test_processes_killed_in_the_middle_of_a_round_leave_no_alert_and_no_alarm(
    install: Callable[..., Installation], watching: sa.Engine, tmp_path: Path
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("canary: {every_minutes: 1, within_seconds: 10}\n")
    installation = install(IVIGILANT_CANARY="true", IVIGILANT_SITE_FILE=str(site))
    installation.start("listener", "beat")  # nobody judges: the round stands in the middle
    soon(lambda: accepted(watching))

    installation.start("worker", "order-worker", "slow-worker")
    for role in ("order-worker", "worker", "listener", "beat"):
        installation.kill(role)

    # A round that a busy machine made late is followed by another.
    passed = soon(lambda: passed_round(watching), within_s=240)
    assert passed is not None and passed.missed is None
    with watching.connect() as connection:
        assert [each for each in incidents.standing(connection) if each.kind == "canary"] == []
        for table in ("alert", "patient", "medication_order", "delivery", "due"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == 0


def accepted(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.execute(sa.text("SELECT count(accepted_at) FROM canary_run")).scalar_one())


def passed_round(engine: sa.Engine) -> CanaryRun | None:
    with engine.connect() as connection:
        return canary.state(connection).passed
