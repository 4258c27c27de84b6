"""The accounts, for the administrator: who may sign in, with what role. Nobody can change their own account here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Template

from inbox.acting import Acting, Concerned, Done, carry_out
from inbox.errors import AccountRefused
from inbox.http.api_requests import id_of
from inbox.http.pages import page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import record_alone
from inbox.people.accounts import (
    add_user,
    change_password,
    change_role,
    end_account,
    every_user,
    resume_account,
)
from inbox.people.permissions import ROLES, Permission, needs
from inbox.people.second_factor import enrolled_users, reset
from store.engine import reading

Form = URLEncodedBody[dict[str, str]]


class OwnAccount(AccountRefused):
    """Administrators cannot change the account they are signed in with; another administrator does that."""


@dataclass(frozen=True, slots=True)
class AddAccount:
    """Add an account, whose password is changed at the first sign-in."""

    action: ClassVar[str] = "account_add"
    permission: ClassVar[Permission] = Permission.ACCOUNTS_MANAGE

    name: str
    role: str
    password: str

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return nothing of what was typed: a password may stand in the place of a name."""
        return Concerned("")

    def perform(self, acting: Acting) -> Done[None]:
        """Add it."""
        add_user(acting.connection, self.name, self.password, self.role, acting.now, must_change=True)
        return Done(None, f"account {self.name.strip()} {self.role}")


@dataclass(frozen=True, slots=True)
class ChangeAccount:
    """Change somebody else's account: its role, its password, or whether it may be used."""

    permission: ClassVar[Permission] = Permission.ACCOUNTS_MANAGE

    change: str
    name: str
    value: str = ""

    @property
    def action(self) -> str:
        """Its name."""
        return f"account_{self.change}"

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return the account."""
        return Concerned(f"account {self.name}")

    def perform(self, acting: Acting) -> Done[None]:
        """Change it."""
        if self.name == acting.actor:
            raise OwnAccount("nobody can change their own account")
        CHANGES[self.change](acting.connection, self.name, self.value)
        role = f" {self.value}" if self.change == "role" else ""
        return Done(None, f"account {self.name}{role}")


CHANGES: dict[str, Callable[[sa.Connection, str, str], None]] = {
    "role": change_role,
    "password": lambda connection, name, value: change_password(connection, name, value, must_change=True),
    "end": lambda connection, name, _: end_account(connection, name),
    "second_factor": lambda connection, name, _: reset(connection, name),
    "resume": lambda connection, name, _: resume_account(connection, name),
}


@get("/accounts", opt=needs(Permission.ACCOUNTS_MANAGE), include_in_schema=False, sync_to_thread=True)
def show_accounts(request: AnyRequest) -> Template:
    """Show every account."""
    record_alone(parts_of(request), request.user, "account_list")
    return _show(request, 200, None)


@post("/accounts", opt=needs(Permission.ACCOUNTS_MANAGE), include_in_schema=False, sync_to_thread=True)
def add_account(request: AnyRequest, data: Form) -> Response[Any]:
    """Add one."""
    act = AddAccount(data.get("name", ""), data.get("role", ""), data.get("password", ""))
    try:
        carry_out(parts_of(request), request.user, act)
    except AccountRefused as error:
        return _show(request, 422, error)
    return to_page("/accounts")


@post(
    "/accounts/{user_id:str}/{change:str}",
    opt=needs(Permission.ACCOUNTS_MANAGE),
    include_in_schema=False,
    sync_to_thread=True,
)
def change_account(request: AnyRequest, user_id: FromPath[str], change: FromPath[str], data: Form) -> Response[Any]:
    """Change one."""
    parts, number = parts_of(request), id_of(user_id)
    with reading(parts.engine) as connection:
        name = next((each.name for each in every_user(connection) if each.id == number), None)
    if name is None or change not in CHANGES:
        raise NotFoundException
    try:
        carry_out(parts, request.user, ChangeAccount(change, name, data.get("value", "")))
    except AccountRefused as error:
        return _show(request, 422, error)
    return to_page("/accounts")


def _show(request: AnyRequest, status: int, fault: AccountRefused | None) -> Template:
    with reading(parts_of(request).engine) as connection:
        rows, enrolled = every_user(connection), enrolled_users(connection)
    reason = None if fault is None else "own" if isinstance(fault, OwnAccount) else "refused"
    return page(request, "accounts.html", status, rows=rows, enrolled=enrolled, roles=tuple(ROLES), fault=reason)
