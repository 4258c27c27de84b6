"""No page, list, figure, export or command shows anything of the canary, in the middle of a round or after it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from litestar import Litestar
from typer.testing import CliRunner

from ivigilant.cli import app as command_line
from ivigilant.replaying import read_store
from store import ledger, message_queries, retention
from store.canary import APPLICATION
from store.dump import dump
from store.feeds import CANARY
from store.retention import Ages
from tests.inbox.builders import NOW
from tests.inbox.sites import Client, Site, sign_in
from tests.journeys.canary_rounds import Rounds
from tests.journeys.hospital import Clock, Hospital

WHO = ("lead", "auditor", "administrator")  # between them they may see everything
ENDLESS = {"/api/v1/events", "/live"}  # streams of ids, which a worker announces
ANEW_EACH_TIME = {"/access", "/metrics", "/second-factor"}  # lines of who looked, times, a new secret
COMMANDS = (
    ["doctor", "--dump"],
    ["ledger", "show"],
    ["telling", "verify"],
    ["knowledge", "coverage"],
    ["knowledge", "review"],
    ["knowledge", "review", "--trial"],
    ["prune"],
    ["audit", "verify"],
    ["audit", "export", "--format", "csv", "--purpose", "a look"],
)


@pytest.fixture
def rounds(one_site: Site) -> Rounds:
    return Rounds(Hospital(one_site.engine, one_site.knowledge, clock=Clock(NOW)))


@pytest.fixture
def readers(one_site: Site) -> Iterator[Sequence[Client]]:
    """Somebody of each role, signed in."""
    with ExitStack() as ending:
        found = []
        for role in WHO:
            one_site.add_user(role, role=role)
            client = ending.enter_context(one_site.client(canary_counts_for=timedelta(minutes=10)))
            found.append(sign_in(client, role))
        yield found


def words_of(rounds: Rounds) -> list[str]:
    """What would betray it: its number, its name, its sender, its feed."""
    return [rounds.number, "Canary^", "Synthetic", APPLICATION, CANARY]


def addresses(app: Litestar, newest: str) -> list[str]:
    """Every address that answers GET, about the newest message and the first of everything else."""
    paths = [route.path_format for route in app.routes if "GET" in getattr(route, "methods", ())]
    known = [path for path in paths if path not in ENDLESS and not path.startswith(("/schema", "/static"))]
    return [re.sub(r"\{(\w+)\}", lambda named: newest if named[1] == "message_id" else "1", path) for path in known]


def found_on(readers: Sequence[Client], rounds: Rounds) -> tuple[list[str], int]:
    """Which addresses betray it, and how many answered."""
    (newest,) = rounds.hospital.rows("SELECT max(id) FROM message")[0]
    betrayed, answered = [], 0
    for client in readers:
        for path in addresses(client.app, str(newest)):
            answer = client.get(path, follow_redirects=False)
            answered += answer.status_code == 200
            betrayed += [f"{path}: {word}" for word in words_of(rounds) if word in answer.text]
    return betrayed, answered


def test_no_address_shows_it_in_the_middle_of_a_round_or_after_it(rounds: Rounds, readers: Sequence[Client]) -> None:
    seen: list[tuple[list[str], int]] = []
    rounds.at_each_pause = lambda: seen.append(found_on(readers, rounds))

    rounds.canary.look()
    seen.append(found_on(readers, rounds))

    assert [betrayed for betrayed, _ in seen] == [[]] * 3
    assert min(answered for _, answered in seen) > 30


def test_who_looks_for_it_by_its_numbers_finds_what_anybody_finds(rounds: Rounds, readers: Sequence[Client]) -> None:
    rounds.canary.look()
    nobody = "f" * len(rounds.number)
    client = readers[0]

    for path in addresses(client.app, "1"):
        if path not in ANEW_EACH_TIME:
            first, second = (_answer(client, path, number) for number in (rounds.number, nobody))
            assert first == second, path


def _answer(client: Client, path: str, number: str) -> tuple[int, int, int]:
    """How an address answers who names a number in every way: with which status, how long, and how often named."""
    control_id, names = f"{number[:19]}H", ("q", "patient", "order", "number", "value", "state", "alert")
    asked = dict.fromkeys(names, number) | {"control_id": control_id, "feed": CANARY}
    answer = client.get(path, params=asked, follow_redirects=False)
    return answer.status_code, len(re.sub(r'(_csrf_token"|value=")[^"]*"', "", answer.text)), answer.text.count(number)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_shows_it(rounds: Rounds, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rounds.canary.look()
    monkeypatch.setenv("IVIGILANT_DATABASE_URL", rounds.hospital.engine.url.render_as_string(hide_password=False))

    told = CliRunner().invoke(command_line, words)

    assert told.exception is None or isinstance(told.exception, SystemExit)
    assert [word for word in words_of(rounds) if word in told.output] == []


def test_nothing_counts_sends_again_removes_or_proves_it(
    rounds: Rounds, readers: Sequence[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = rounds.hospital.engine
    before = _figures(engine)
    rounds.canary.look()
    stored = rounds.hospital.rows("SELECT count(*) FROM message")[0][0]
    metrics = readers[0].get("/metrics").text

    assert stored == 3
    assert _figures(engine) == before
    assert list(read_store(engine, NOW - timedelta(days=1))) == []
    assert 'ivigilant_messages{state="processed"} 0.0' in metrics
    monkeypatch.setenv("IVIGILANT_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    explained = CliRunner().invoke(command_line, ["explain", "--message", f"{rounds.number[:19]}O"])
    assert "there is no message" in str(explained.exception)


def _figures(engine: sa.Engine) -> list[Any]:
    later = NOW + timedelta(days=400)
    ages = Ages(timedelta(days=31), timedelta(days=31))
    with engine.connect() as connection:
        return [
            ledger.examine(connection, later, timedelta(minutes=15), []),
            message_queries.counts(connection),
            message_queries.count_messages(connection, "processed", 0),
            message_queries.count_messages(connection, "processed", 0, 10),
            message_queries.last_message_at(connection),
            message_queries.oldest_received_age(connection, later),
            retention.page(connection, ages, later, 0, 10),
            list(dump(connection)),
        ]
