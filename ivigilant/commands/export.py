"""`ivigilant export pseudonymised | key`: stored messages for a test system, in which nobody is found."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import ExportRefused, IvigilantError, UnusableSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ivigilant.pseudonyms.export import Exported, Wanted
    from ivigilant.pseudonyms.keyed import Pseudonyms

app = typer.Typer(help="Stored messages for a test system.", no_args_is_help=True)


@app.command("pseudonymised")
def pseudonymised(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write; it must not exist.")],
    purpose: Annotated[str, typer.Option("--purpose", help="Why it is needed; the access log keeps it.")],
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            help="A key of export key: another export with it has the same pseudonyms. Without it nobody can tell.",
            metavar="FILE",
        ),
    ] = None,
    feed: Annotated[str, typer.Option("--feed", help="Of this feed alone.")] = "",
    days: Annotated[int | None, typer.Option("--days", min=1, help="Of the last so many days.")] = None,
    patient: Annotated[
        list[str] | None, typer.Option("--patient", help="About this patient alone: VALUE or AUTHORITY|VALUE; repeat.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="The first so many.")] = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="Long texts too: the words of the knowledge in them, and amounts.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Write stored messages as files that `ivigilant replay` sends to a test system, in which nobody is found.

    Only fields that the rules read leave, in the form that their kind allows; everything else is emptied. Numbers,
    names and dates are those of nobody, the same for one patient throughout. report.csv says what became of each field.
    It stays personal data: whoever has the messages and the key finds the patient again.

    Example: ivigilant export pseudonymised /tmp/test --days 30 --purpose 'acceptance test of release 0.2'
    """
    from ivigilant.commands.history import quiet
    from ivigilant.pseudonyms.export import Wanted, chosen, export, left_out, people_in
    from ivigilant.site import load_site
    from ivigilant.site_choices import worker_site
    from store.engine import connect, snapshot

    settings = quiet(read_settings(config, data_dir))
    now = datetime.now(UTC)
    if not purpose.strip():
        raise UnusableSettings("--purpose: say why it is needed")
    with database_explained():
        engine = connect(settings.database())
        try:
            site, pseudonyms = worker_site(load_site(settings.site_file), settings), _pseudonyms(key)
            with snapshot(engine) as connection:
                whom = _whom(connection, patient) if patient else None
                wanted = Wanted(feed, now - timedelta(days=days) if days else None, None, whom, count)
                ids = chosen(connection, wanted)
                people = people_in(connection, ids)
                _record(engine, _chosen_as(wanted, len(ids)), purpose, people)
                _make(folder)
                with _progress(len(ids)) as report:
                    done = export(connection, ids, folder, site, pseudonyms, now, texts=texts, report=report)
                never_read = left_out(connection, wanted)
        except IvigilantError as error:
            _record(engine, f"refused: {error}", purpose, (), done=False)
            raise
    _show(done, folder, never_read)


@app.command("key")
def key(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
) -> None:
    """Make a key, with which several exports have the same pseudonyms. Whoever has it can find patients again.

    Example: ivigilant export key /etc/ivigilant/pseudonyms.key
    """
    from ivigilant.erasure_register import make_key

    make_key(target)
    typer.echo(f"{target}: keep it from whoever gets an export")


def _pseudonyms(path: Path | None) -> "Pseudonyms":
    from ivigilant.erasure_register import read_secret
    from ivigilant.pseudonyms.keyed import Pseudonyms

    return Pseudonyms() if path is None else Pseudonyms(read_secret(path, "--key"))


def _whom(connection: "sa.Connection", numbers: list[str]) -> set[int]:
    from worker.erase import person_with

    found: set[int] = set()
    for number in numbers:
        members = person_with(connection, number)
        if not isinstance(members, frozenset):
            why = "several patients have this number" if members.kind == "several" else "no patient has this number"
            raise ExportRefused(f"--patient: {why}; name it as AUTHORITY|VALUE")
        found |= members
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=False)
    except FileExistsError:
        raise ExportRefused(f"{folder} exists; an export goes to a new folder") from None
    except OSError as error:
        raise ExportRefused(f"{folder} cannot be made ({error.strerror})") from None


def _chosen_as(wanted: "Wanted", count: int) -> str:
    """Say what was chosen, without a number of a patient."""
    said = [f"{count} messages"]
    said += [f"of feed {wanted.feed}"] if wanted.feed else []
    said += [f"since {wanted.since:%Y-%m-%d}"] if wanted.since else []
    said += ["of named patients"] if wanted.patients is not None else []
    return " ".join(said)


def _record(engine: "sa.Engine", what: str, purpose: str, patients: Collection[int], *, done: bool = True) -> None:
    """Write in the access log whose messages leave, before any does."""
    from ivigilant.command_user import record_command

    with engine.begin() as connection:
        record_command(
            connection,
            "export_pseudonymised",
            what,
            patients=sorted(patients) or [None],
            purpose=purpose.strip(),
            done=done,
        )


def _show(done: "Exported", folder: Path, never_read: int) -> None:
    totals: dict[str, int] = {}
    for (_, what), times in done.fields.of.items():
        totals[what] = totals.get(what, 0) + times
    said = ", ".join(f"{times:,} {what}" for what, times in sorted(totals.items(), key=lambda each: -each[1]))
    resources = f" and {done.resources} resources" if done.resources else ""
    typer.echo(f"{done.messages} messages{resources} in {folder}")
    typer.echo(f"fields: {said}; {folder / 'report.csv'} says which")
    if done.withheld:
        typer.echo(f"{done.withheld} withheld: something that identifies somebody stood where it should not")
    if done.unreadable:
        typer.echo(f"{done.unreadable} left out: they cannot be read")
    if never_read:
        typer.echo(f"{never_read} of that time are left out: parked, ignored, waiting, or without a text")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    from ivigilant.commands.history import progress

    with progress("messages", total) as advance:
        yield advance
