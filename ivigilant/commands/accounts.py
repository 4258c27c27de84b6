"""`ivigilant user` and `ivigilant token`: the people and programs that have access."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import IvigilantError, UnusableSettings

if TYPE_CHECKING:
    import sqlalchemy as sa


users = typer.Typer(help="People who sign in.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens for programs that use the API.", no_args_is_help=True)

Role = Annotated[str, typer.Option("--role", help="reader, pharmacist or admin.")]


class NoSuchRole(IvigilantError):
    """The role does not exist; the text lists those that do."""

    exit_code = 2


class AccountNotMade(IvigilantError):
    """The name, role or password is not acceptable; the text says why."""


@users.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    role: Role = "pharmacist",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Add a user. The password is asked for, or read from standard input when that is not a terminal.

    Example: ivigilant user add a.visser --role pharmacist
    """
    from inbox.errors import AccountRefused
    from inbox.people.accounts import add_user as add
    from store.engine import connect

    require_role(role)
    password = read_password()
    engine = connect(read_settings(config, data_dir).database())
    with database_explained():
        try:
            with engine.begin() as connection:
                add(connection, name, password, role, datetime.now(UTC))
        except AccountRefused as error:
            raise AccountNotMade(str(error)) from None
    typer.echo(f"{name} may sign in as {role}", err=True)


@tokens.command("create")
def create_token(
    role: Role = "reader",
    name: Annotated[str, typer.Option("--name", help="The name shown in the record for what it does.")] = "program",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Create a token and print it, once only. Only its hash is stored.

    Example: TOKEN=$(ivigilant token create --role reader --name dashboard)
    """
    from inbox.errors import AccountRefused
    from inbox.people.credentials import create_token as create
    from store.engine import connect

    require_role(role)
    engine = connect(read_settings(config, data_dir).database())
    with database_explained():
        try:
            with engine.begin() as connection:
                token = create(connection, name, role, datetime.now(UTC))
        except AccountRefused as error:
            raise AccountNotMade(str(error)) from None
    typer.echo(token)


@tokens.command("revoke")
def revoke_token(
    name: Annotated[
        str | None, typer.Argument(help="The name it was created with, or --name.", show_default=False)
    ] = None,
    named: Annotated[
        str | None, typer.Option("--name", help="The name it was created with.", show_default=False)
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Revoke every token of this name. Exit code 1 if there is none.

    Example: ivigilant token revoke --name dashboard
    """
    from inbox.people.credentials import revoke_token as revoke
    from store.engine import connect

    wanted = named or name
    if not wanted or (named and name):
        raise UnusableSettings("name the token to revoke: ivigilant token revoke --name NAME")
    engine = connect(read_settings(config, data_dir).database())
    with database_explained(), engine.begin() as connection:
        ended = revoke(connection, wanted, datetime.now(UTC))
    typer.echo(f"{ended} token(s) revoked", err=True)
    if not ended:
        raise typer.Exit(1)


def require_role(role: str) -> None:
    """Refuse an unknown role before anything is asked."""
    from inbox.people.viewer import ROLES

    if role not in ROLES:
        raise NoSuchRole(f"--role {role}: the role is one of {', '.join(ROLES)}")


def read_password() -> str:
    """Ask for a password twice, or read it from standard input when that is not a terminal."""
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    return sys.stdin.readline().rstrip("\n")


Name = Annotated[str, typer.Argument(help="The name to sign in with.")]


@users.command("list")
def list_users(config: Config = None, data_dir: DataDir = None) -> None:
    """List all accounts: name, role, since when, and whether the account is closed.

    Example: ivigilant user list
    """
    from inbox.people.accounts import every_user

    with _accounts(config, data_dir) as connection:
        for row in every_user(connection):
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}{'' if row.active else '  ended'}")


@users.command("password")
def set_password(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Change a user's password, and sign the user out everywhere. It is asked for as in `user add`.

    Example: ivigilant user password a.visser
    """
    from inbox.people.accounts import change_password

    password = read_password()
    with _accounts(config, data_dir) as connection:
        change_password(connection, name, password)
    typer.echo(f"{name} has a new password", err=True)


@users.command("role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help="reader, pharmacist or admin.")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Change a user's role; it takes effect at once.

    Example: ivigilant user role a.visser reader
    """
    from inbox.people.accounts import change_role

    require_role(role)
    with _accounts(config, data_dir) as connection:
        change_role(connection, name, role)
    typer.echo(f"{name} is {role}", err=True)


@users.command("end")
def end_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Close an account: the user is signed out at once and cannot sign in. The record of what the user did stays.

    Example: ivigilant user end a.visser
    """
    from inbox.people.accounts import end_account

    with _accounts(config, data_dir) as connection:
        end_account(connection, name)
    typer.echo(f"{name} may no longer sign in", err=True)


@users.command("resume")
def resume_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Reopen a closed account, with its former password and role.

    Example: ivigilant user resume a.visser
    """
    from inbox.people.accounts import resume_account

    with _accounts(config, data_dir) as connection:
        resume_account(connection, name)
    typer.echo(f"{name} may sign in again", err=True)


@tokens.command("list")
def list_tokens(config: Config = None, data_dir: DataDir = None) -> None:
    """List the tokens: name, role, when created and when revoked. The token itself is never shown.

    Example: ivigilant token list
    """
    from inbox.people.credentials import every_token

    with _accounts(config, data_dir) as connection:
        for row in every_token(connection):
            ended = f"  ended {_day(row.revoked_at)}" if row.revoked_at else ""
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}{ended}")


@contextmanager
def _accounts(config: Path | None, data_dir: Path | None) -> "Iterator[sa.Connection]":
    """Open the accounts for one transaction; report a refusal in one line."""
    from inbox.errors import AccountRefused
    from store.engine import connect

    engine = connect(read_settings(config, data_dir).database())
    try:
        with database_explained(), engine.begin() as connection:
            yield connection
    except AccountRefused as error:
        raise AccountNotMade(str(error)) from None


def _day(at: datetime) -> str:
    return at.astimezone().date().isoformat()
