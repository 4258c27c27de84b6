"""Texts of old messages removed from the command line, and every command that then finds none."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from rules.knowledge import Knowledge
from store import tables
from store.engine import connect
from tests.ivigilant.processes import ivigilant
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import Problem, Seen, messages


@pytest.fixture
def hospital(database_url: str, knowledge: Knowledge) -> Iterator[Hospital]:
    """A hospital six years ago, as its messages were received then."""
    engine = connect(database_url, durable=False)
    clock = Clock()
    clock.now -= timedelta(days=6 * 365)
    lived = Hospital(engine, knowledge, clock=clock)
    lived.sends(*messages([Seen(), Seen(at=1), Problem(who="2")]))
    yield lived
    engine.dispose()


def run(hospital: Hospital, *words: str, code: int = 0, site: Path | None = None) -> tuple[str, str]:
    environment = {"IVIGILANT_DATABASE_URL": hospital.engine.url.render_as_string(hide_password=False)}
    if site is not None:
        environment["IVIGILANT_SITE_FILE"] = str(site)
    done = ivigilant(*words, environment=environment)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def pruned(hospital: Hospital) -> int:
    query = sa.select(sa.func.count()).where(tables.message.c.pruned_at.is_not(None))
    with hospital.engine.connect() as connection:
        return int(connection.execute(query).scalar_one())


def test_it_tells_what_would_go_and_removes_it_only_when_told_to(hospital: Hospital) -> None:
    looked, _ = run(hospital, "prune")
    nothing_yet = pruned(hospital)
    applied, _ = run(hospital, "prune", "--apply", "--compact")

    assert "processed" in looked
    assert "ADT^A08" in looked
    assert "1825 days" in looked
    assert "kept: a fact, a merge or an answer depends on it" in looked
    assert looked.splitlines()[-1].startswith("2 messages, ")
    assert looked.rstrip().endswith("would be removed by: ivigilant prune --apply")
    assert (nothing_yet, pruned(hospital)) == (0, 2)
    assert applied.splitlines()[-1].startswith("2 messages, ")


def test_the_other_commands_say_that_the_text_is_gone(hospital: Hospital) -> None:
    run(hospital, "prune", "--apply")

    told, _ = run(hospital, "doctor", code=1)  # nothing else runs
    rebuilt, _ = run(hospital, "rebuild")
    _, explained = run(hospital, "explain", "--message", "M001", code=1)
    _, left_out = run(hospital, "replay", "--from-store", "2020-01-01", "--to", "127.0.0.1:1", code=1)

    assert "at the command line removed the text of 2 messages" in told
    assert "2 messages no longer have a text" in rebuilt
    assert explained.startswith("ivigilant: the text of message 1 was removed on ")
    assert left_out.startswith("2 messages of that time have no text any more and are left out")


def test_the_site_file_says_how_long(hospital: Hospital, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text('retention: {processed_days: 3000, types: {"ADT^A08": 4000}}\n')
    kept, _ = run(hospital, "prune", site=site)
    site.write_text("retention: {processed_days: 30}\n")
    _, refused = run(hospital, "prune", site=site, code=2)

    assert kept == "0 messages, 0 bytes would be removed by: ivigilant prune --apply\n"
    assert "site.yaml:1: retention.processed_days: " in refused
