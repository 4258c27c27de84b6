"""People and programs come and go, and an administrator says so on the command line."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from inbox.people.accounts import check_password
from store import tables
from store.access_log import LineFilter, oldest_lines
from store.engine import connect
from tests.ivigilant.processes import ivigilant
from tests.store.builders import NOW

FIRST, SECOND = "long enough 1\n", "long enough 2\n"


@pytest.fixture
def place(sqlite_url: str) -> dict[str, str]:
    """A database in which a.visser signs in."""
    place = {"IVIGILANT_DATABASE_URL": sqlite_url}
    assert ivigilant("user", "add", "a.visser", environment=place, stdin=FIRST).returncode == 0
    return place


def may_sign_in(place: dict[str, str], password: str) -> bool:
    with connect(place["IVIGILANT_DATABASE_URL"]).connect() as connection:
        return check_password(connection, "a.visser", password.strip()) is not None


def sessions(place: dict[str, str]) -> int:
    with connect(place["IVIGILANT_DATABASE_URL"]).connect() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(tables.session)) or 0)


def signed_in(place: dict[str, str]) -> None:
    with connect(place["IVIGILANT_DATABASE_URL"]).begin() as connection:
        number = connection.scalar(sa.select(tables.user.c.id))
        times = {"created_at": NOW, "seen_at": NOW, "expires_at": NOW}
        connection.execute(sa.insert(tables.session).values(token_hash=b"h" * 32, user_id=number, **times))


def test_an_account_that_is_ended_is_signed_out_and_may_be_resumed(place: dict[str, str]) -> None:
    signed_in(place)

    ended = ivigilant("user", "end", "a.visser", environment=place)
    listed = ivigilant("user", "list", environment=place).stdout
    could = may_sign_in(place, FIRST)
    ivigilant("user", "resume", "a.visser", environment=place)

    assert (ended.returncode, ended.stderr) == (0, "a.visser may no longer sign in\n")
    assert listed.split()[:2] == ["a.visser", "pharmacist"]
    assert listed.rstrip().endswith("ended")
    assert (could, may_sign_in(place, FIRST), sessions(place)) == (False, True, 0)


def test_another_password_ends_what_the_old_one_opened(place: dict[str, str]) -> None:
    signed_in(place)

    short = ivigilant("user", "password", "a.visser", environment=place, stdin="short\n")
    run = ivigilant("user", "password", "a.visser", environment=place, stdin=SECOND)

    assert (short.returncode, run.returncode) == (1, 0)
    assert (may_sign_in(place, FIRST), may_sign_in(place, SECOND), sessions(place)) == (False, True, 0)


def test_a_role_is_changed_and_one_that_is_none_is_wrong_usage(place: dict[str, str]) -> None:
    runs = [ivigilant("user", "role", "a.visser", role, environment=place) for role in ("viewer", "boss")]

    assert [run.returncode for run in runs] == [0, 2]
    assert "viewer" in ivigilant("user", "list", environment=place).stdout


@pytest.mark.parametrize("words", [("end",), ("resume",), ("password",), ("role",)])
def test_an_account_that_is_none_is_told_in_one_line(place: dict[str, str], words: tuple[str, ...]) -> None:
    more = ("viewer",) if words == ("role",) else ()

    run = ivigilant("user", *words, "nobody", *more, environment=place, stdin=SECOND)

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "ivigilant: nobody signs in as nobody; who does: ivigilant user list\n"


def test_tokens_are_listed_without_themselves(place: dict[str, str]) -> None:
    token = ivigilant("token", "create", "--name", "board", environment=place).stdout.strip()
    ivigilant("token", "revoke", "--name", "board", environment=place)

    listed = ivigilant("token", "list", environment=place).stdout

    assert listed.split()[:2] == ["board", "viewer"]
    assert "ended" in listed
    assert token not in listed


def test_a_data_folder_that_is_not_there_is_what_is_asked_about(tmp_path: Path) -> None:
    run = ivigilant("user", "list", "--data-dir", str(tmp_path / "elsewhere"))

    assert (run.returncode, run.stdout) == (4, "")
    assert run.stderr == (
        "ivigilant: there is no database; say where it is with --data-dir, or create one: ivigilant db upgrade\n"
    )


def test_what_is_done_with_accounts_and_tokens_is_recorded_and_a_refusal_without_what_was_typed(
    place: dict[str, str],
) -> None:
    ivigilant("user", "role", "a.visser", "lead", environment=place)
    ivigilant("user", "password", "a secret typed here", environment=place, stdin=SECOND)
    ivigilant("token", "create", "--role", "operator", "--scope", "metrics:read", "--name", "board", environment=place)
    ivigilant("token", "revoke", "--name", "ivg_a_token", environment=place)

    with connect(place["IVIGILANT_DATABASE_URL"]).connect() as connection:
        lines = list(oldest_lines(connection, LineFilter()))
    assert [(line.action, line.outcome) for line in lines] == [
        ("account_add", "done"),
        ("account_role", "done"),
        ("account_password", "refused"),
        ("token_create", "done"),
        ("token_revoke", "refused"),
    ]
    assert [line.object for line in lines[:3]] == ["account a.visser pharmacist", "account a.visser lead", ""]
    assert lines[3].object.startswith("token board operator until ")
    assert lines[3].object.endswith(" metrics:read")
    assert lines[4].object == ""
    assert {line.role for line in lines} == {"command line"}


def test_a_second_factor_that_was_lost_is_removed_and_its_user_signed_out_which_is_recorded(
    place: dict[str, str],
) -> None:
    signed_in(place)
    with connect(place["IVIGILANT_DATABASE_URL"]).begin() as connection:
        number = connection.scalar(sa.select(tables.user.c.id))
        connection.execute(sa.update(tables.user).values(totp_secret="sealed", totp_step=1))
        connection.execute(sa.insert(tables.recovery_code).values(user_id=number, code_hash=b"h" * 32))

    runs = [ivigilant("user", "second-factor", name, environment=place) for name in ("a.visser", "a.visser", "nobody")]

    with connect(place["IVIGILANT_DATABASE_URL"]).connect() as connection:
        kept = connection.execute(sa.select(tables.user.c.totp_secret, tables.user.c.totp_step)).one()
        codes = connection.scalar(sa.select(sa.func.count()).select_from(tables.recovery_code))
        lines = [line for line in oldest_lines(connection, LineFilter()) if line.action == "account_second_factor"]
    assert [(run.returncode, run.stdout, run.stderr) for run in runs] == [
        (0, "", "a.visser has no second factor any more\n"),
        (1, "", "ivigilant: a.visser has no second factor\n"),
        (1, "", "ivigilant: nobody signs in as nobody; who does: ivigilant user list\n"),
    ]
    assert (kept.totp_secret, kept.totp_step, codes, sessions(place)) == (None, None, 0, 0)
    assert [(line.object, line.outcome) for line in lines] == [
        ("account a.visser", "done"),
        ("", "refused"),
        ("", "refused"),
    ]
    assert may_sign_in(place, FIRST)
