"""`ivigilant user list | password | role | end | resume` and `ivigilant token list`: as people come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.accounts import AccountNotMade, read_password, require_role
from ivigilant.commands.options import Config, DataDir, database_explained, read_settings

if TYPE_CHECKING:
    import sqlalchemy as sa

Name = Annotated[str, typer.Argument(help="The name she signs in with.")]


def add_to(users: typer.Typer, tokens: typer.Typer) -> None:
    """Add these commands."""
    users.command("list")(list_users)
    users.command("password")(set_password)
    users.command("role")(set_role)
    users.command("end")(end_user)
    users.command("resume")(resume_user)
    tokens.command("list")(list_tokens)


def list_users(config: Config = None, data_dir: DataDir = None) -> None:
    """List everybody who may sign in or might: name, role, since when, and whether the account was ended.

    Example: ivigilant user list
    """
    from inbox.people.accounts import every_user

    with _accounts(config, data_dir) as connection:
        for row in every_user(connection):
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}{'' if row.active else '  ended'}")


def set_password(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Give somebody another password; she signs in anew everywhere. Asked for as `user add` does.

    Example: ivigilant user password a.visser
    """
    from inbox.people.accounts import change_password

    password = read_password()
    with _accounts(config, data_dir) as connection:
        change_password(connection, name, password)
    typer.echo(f"{name} has another password", err=True)


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


def end_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """End an account: who holds it is signed out at once and cannot sign in. What she did stays on record.

    Example: ivigilant user end a.visser
    """
    from inbox.people.accounts import end_account

    with _accounts(config, data_dir) as connection:
        end_account(connection, name)
    typer.echo(f"{name} may no longer sign in", err=True)


def resume_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Let somebody whose account was ended sign in again, with the password and role of then.

    Example: ivigilant user resume a.visser
    """
    from inbox.people.accounts import resume_account

    with _accounts(config, data_dir) as connection:
        resume_account(connection, name)
    typer.echo(f"{name} may sign in again", err=True)


def list_tokens(config: Config = None, data_dir: DataDir = None) -> None:
    """List the tokens: name, role, since when, and since when they are ended. Never the token itself.

    Example: ivigilant token list
    """
    from inbox.people.tokens import every_token

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
