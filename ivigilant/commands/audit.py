"""`ivigilant audit verify | report | export | root | prune`: the access log, for those who must answer for it."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import IvigilantError, UnusableSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from store.access_log import LineFilter
    from store.access_proof import Flaw, Root

app = typer.Typer(help="The access log: who looked at what, and the proof that it is whole.", no_args_is_help=True)

Purpose = Annotated[str, typer.Option("--purpose", help="Why it is needed; the access log keeps it.")]
Since = Annotated[datetime | None, typer.Option("--since", help="From this moment on, UTC.", show_default=False)]
Until = Annotated[datetime | None, typer.Option("--until", help="Before this moment, UTC.", show_default=False)]


class NoSuchPatient(IvigilantError):
    """No patient has this number; name another."""


class Format(StrEnum):
    """How the access log is exported."""

    CSV = "csv"
    FHIR = "fhir"


@app.command("verify")
def verify(
    roots: Annotated[
        Path | None,
        typer.Option("--roots", help="A file of roots that was kept elsewhere.", show_default="IVIGILANT_ACCESS_ROOTS"),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Verify that no line of the access log was changed, removed, added or moved since it was written.

    Lines cut off the end, or a whole chain written anew, show only against roots that were kept outside the database.
    Exit code 1 when something is wrong.

    Example: ivigilant audit verify --roots /mnt/worm/access-roots.jsonl
    """
    from store import access_proof
    from store.engine import connect, reading

    settings = read_settings(config, data_dir)
    file, outside = _outside(roots, settings.access_roots)
    with database_explained():
        engine = connect(settings.database())
        with reading(engine) as connection:
            wrong = _show(access_proof.flaws(connection, outside))
            lines, last = access_proof.size(connection)
        with engine.connect() as connection:
            wrong += _show(access_proof.unprotected(connection))
            connection.rollback()
    against = f"against {len(outside)} roots in {file}" if outside else "without roots, so a cut end would not show"
    typer.echo(f"{lines} lines up to seal {last}, verified {against}: {f'{wrong} WRONG' if wrong else 'ok'}")
    if wrong:
        raise typer.Exit(1)


def _outside(named: Path | None, configured: Path | None) -> "tuple[Path | None, list[Root]]":
    """Return the roots that were kept outside; the configured file need not be there before the first root."""
    from ivigilant.access_roots import read_roots

    file = named or configured
    if file is None or (named is None and not file.exists()):
        return file, []
    return file, read_roots(file)


def _show(flaws: "Iterable[Flaw]") -> int:
    count = 0
    for flaw in flaws:
        count += 1
        typer.echo(f"WRONG  {flaw.kind}: {flaw.where}")
    return count


@app.command("report")
def report(
    patient: Annotated[str, typer.Option("--patient", help="A patient number: VALUE or AUTHORITY|VALUE.")],
    purpose: Purpose,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Print as CSV who saw or changed what of one patient, also under numbers that were merged.

    Example: ivigilant audit report --patient 1000001 --purpose 'request of the patient, letter of 3 March'
    """
    from ivigilant.access_export import as_csv, with_patients
    from store.access_log import oldest_lines
    from store.engine import connect, reading
    from store.erasure import erased_with
    from store.merges import patients_named

    with database_explained():
        engine = connect(read_settings(config, data_dir).database())
        with reading(engine) as connection:
            whom = erased_with(connection, patients_named(connection, patient))
        _record(engine, "access_report", _stated(purpose), sorted(whom) or [None], f"{len(whom)} found")
        if not whom:
            raise NoSuchPatient("no patient has this number")
        with reading(engine) as connection:
            lines = oldest_lines(connection, _filter(since, until, whom))
            _write(as_csv(with_patients(connection, lines)))


@app.command("export")
def export(
    purpose: Purpose,
    form: Annotated[Format, typer.Option("--format", help="CSV, or FHIR R4 AuditEvents, one per line.")] = Format.CSV,
    since: Since = None,
    until: Until = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Print the access log as CSV or as FHIR R4 AuditEvents, oldest line first.

    Example: ivigilant audit export --format fhir --since 2026-11-01 --purpose 'monthly check' > november.ndjson
    """
    from ivigilant.access_export import as_csv, as_fhir, with_patients
    from ivigilant.site import load_site
    from store.access_log import oldest_lines
    from store.engine import connect, reading

    settings = read_settings(config, data_dir)
    site = load_site(settings.site_file)
    with database_explained():
        engine = connect(settings.database())
        _record(engine, "access_export", _stated(purpose), [None], f"as {form.value}")
        with reading(engine) as connection:
            lines = with_patients(connection, oldest_lines(connection, _filter(since, until)))
            _write(as_csv(lines) if form is Format.CSV else as_fhir(lines, site.name))


@app.command("root")
def root(config: Config = None, data_dir: DataDir = None) -> None:
    """Take a root of the access log now, as `beat` does once a day, and print it.

    It is added to the file of IVIGILANT_ACCESS_ROOTS, if that is set.

    Example: ivigilant audit root
    """
    from ivigilant.access_roots import add_root, take_root
    from store.engine import connect

    settings = read_settings(config, data_dir)
    with database_explained():
        taken = take_root(connect(settings.database()), datetime.now(UTC))
    typer.echo(f"{taken.at:%Y-%m-%d %H:%M} UTC  seal {taken.number}  {taken.hash}")
    add_root(settings.access_roots, taken)


@app.command("prune")
def prune(
    years: Annotated[int, typer.Option("--years", min=5, help="Keep lines for this many years.")] = 5,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Remove the lines whose retention is over, five years or more; the chain goes on after them.

    A line about somebody on whom a legal hold stands stays, and the younger ones with it. The number of an erased
    patient goes with the last line about it.

    Example: ivigilant audit prune --years 7
    """
    from ivigilant.command_user import at_the_command_line
    from store.access_log import remove_before
    from store.engine import connect
    from store.erasure import remove_bare

    now = datetime.now(UTC)
    # A day more than so many years of 365.25 days, so that the database, which counts calendar years, agrees.
    before = now - timedelta(days=years * 365.25 + 1)
    with database_explained():
        engine = connect(read_settings(config, data_dir).database())
        with engine.begin() as connection:
            removed = remove_before(connection, before, at_the_command_line(), now)
            bare = remove_bare(connection)
        _record(engine, "access_prune", f"older than {years} years", [None], f"{removed} lines")
    typer.echo(f"{removed} lines removed" + (f", and the numbers of {bare} erased identities" if bare else ""))


def _stated(purpose: str) -> str:
    if not purpose.strip():
        raise UnusableSettings("--purpose: say why the access log is needed")
    return purpose.strip()


def _record(engine: "sa.Engine", action: str, purpose: str, patients: Iterable[int | None], what: str) -> None:
    """Write who uses the access log, before anything of it is shown."""
    from ivigilant.command_user import record_command

    with engine.begin() as connection:
        record_command(connection, action, what, patients=patients, purpose=purpose)


def _filter(since: datetime | None, until: datetime | None, patients: set[int] | None = None) -> "LineFilter":
    from store.access_log import LineFilter

    first, end = (each.replace(tzinfo=UTC) if each is not None else None for each in (since, until))
    return LineFilter(patients=patients, since=first, until=end)


def _write(rows: Iterable[str]) -> None:
    for row in rows:
        sys.stdout.write(row)
