"""The command line. Each command imports what it needs when it runs, so that `--help` is quick."""

import errno
import os
import sys
from typing import Annotated, Any, cast

import typer

from ivigilant.commands import (
    accounts,
    audit,
    backup,
    erase,
    explain,
    export,
    history,
    knowledge,
    ledger,
    prune,
    replay,
    roles,
    stack,
    telling,
    upkeep,
)
from ivigilant.errors import IvigilantError, NotReady

EPILOG = "Settings: flags, IVIGILANT_… variables, or a TOML file named by --config. Exit codes: 0 done, 1 refused or \
a check failed, 2 usage error, 3 a part did not start, 4 something needed is missing."

# Its parent has the same name in every version of the package, and no place of its own.
USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])

WITHOUT_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EMFILE, errno.ENFILE)

app = typer.Typer(
    name="ivigilant",
    help="Checks every IVIg order on a hospital's HL7 feed for risk of venous thromboembolism.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (stack, roles, replay, explain, knowledge, history, upkeep, prune, backup):
    group.add_to(app)
app.add_typer(accounts.users, name="user")
app.add_typer(accounts.tokens, name="token")
app.add_typer(upkeep.database, name="db")
app.add_typer(audit.app, name="audit", rich_help_panel="Upkeep")
app.add_typer(erase.app, name="erase", rich_help_panel="Upkeep")
app.add_typer(erase.hold, name="hold", rich_help_panel="Upkeep")
app.add_typer(export.app, name="export", rich_help_panel="Messages")
app.add_typer(ledger.app, name="ledger", rich_help_panel="Upkeep")
app.add_typer(telling.app, name="telling", rich_help_panel="Upkeep")
app.add_typer(knowledge.app, name="knowledge")
app.add_typer(history.app, name="history", rich_help_panel="History")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"ivigilant {version('ivigilant')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take what holds for every command."""


def main() -> None:
    """Run one command; report an error in one line."""
    os.umask(0o077)  # what we write is about patients: for its owner alone, unless the code says otherwise
    try:
        code = app(prog_name="ivigilant", standalone_mode=False)
    except USAGE_ERROR as error:
        raise SystemExit(_show_usage(error)) from None
    except typer.Abort:
        print("ivigilant: aborted", file=sys.stderr)
        raise SystemExit(1) from None
    except IvigilantError as error:
        print(f"ivigilant: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in WITHOUT_ROOM:
            raise
        place = f" ({error.filename})" if error.filename else ""
        print(f"ivigilant: {os.strerror(error.errno).lower()}{place}; make room and try again", file=sys.stderr)
        raise SystemExit(NotReady.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _show_usage(error: Any) -> int:
    """Print what is wrong with the words of a command in one line, or the help when there are none."""
    text = " ".join(error.format_message().split())
    words = error.ctx.command_path if error.ctx is not None else "ivigilant"
    if text:
        print(f"{words}: {text[:1].lower()}{text[1:].rstrip('.')}; `{words} --help` says more", file=sys.stderr)
    else:
        error.show()
    return int(error.exit_code)
