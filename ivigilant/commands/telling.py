"""`ivigilant telling verify`: proof that every alert was told until somebody answered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings

if TYPE_CHECKING:
    from store.telling_audit import TellingReport

app = typer.Typer(help="Proof that every alert was told until somebody answered.", no_args_is_help=True)


@app.callback()
def telling() -> None:
    """Proof that every alert was told until somebody answered."""


@app.command("verify")
def verify(
    days: Annotated[int, typer.Option("--days", min=1, help="Look at what was told in so many days.")] = 31,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Verify that each alert was told in time, and that nobody was forgotten; only reads. Exit code 1 when it was not.

    Example: ivigilant telling verify --days 7 --data-dir /var/lib/ivigilant
    """
    from ivigilant.checkup import TELLING_FAULTS
    from ivigilant.site import load_site
    from store import incidents, telling_audit
    from store.engine import connect, reading

    settings = read_settings(config, data_dir)
    site, now = load_site(settings.site_file), datetime.now(UTC)
    with database_explained(), reading(connect(settings.database())) as connection:
        found = telling_audit.report(connection, now - timedelta(days=days))
        faults = telling_audit.audit(connection, now, has_destinations=bool(site.destinations))
        standing = incidents.standing(connection)
    for line in _lines(found, days):
        typer.echo(line)
    wrong = [f"{fault.count} {TELLING_FAULTS[fault.what]}: {_named(fault.alerts)}" for fault in faults]
    wrong += [f"{len(found.late_steps)} alerts were told more than 30 s late: {_named(found.late_steps)}"] * bool(
        found.late_steps
    )
    wrong += [f"{len(found.unheard)} alerts had a line that no destination took: {_named(found.unheard)}"] * bool(
        found.unheard
    )
    wrong += [f"incident {each.subject} since {each.began_at:%Y-%m-%d %H:%M}" for each in standing]
    for line in wrong:
        typer.echo(f"WRONG  {line}")
    if wrong:
        raise typer.Exit(1)
    typer.echo("every alert was answered, ended with its order, or is being told again")


def _lines(found: "TellingReport", days: int) -> list[str]:
    longest = f"; the longest wait was {_minutes(found.longest_to_answer)}" if found.longest_to_answer else ""
    return [
        f"{found.alerts} alerts told in {days} days: {found.answered} answered{longest}",
        f"{found.ended} ended with their order before that, {found.waiting} are being told",
        f"{found.steps} later steps carried out, at most {found.latest_step.total_seconds():.0f} s late",
        f"{found.notices} notices arrived, {found.pending} wait, {found.refused} were refused",
    ]


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:.0f} min"


def _named(alerts: Sequence[int]) -> str:
    return ", ".join(str(alert) for alert in alerts[:20])
