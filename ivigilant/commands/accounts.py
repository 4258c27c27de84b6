"""`ivigilant user` and `ivigilant token`: the people and programs that have access."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import IvigilantError, UnusableSettings

if TYPE_CHECKING:
    import sqlalchemy as sa


users = typer.Typer(help="People who sign in.", no_args_is_help=True)
tokens = typer.Typer(help="Tokens for programs that use the API.", no_args_is_help=True)

Role = Annotated[str, typer.Option("--role", help="viewer, pharmacist, lead, operator, administrator or auditor.")]


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
    """Add a user, who chooses another password at the first sign-in.

    The password is asked for, or read from standard input when that is not a terminal.

    Example: ivigilant user add a.visser --role pharmacist
    """
    from inbox.people.accounts import add_user as add

    require_role(role)
    password = read_password()
    with _accounts(config, data_dir, "account_add", f"account {name.strip()} {role}") as connection:
        add(connection, name, password, role, datetime.now(UTC), must_change=True)
    typer.echo(f"{name} may sign in as {role}", err=True)


@tokens.command("create")
def create_token(
    role: Role = "viewer",
    name: Annotated[str, typer.Option("--name", help="The name shown in the record for what it does.")] = "program",
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it may use of its role, such as alerts:read; repeat. None: all of it."),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="For how many days it is valid.")] = 365,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Create a token and print it, once only. Only its hash is stored.

    Example: TOKEN=$(ivigilant token create --role operator --scope messages:read --name dashboard --days 90)
    """
    from inbox.people.credentials import create_token as create

    require_role(role)
    now = datetime.now(UTC)
    end = now + timedelta(days=days)
    what = f"token {name.strip()} {role} until {_day(end)} {' '.join(sorted(scopes or ()))}".strip()
    with _accounts(config, data_dir, "token_create", what) as connection:
        token = create(connection, name, role, now, scopes=scopes or (), expires_at=end)
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
    from inbox.errors import AccountRefused
    from inbox.people.credentials import revoke_token as revoke

    wanted = named or name
    if not wanted or (named and name):
        raise UnusableSettings("name the token to revoke: ivigilant token revoke --name NAME")
    with _accounts(config, data_dir, "token_revoke", f"token {wanted}") as connection:
        ended = revoke(connection, wanted, datetime.now(UTC))
        if not ended:
            raise AccountRefused("no token of this name can be revoked; which there are: ivigilant token list")
    typer.echo(f"{ended} token(s) revoked", err=True)


def require_role(role: str) -> None:
    """Refuse an unknown role before anything is asked."""
    from inbox.people.permissions import ROLES

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

    with _accounts(config, data_dir, "account_list", "") as connection:
        for row in every_user(connection):
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}{'' if row.active else '  ended'}")


@users.command("password")
def set_password(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Change a user's password, and sign the user out everywhere. It is asked for as in `user add`.

    Example: ivigilant user password a.visser
    """
    from inbox.people.accounts import change_password

    password = read_password()
    with _accounts(config, data_dir, "account_password", f"account {name}") as connection:
        change_password(connection, name, password, must_change=True)
    typer.echo(f"{name} has a new password", err=True)


@users.command("second-factor")
def reset_second_factor(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Remove the second factor of a user who lost the authenticator and the recovery codes, and sign the user out.

    Example: ivigilant user second-factor a.visser
    """
    from inbox.people.second_factor import reset

    with _accounts(config, data_dir, "account_second_factor", f"account {name}") as connection:
        reset(connection, name)
    typer.echo(f"{name} has no second factor any more", err=True)


@users.command("role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, pharmacist, lead, operator, administrator or auditor.")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Change a user's role; it takes effect at once.

    Example: ivigilant user role a.visser viewer
    """
    from inbox.people.accounts import change_role

    require_role(role)
    with _accounts(config, data_dir, "account_role", f"account {name} {role}") as connection:
        change_role(connection, name, role)
    typer.echo(f"{name} is {role}", err=True)


@users.command("end")
def end_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Close an account: the user is signed out at once and cannot sign in. The record of what the user did stays.

    Example: ivigilant user end a.visser
    """
    from inbox.people.accounts import end_account

    with _accounts(config, data_dir, "account_end", f"account {name}") as connection:
        end_account(connection, name)
    typer.echo(f"{name} may no longer sign in", err=True)


@users.command("resume")
def resume_user(name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """Reopen a closed account, with its former password and role.

    Example: ivigilant user resume a.visser
    """
    from inbox.people.accounts import resume_account

    with _accounts(config, data_dir, "account_resume", f"account {name}") as connection:
        resume_account(connection, name)
    typer.echo(f"{name} may sign in again", err=True)


@tokens.command("list")
def list_tokens(config: Config = None, data_dir: DataDir = None) -> None:
    """List the tokens: name, role, when created, until when, and scopes. The token itself is never shown.

    Example: ivigilant token list
    """
    from inbox.people.credentials import every_token

    with _accounts(config, data_dir, "token_list", "") as connection:
        for row in every_token(connection):
            until = f"until {_day(row.expires_at)}" if row.expires_at else "no end"
            ended = f"ended {_day(row.revoked_at)}" if row.revoked_at else until
            typer.echo(f"{row.name:<30} {row.role:<11} {_day(row.created_at)}  {ended}  {row.scopes}".rstrip())


@contextmanager
def _accounts(config: Path | None, data_dir: Path | None, action: str, what: str) -> "Iterator[sa.Connection]":
    """Open the accounts for one transaction, and record it; report a refusal in one line.

    A refusal is recorded without what was typed: it may have been a password.
    """
    from inbox.errors import AccountRefused
    from ivigilant.command_user import record_command
    from store.engine import connect

    engine = connect(read_settings(config, data_dir).database())
    with database_explained():
        try:
            with engine.begin() as connection:
                yield connection
                record_command(connection, action, what)
        except AccountRefused as error:
            with engine.begin() as connection:
                record_command(connection, action, "", done=False)
            raise AccountNotMade(str(error)) from None


def _day(at: datetime) -> str:
    return at.astimezone().date().isoformat()
