"""`ivigilant knowledge review`, on a database in which nobody settled anything yet."""

import json
from pathlib import Path

from tests.ivigilant.processes import ivigilant


def test_the_command_tells_that_nothing_was_settled(sqlite_url: str, tmp_path: Path) -> None:
    page = tmp_path / "review.html"
    environment = {"IVIGILANT_DATABASE_URL": sqlite_url}

    run = ivigilant("knowledge", "review", "--json", "--html", str(page), environment=environment)

    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told["settled"], told["rules"], told["interruptions"]["of"]) == (0, [], 0)
    assert "0 alerts were settled" in page.read_text(encoding="utf-8")


def test_the_command_prints_a_table(sqlite_url: str) -> None:
    run = ivigilant("knowledge", "review", environment={"IVIGILANT_DATABASE_URL": sqlite_url})

    assert run.returncode == 0, run.stderr
    assert "0 alerts settled by 0 pharmacists" in run.stdout
    assert "Nothing was changed" in run.stdout
