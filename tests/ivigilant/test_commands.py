"""What a command prints, and what it leaves behind for a script."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer

from inbox.tokens import find_token
from ivigilant.cli import app
from store.engine import connect
from tests.ivigilant.processes import ivigilant


def every_command() -> list[tuple[str, ...]]:
    """Every command there is, by its words."""
    found: list[tuple[str, ...]] = []

    def walk(command: object, words: tuple[str, ...]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append(words)
            return
        for name, part in inner.items():
            walk(part, (*words, name))

    walk(typer.main.get_command(app), ())
    return found


def test_every_command_shows_an_example_that_begins_with_itself() -> None:
    without = []
    for words in every_command():
        command = typer.main.get_command(app)
        for word in words:
            command = command.commands[word]  # type: ignore[attr-defined]  # a group has commands
        if not re.search(rf"Example: .*ivigilant {' '.join(words)}\b", command.help or ""):
            without.append(words)

    assert len(every_command()) > 12
    assert without == []


def test_help_is_quick_and_leaves_zero() -> None:
    run = ivigilant("--help", within_s=10)

    assert run.returncode == 0
    assert "demo" in run.stdout


def test_an_odd_setting_is_one_line_and_exit_code_2() -> None:
    run = ivigilant("doctor", environment={"IVIGILANT_MLLP_PORT": "many"})

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("ivigilant: IVIGILANT_MLLP_PORT: ")
    assert run.stderr.count("\n") == 1


def test_a_token_is_all_that_token_create_prints(sqlite_url: str) -> None:
    run = ivigilant("token", "create", "--role", "pharmacist", "--name", "board", environment=database(sqlite_url))

    token = run.stdout.removesuffix("\n")
    assert run.returncode == 0
    assert "\n" not in token
    with connect(sqlite_url).connect() as connection:
        found = find_token(connection, token)
    assert found is not None
    assert (found.name, found.role) == ("board", "pharmacist")


def test_a_token_for_a_role_that_is_none_is_refused_in_one_line(sqlite_url: str) -> None:
    run = ivigilant("token", "create", "--role", "king", environment=database(sqlite_url))

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "ivigilant: the role is one of reader, pharmacist, admin\n"


def test_revoking_a_token_that_is_none_leaves_exit_code_1(sqlite_url: str) -> None:
    assert ivigilant("token", "revoke", "nobody", environment=database(sqlite_url)).returncode == 1


def test_a_password_may_come_through_standard_input(sqlite_url: str) -> None:
    words = ("user", "add", "a.visser", "--role", "pharmacist")

    runs = [ivigilant(*words, environment=database(sqlite_url), stdin=text) for text in ("short\n", "long enough 1\n")]

    assert [run.returncode for run in runs] == [1, 0]
    assert "10 characters" in runs[0].stderr


@pytest.mark.parametrize("words", [("token", "create"), ("user", "add", "x"), ("sweep",)])
def test_a_database_without_tables_says_what_to_run(tmp_path: Path, words: tuple[str, ...]) -> None:
    empty = database(f"sqlite:///{tmp_path / 'empty'}")

    run = ivigilant(*words, environment=empty, stdin="long enough 1\n")

    assert run.returncode == 4
    assert "ivigilant db upgrade" in run.stderr
    assert run.stderr.count("\n") == 1


def test_upgrading_makes_the_tables_and_may_be_done_twice(tmp_path: Path) -> None:
    fresh = database(f"sqlite:///{tmp_path / 'fresh'}")

    runs = [ivigilant("db", "upgrade", environment=fresh) for _ in range(2)]

    assert [run.returncode for run in runs] == [0, 0]
    assert "token" in sa.inspect(connect(f"sqlite:///{tmp_path / 'fresh'}")).get_table_names()


def test_knowledge_is_checked_listed_and_shown() -> None:
    check, listed = ivigilant("knowledge", "check"), ivigilant("knowledge", "list")
    rule = listed.stdout.split()[0]

    shown, unknown = ivigilant("knowledge", "show", rule), ivigilant("knowledge", "show", "IG-VTE-999")

    assert (check.returncode, listed.returncode, shown.returncode, unknown.returncode) == (0, 0, 0, 2)
    assert shown.stdout.startswith(f"id: {rule}\n")


def test_a_local_code_for_a_value_set_that_is_none_is_told(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("codes: [{system: ZKH, code: A1, value_set: no-such-set}]\n")

    run = ivigilant("knowledge", "check", environment={"IVIGILANT_SITE_FILE": str(site)})

    assert run.returncode == 2
    assert "no value set is called no-such-set" in run.stderr


def test_replaying_to_nobody_is_told_in_one_line_with_exit_code_1(tmp_path: Path) -> None:
    message = tmp_path / "one.hl7"
    message.write_bytes(b"MSH|^~\\&|EPD|ZH|||20260301||ADT^A08|1|P|2.5\r")

    run = ivigilant("replay", str(message), "--to", "127.0.0.1:1")

    assert run.returncode == 1
    assert run.stderr.startswith("ivigilant: no connection to 127.0.0.1:1")


@pytest.mark.parametrize("words", [("replay",), ("replay", "x", "--to", "nowhere"), ("replay", "/no/such/path")])
def test_a_replay_that_is_asked_wrongly_leaves_exit_code_2(words: tuple[str, ...]) -> None:
    assert ivigilant(*words).returncode == 2


def database(url: str) -> dict[str, str]:
    return {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"}
