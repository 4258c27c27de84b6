"""What a command prints, and what it leaves behind for a script."""

import re
import socket
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer

from inbox.people.credentials import find_token
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


def test_the_version_is_that_of_the_distribution() -> None:
    run = ivigilant("--version", from_nothing=True)

    assert (run.returncode, run.stdout) == (0, f"ivigilant {metadata.version('ivigilant')}\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nonsense"], "ivigilant: no such command 'nonsense'; `ivigilant --help` says more\n"),
        (["work", "--nope"], "ivigilant work: no such option: --nope; `ivigilant work --help` says more\n"),
        (["replay", "README.md", "--to", ":2575"], "ivigilant: --to :2575: write HOST:PORT\n"),
    ],
)
def test_a_usage_error_is_one_line_that_names_the_command(words: list[str], text: str) -> None:
    run = ivigilant(*words)

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == text


def test_a_shell_completes_what_was_begun() -> None:
    asked = {"_IVIGILANT_COMPLETE": "complete_bash", "COMP_WORDS": "ivigilant tok", "COMP_CWORD": "1"}

    run = ivigilant(environment=asked)

    assert (run.returncode, run.stdout.split()) == (0, ["token"])


def test_help_is_quick_and_leaves_zero() -> None:
    run = ivigilant("--help", within_s=10, from_nothing=True)

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
        found = find_token(connection, token, datetime.now(UTC))
    assert found is not None
    assert (found.name, found.role) == ("board", "pharmacist")


def test_revoking_a_token_that_is_none_leaves_exit_code_1(sqlite_url: str) -> None:
    assert ivigilant("token", "revoke", "nobody", environment=database(sqlite_url)).returncode == 1


def test_a_password_may_come_through_standard_input(sqlite_url: str) -> None:
    words = ("user", "add", "a.visser", "--role", "pharmacist")

    runs = [ivigilant(*words, environment=database(sqlite_url), stdin=text) for text in ("short\n", "long enough 1\n")]

    assert [run.returncode for run in runs] == [1, 0]
    assert "10 to 200 characters" in runs[0].stderr


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


@pytest.mark.parametrize("words", [("user", "add", "x", "--role", "boss"), ("token", "create", "--role", "boss")])
def test_a_role_that_is_none_is_wrong_usage_and_told_before_a_password_is_asked(words: tuple[str, ...]) -> None:
    run = ivigilant(*words)

    assert (run.returncode, run.stdout) == (2, "")
    roles = "viewer, pharmacist, lead, operator, administrator, auditor"
    assert run.stderr == f"ivigilant: --role boss: the role is one of {roles}\n"


@pytest.mark.parametrize("words", [("board",), ("--name", "board")])
def test_a_token_is_ended_by_the_words_it_was_made_with(sqlite_url: str, words: tuple[str, ...]) -> None:
    ivigilant("token", "create", "--name", "board", environment=database(sqlite_url))

    run = ivigilant("token", "revoke", *words, environment=database(sqlite_url))

    assert (run.returncode, run.stderr) == (0, "1 token(s) revoked\n")


@pytest.mark.parametrize("words", [(), ("board", "--name", "other")])
def test_ending_no_token_or_two_is_wrong_usage(words: tuple[str, ...]) -> None:
    run = ivigilant("token", "revoke", *words)

    assert run.returncode == 2
    assert run.stderr == "ivigilant: name the token to revoke: ivigilant token revoke --name NAME\n"


def test_doctor_looks_at_nothing_that_does_not_exist() -> None:
    run = ivigilant("doctor", "--only", "nobody")

    assert run.returncode == 2
    assert run.stderr == "ivigilant: --only nobody: it is one of listener, worker, beat, inbox\n"


@pytest.mark.parametrize("address", ["nonsense", "mysql://a@b/c", ""])
def test_an_address_of_no_database_we_know_is_one_line(address: str) -> None:
    run = ivigilant("token", "create", environment={"IVIGILANT_DATABASE_URL": address})

    assert run.returncode == 2
    assert run.stderr == (
        "ivigilant: IVIGILANT_DATABASE_URL: should look like sqlite:///path or postgresql://user@host/name\n"
    )


@pytest.mark.parametrize("words", [("token", "create"), ("sweep",), ("db", "upgrade"), ("prune",)])
def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "letter.txt").write_text("Dear colleague, this is a letter. " * 200)
    settings = {"IVIGILANT_REDIS_URL": "redis://127.0.0.1:1"} | database(f"sqlite:///{tmp_path / 'letter.txt'}")

    run = ivigilant(*words, environment=settings)

    assert (run.returncode, run.stdout) == (4, "")
    assert run.stderr == "ivigilant: the database cannot be read: file is not a database\n"


@pytest.mark.parametrize("words", [("knowledge", "check"), ("knowledge", "list"), ("up",)])
def test_a_folder_without_rules_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    empty = {"IVIGILANT_KNOWLEDGE_DIR": str(tmp_path), "IVIGILANT_DATA_DIR": str(tmp_path / "data")}
    nowhere = empty | {"IVIGILANT_KNOWLEDGE_DIR": str(tmp_path / "nowhere")}

    runs = [ivigilant(*words, environment=each) for each in (empty, nowhere)]

    assert [(run.returncode, run.stderr) for run in runs] == [
        (2, f"ivigilant: IVIGILANT_KNOWLEDGE_DIR: {tmp_path} holds no knowledge: it has no folder called library\n"),
        (2, f"ivigilant: IVIGILANT_KNOWLEDGE_DIR: {tmp_path / 'nowhere'} is not a folder\n"),
    ]


@pytest.mark.parametrize("command", ["listen", "serve"])
def test_a_port_in_use_is_one_line_for_a_role_of_its_own(sqlite_url: str, command: str) -> None:
    settings = {"IVIGILANT_REDIS_URL": "redis://127.0.0.1:1", "IVIGILANT_SECRET_KEY": "s" * 32}

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = ivigilant(command, "--port", str(port), environment=settings | database(sqlite_url))

    assert run.returncode == 4
    assert run.stderr == (
        f"ivigilant: cannot listen on 127.0.0.1:{port} (address already in use); choose another with --port\n"
    )


def test_a_host_that_does_not_exist_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "one.hl7").write_text("MSH|^~\\&|EPD|ZKHA|||20261121||ADT^A01|1|P|2.5\r")

    run = ivigilant("replay", str(tmp_path), "--to", "nobody.invalid:2575")

    assert run.returncode == 1
    assert run.stderr == "ivigilant: no connection to nobody.invalid:2575 (no such host)\n"
