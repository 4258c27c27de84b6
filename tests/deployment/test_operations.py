"""The systemd units, alerting rules and dashboard of `deploy/`, compared with the code that they are about."""

import configparser
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
import yaml
from prometheus_client import CollectorRegistry

from inbox.health.metrics import StoreCollector
from inbox.http.parts import Parts
from ivigilant.stack import ROLES
from listener.metrics import Metrics
from tests.packages import ROOT

DEPLOY = ROOT / "deploy"
ALARMS = DEPLOY / "prometheus" / "ivigilant.rules.yml"
GROUPS = yaml.safe_load(ALARMS.read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
PANELS: list[dict[str, Any]] = json.loads((DEPLOY / "grafana" / "ivigilant.json").read_text())["panels"]
PROMTOOL = shutil.which("promtool")
SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def exposed(engine: sa.Engine) -> dict[str, set[str]]:
    """The name of every sample that an inbox and a listener expose, with its labels where it has any now."""
    registry = CollectorRegistry()
    parts = SimpleNamespace(engine=engine, clock=lambda: datetime.now(UTC), settings=SimpleNamespace(destinations=()))
    registry.register(StoreCollector(cast("Parts", parts)))
    names: dict[str, set[str]] = {}
    for family in [*registry.collect(), *Metrics().registry.collect()]:
        for ending in SAMPLES[family.type]:
            names[family.name + ending] = set()
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def asked_for(expressions: Iterable[str]) -> set[str]:
    return {name for expression in expressions for name in re.findall(r"\bivigilant_\w+", expression)}


def test_alarms_and_dashboard_ask_only_for_figures_that_exist(sqlite_engine: sa.Engine) -> None:
    known = exposed(sqlite_engine)
    expressions = [rule["expr"] for rule in RULES]
    expressions += [target["expr"] for panel in PANELS for target in panel["targets"]]

    assert len(asked_for(expressions)) > 12
    assert asked_for(expressions) - set(known) == set()
    for name, label in re.findall(r"(ivigilant_\w+)\{(\w+)", " ".join(expressions)):
        assert not known[name] or label in known[name]


def test_every_alarm_is_named_once_and_has_a_paragraph_in_the_guide() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text()
    names = [rule["alert"] for rule in RULES]

    assert len(set(names)) == len(names)
    assert [name for name in names if f"| `{name}` |" not in guide] == []
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["expr"].count("(") == rule["expr"].count(")")


def promtool(*words: str | Path) -> tuple[int, str]:
    """Run promtool; return its exit code and what it wrote."""
    assert PROMTOOL is not None, "promtool is not installed (Debian: apt-get install prometheus)"
    run = subprocess.run([PROMTOOL, *words], capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.promtool
def test_promtool_finds_no_fault_in_the_alarms_nor_in_what_the_dashboard_asks(tmp_path: Path) -> None:
    targets = [target["expr"].replace("$__rate_interval", "5m") for panel in PANELS for target in panel["targets"]]
    asked = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(targets)]
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked}]}))

    code, written = promtool("check", "rules", ALARMS, tmp_path / "dashboard.yml")

    assert (code, f"SUCCESS: {len(RULES)} rules found" in written) == (0, True), written
    assert f"SUCCESS: {len(asked)} rules found" in written


@pytest.mark.promtool
def test_alarms_stand_when_the_figures_say_so_and_not_before(tmp_path: Path) -> None:
    shutil.copy(ALARMS, tmp_path)
    tried = shutil.copy(Path(__file__).parent / "alarms.promtool.yml", tmp_path)

    code, written = promtool("test", "rules", tried)

    assert (code, "SUCCESS" in written) == (0, True), written


def test_every_role_of_the_product_has_its_unit() -> None:
    commands = {}
    for file in (DEPLOY / "systemd").glob("ivigilant@*.service.d/role.conf"):
        role = file.parent.name.removeprefix("ivigilant@").removesuffix(".service.d")
        commands[role] = unit(file.read_text())["Service"]["Environment"].strip('"').removeprefix("COMMAND=").split()

    assert commands == {role: list(words) for role, words in ROLES.items()}


def test_a_unit_may_do_nothing_it_need_not() -> None:
    service = unit((DEPLOY / "systemd" / "ivigilant@.service").read_text())["Service"]

    assert service["User"] == "ivigilant"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes"
    assert service["UMask"] == "0077"


def test_a_unit_may_write_in_the_folder_for_notices_that_the_guide_names() -> None:
    service = unit((DEPLOY / "systemd" / "ivigilant@.service").read_text())["Service"]
    (folder,) = set(re.findall(r"kind: file_drop, .*folder: (/[^}]+)}", (ROOT / "docs" / "operating.md").read_text()))

    assert service["ReadWritePaths"] == f"-{folder}"  # it need not be there


def unit(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of systemd have capitals
    parser.read_string(text)
    return parser
