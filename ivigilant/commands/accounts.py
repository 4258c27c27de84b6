"""`ivigilant user` and `ivigilant token`: who may look, and which programs may ask."""

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
    """The role is none of ours; the text names those that are."""

    exit_code = 2


class AccountNotMade(IvigilantError):
    """The name, the role or the password will not do; the text says why."""


@users.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    role: Role = "pharmacist",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Add somebody who signs in. The password is asked for, or read from standard input when that is no terminal.

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
    name: Annotated[str, typer.Option("--name", help="What the record shows for what it does.")] = "program",
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Make a token and print it, this once. Only its hash is kept.

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
        str | None, typer.Argument(help="The name it was made with; also as --name.", show_default=False)
    ] = None,
    named: Annotated[str | None, typer.Option("--name", help="The name it was made with.", show_default=False)] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """End every token of this name. Exit code 1 when there is none.

    Example: ivigilant token revoke --name dashboard
    """
    from inbox.people.credentials import revoke_token as revoke
    from store.engine import connect

    wanted = named or name
    if not wanted or (named and name):
        raise UnusableSettings("name one token to end: ivigilant token revoke --name NAME")
    engine = connect(read_settings(config, data_dir).database())
    with database_explained(), engine.begin() as connection:
        ended = revoke(connection, wanted, datetime.now(UTC))
    typer.echo(f"{ended} token(s) ended", err=True)
    if not ended:
        raise typer.Exit(1)


def require_role(role: str) -> None:
    """Refuse a role that is none before anything is asked."""
    from inbox.people.viewer import ROLES

    if role not in ROLES:
        raise NoSuchRole(f"--role {role}: the role is one of {', '.join(ROLES)}")


def read_password() -> str:
    """Ask for a password twice; or read it, when nobody is at a keyboard."""
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return password
    return sys.stdin.readline().rstrip("\n")


Name = Annotated[str, typer.Argument(help="The name she signs in with.")]


@users.command("list")
def list_users(config: Config = None, data_dir: DataDir = None) -> None:
    """List everybody who may sign in or might: name, role, since when, and whether the account was ended.

    Example: ivigilant user list
    """
    from inbox.people.accounts import every_user

    with _accounts(config, data_dir) as connection:
        for row in every_user(connection):
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}{'' if row.active else '  ended'}")


@users.command("password")
def set_password(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Give somebody another password; she signs in anew everywhere. Asked for as `user add` does.

    Example: ivigilant user password a.visser
    """
    from inbox.people.accounts import change_password

    password = read_password()
    with _accounts(config, data_dir) as connection:
        change_password(connection, name, password)
    typer.echo(f"{name} has another password", err=True)


@users.command("role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help="reader, pharmacist or admin.")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Give somebody another role; it holds at once.

    Example: ivigilant user role a.visser reader
    """
    from inbox.people.accounts import change_role

    require_role(role)
    with _accounts(config, data_dir) as connection:
        change_role(connection, name, role)
    typer.echo(f"{name} is {role}", err=True)


@users.command("end")
def end_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """End an account: who holds it is signed out at once and cannot sign in. What she did stays on record.

    Example: ivigilant user end a.visser
    """
    from inbox.people.accounts import end_account

    with _accounts(config, data_dir) as connection:
        end_account(connection, name)
    typer.echo(f"{name} may no longer sign in", err=True)


@users.command("resume")
def resume_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Let somebody whose account was ended sign in again, with the password and role of then.

    Example: ivigilant user resume a.visser
    """
    from inbox.people.accounts import resume_account

    with _accounts(config, data_dir) as connection:
        resume_account(connection, name)
    typer.echo(f"{name} may sign in again", err=True)


@tokens.command("list")
def list_tokens(config: Config = None, data_dir: DataDir = None) -> None:
    """List the tokens: name, role, since when, and since when they are ended. Never the token itself.

    Example: ivigilant token list
    """
    from inbox.people.credentials import every_token

    with _accounts(config, data_dir) as connection:
        for row in every_token(connection):
            ended = f"  ended {_day(row.revoked_at)}" if row.revoked_at else ""
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}{ended}")


@contextmanager
def _accounts(config: Path | None, data_dir: Path | None) -> "Iterator[sa.Connection]":
    """The accounts, to look at or to change together; what is refused is told in one line."""
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
