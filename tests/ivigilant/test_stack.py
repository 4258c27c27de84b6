"""`ivigilant up` and `ivigilant demo`, as a user meets them."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ivigilant.receiving import ports
from ivigilant.settings import Settings
from ivigilant.site import SiteFile
from ivigilant.stack import programs
from tests.ivigilant.processes import ivigilant, running
from tests.ivigilant.waiting import soon
from tests.packages import ROOT
from tests.ports import free_port

SAMPLES = ROOT / "tests" / "samples"


@dataclass(frozen=True)
class Up:
    """A stack that runs for the whole module."""

    folder: Path
    mllp_port: int
    http_port: int
    pid: int

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask the inbox."""
        return httpx.get(f"http://127.0.0.1:{self.http_port}{path}", headers=headers, timeout=60, trust_env=False)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("up")
    mllp, http = free_port(), free_port()
    words = ("up", "--data-dir", str(folder / "d"), "--mllp-port", str(mllp), "--http-port", str(http))
    with running(*words, output=folder / "output") as process:
        stack = Up(folder / "d", mllp, http, process.pid)
        soon(lambda: is_ready(stack))
        yield stack
    assert process.returncode == 0
    soon(lambda: our_processes(folder) == [])


def test_a_message_sent_to_it_ends_as_an_alert_behind_the_api(up: Up) -> None:
    replay = ivigilant("replay", str(SAMPLES), "--to", f"127.0.0.1:{up.mllp_port}")
    token = ivigilant("token", "create", "--data-dir", str(up.folder), "--role", "pharmacist").stdout.strip()

    alerts = soon(lambda: up.get("/api/v1/alerts", Authorization=f"Bearer {token}").json()["items"])

    assert replay.returncode == 0
    assert {"tier", "text", "order", "findings"} <= set(alerts[0])


def test_a_second_stack_does_not_start_on_the_same_folder_or_port(up: Up, tmp_path: Path) -> None:
    same_folder = ivigilant("up", "--data-dir", str(up.folder), "--mllp-port", "0")
    same_port = ivigilant("up", "--data-dir", str(tmp_path / "other"), "--mllp-port", str(up.mllp_port))

    assert (same_folder.returncode, same_port.returncode) == (4, 4)
    assert "another IVIgilant runs on" in same_folder.stderr
    assert "--mllp-port" in same_port.stderr


def test_the_doctor_finds_it_well(up: Up) -> None:
    told = soon(lambda: without_a_fault(up))

    assert len(told) > 7
    assert any(line.startswith("ok") and "canary" in line and "passed" in line for line in told)


def test_a_process_that_is_killed_is_there_again(up: Up) -> None:
    victims = {role: pid for pid, role in our_processes(up.folder.parent) if role in ("listen", "serve")}

    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)

    soon(lambda: not set(victims.values()) & {pid for pid, _ in our_processes(up.folder.parent)})
    soon(lambda: is_ready(up))
    soon(lambda: listens(up.mllp_port))


def test_its_logs_hold_no_patient(up: Up) -> None:
    ivigilant("replay", str(SAMPLES), "--to", f"127.0.0.1:{up.mllp_port}")
    names = set()
    for sample in SAMPLES.glob("*.hl7"):
        for line in re.split(rb"[\r\n]+", sample.read_bytes()):
            if line.startswith(b"PID|"):
                names |= {part for part in re.split(rb"[|^&~]", line.split(b"|")[5]) if len(part) > 4}

    logs = b"".join(path.read_bytes() for path in (up.folder / "logs").iterdir())

    assert len(names) > 5
    assert [name for name in names if name in logs] == []


def test_nothing_outlives_a_stack_whose_supervisor_is_killed(tmp_path: Path) -> None:
    words = ("up", "--data-dir", str(tmp_path / "d"), "--mllp-port", str(free_port()), "--http-port", str(free_port()))
    with running(*words, output=tmp_path / "output") as process:
        soon(lambda: len(our_processes(tmp_path)) > 5)

        process.kill()

        soon(lambda: our_processes(tmp_path) == [])


def test_the_demonstration_shows_alerts_and_tells_what_became_of_every_message(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with running("demo", "--once", output=output) as process:
        soon(lambda: re.search(r"contraindication|high|moderate", output.read_text()))
        process.wait(timeout=240)

    told = json.loads(output.read_text().splitlines()[-1])
    assert process.returncode == 0
    assert told["messages"] == told["acked"] > 100
    assert told["parked"] == 0
    assert told["ivig_orders"] == told["assessed"] > 0
    assert told["alerts"]["contraindication"] > 0
    standing = sum(told["alerts"].values()) + sum(told["after_infusion"].values())
    assert f"In the inbox: {standing} alerts: " in output.read_text()


def is_ready(up: Up) -> bool:
    try:
        return up.get("/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def without_a_fault(up: Up) -> list[str]:
    """What the doctor tells, once nothing is wrong; that samples of bad messages are parked is as it should be."""
    told = ivigilant("doctor", "--data-dir", str(up.folder)).stdout.splitlines()
    faults = [line for line in told if line.startswith("WRONG") and "parked" not in line]
    return [] if faults or not any("canary" in line and " in " in line for line in told) else told


def our_processes(folder: Path) -> list[tuple[int, str]]:
    """The processes of the stacks below a folder: their settings or their command line name it."""
    found = []
    for status in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = status.read_bytes()
            words = (status.parent / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if f"IVIGILANT_DATA_DIR={folder}".encode() in environment or any(str(folder) in word for word in words):
            role = next((word for word in words if word in ("listen", "work", "beat", "serve", "up")), words[0])
            found.append((int(status.parent.name), role))
    return found


def test_a_fault_in_the_site_file_is_told_before_anything_runs(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("zone: Mars/Olympus\n")

    told = ivigilant("up", "--data-dir", str(tmp_path / "d"), environment={"IVIGILANT_SITE_FILE": str(site)})

    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.count("\n") == 1
    assert f"{site}:1: zone: Mars/Olympus  is not a time zone" in told.stderr


def test_as_many_listeners_run_as_are_wanted_and_share_their_port() -> None:
    settings = Settings(listener_processes=3)

    names = [program.name for program in programs(settings)]

    assert [name for name in names if name.startswith("listener")] == ["listener", "listener-2", "listener-3"]
    assert [port.reuse_port for port in ports(settings, SiteFile())] == [True]
    assert [port.reuse_port for port in ports(Settings(), SiteFile())] == [False]
