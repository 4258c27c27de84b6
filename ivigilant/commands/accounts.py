"""`ivigilant user` and `ivigilant token`: who may look, and which programs may ask."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import IvigilantError, UnusableSettings

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
    from inbox.people.tokens import create_token as create
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
    from inbox.people.tokens import revoke_token as revoke
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
