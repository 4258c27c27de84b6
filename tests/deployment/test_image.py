"""What is installed in the image is all that is read at run time, and the secrets it is given are made once."""

import random
import subprocess
import sys
import zipfile
from pathlib import Path

from ivigilant.secret_files import write_secrets
from tests.packages import PACKAGES, ROOT

READ_AT_RUN_TIME = ("*.yaml", "*.html", "*.css", "*.js", "*.svg")


def test_the_wheel_holds_every_module_and_every_file_that_is_read(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)

    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())

    wanted = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for pattern in ("*.py", *READ_AT_RUN_TIME)
        for file in (ROOT / package).rglob(pattern)
    }
    assert len(wanted) > 100
    assert wanted - held == set()


def test_secrets_follow_from_no_seed(tmp_path: Path) -> None:
    made = []
    for number in range(2):
        random.seed(7)
        write_secrets(tmp_path / str(number))
        made.append({path.read_text() for path in (tmp_path / str(number)).iterdir()} - {""})

    assert len(made[0]) == len(made[1]) == 12
    assert not made[0] & made[1]


def test_secrets_are_made_once_and_never_changed(tmp_path: Path) -> None:
    names = write_secrets(tmp_path / "secrets")
    before = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    write_secrets(tmp_path / "secrets")

    wanted = {"database_url", "ledger_key", "owner_database_url", "redis_password", "redis_url", "redis_users"}
    wanted |= {"postgres_owner_password", "postgres_password", "postgres_runtime_password", "secret_key"}
    wanted |= {"oidc_client_secret", "mllp_certificate", "mllp_key"}
    assert set(names) == wanted
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == before
    assert before["oidc_client_secret"] == ""  # the hospital's provider gives it
    assert before["postgres_runtime_password"] in before["database_url"]
    assert before["postgres_owner_password"] in before["owner_database_url"]
    assert before["redis_password"] in before["redis_url"]
    assert before["redis_password"] not in before["redis_users"]
