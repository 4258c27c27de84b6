"""`ivigilant telling verify`: proof that every alert was sent until somebody answered."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import sqlalchemy as sa

    from ivigilant.telling_proof import Period, TellingFigures

app = typer.Typer(help="Proof that every alert was sent until somebody answered.", no_args_is_help=True)

_WRONG = "WRONG"
_NO_END = datetime(9999, 1, 1, tzinfo=UTC)
WRITTEN = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@app.callback()
def telling() -> None:
    """Proof that every alert was sent until somebody answered."""


@app.command("verify")
def verify(
    days: Annotated[int, typer.Option("--days", min=1, help="Look at what was told in so many days.")] = 31,
    begins: Annotated[
        datetime | None,
        typer.Option("--from", formats=WRITTEN, help="Or from this moment, on the hospital's clock."),
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option("--to", formats=WRITTEN, help="And until this one; without it, until now.")
    ] = None,
    each_alert: Annotated[bool, typer.Option("--each", help="Also a line for each alert: how it ended.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Verify that each alert was answered, ended or is being sent, and that each step was tried in time.

    What is missing is a line: alert, step, what. Only reads. Exit code 1 when something is missing.

    Example: ivigilant telling verify --from 2026-10-19 --to 2026-10-26 --data-dir /var/lib/ivigilant
    """
    from zoneinfo import ZoneInfo

    from forwarding.policy import DEFAULT
    from ivigilant.site import load_site
    from ivigilant.telling_proof import Period, TellingFigures
    from store.engine import connect, snapshot

    settings = read_settings(config, data_dir)
    site, now = load_site(settings.site_file), datetime.now(UTC)
    since, until = _period(begins, ends, days, now, ZoneInfo(site.zone))
    steps = {DEFAULT: 1} | {chain.name: len(chain.steps) for chain in site.telling.chains}
    figures = TellingFigures()
    with database_explained(), snapshot(connect(settings.database())) as connection:
        proof = _proof(connection, Period(since, until, now), steps, figures, has_destinations=bool(site.destinations))
        is_wrong = _show(proof, each_alert=each_alert)
    for line in _lines(figures, f"{(min(until, now) - since) / timedelta(days=1):.3g} days"):
        typer.echo(line)
    if is_wrong:
        raise typer.Exit(1)
    typer.echo("every alert was answered, ended with its order, or is being sent again")


def _show(proof: Iterable[str], *, each_alert: bool) -> bool:
    """Print the lines of a proof that say what is missing, or all; return whether anything is."""
    is_wrong = False
    for line in proof:
        is_wrong |= line.startswith(_WRONG)
        if each_alert or line.startswith(_WRONG):
            typer.echo(line)
    return is_wrong


def _proof(
    connection: "sa.Connection",
    period: "Period",
    steps: Mapping[str, int],
    figures: "TellingFigures",
    *,
    has_destinations: bool,
) -> Iterator[str]:
    """Yield a line for each alert, and for what is missing, and count the alerts in `figures`."""
    from ivigilant.checkup import TELLING_FAULTS
    from ivigilant.telling_proof import prove
    from store import incidents, telling_audit

    for one in prove(connection, period, steps, has_destinations=has_destinations):
        figures.count(one)
        yield f"alert {one.alert_id}  {one.fate}: {one.how}"
        for lacks in one.missing:
            yield f"{_WRONG}  alert {lacks.alert_id}, {lacks.step}: {lacks.what}"
    for fault in telling_audit.audit(connection, period.now, has_destinations=has_destinations):
        if not figures.named.issuperset(fault.alerts):  # of alerts from before
            yield f"{_WRONG}  {fault.count} {TELLING_FAULTS[fault.what]}: {', '.join(map(str, fault.alerts))}"
    for ongoing in incidents.standing(connection):
        yield f"{_WRONG}  incident {ongoing.subject} since {ongoing.began_at:%Y-%m-%d %H:%M}"


def _period(
    begins: datetime | None, ends: datetime | None, days: int, now: datetime, zone: "ZoneInfo"
) -> tuple[datetime, datetime]:
    """Return from when until when; times without an offset are of the hospital's clock."""
    until = ends.replace(tzinfo=zone).astimezone(UTC) if ends is not None else _NO_END
    since = (
        begins.replace(tzinfo=zone).astimezone(UTC) if begins is not None else min(until, now) - timedelta(days=days)
    )
    if since >= until:
        raise typer.BadParameter(f"{since:%Y-%m-%d %H:%M} UTC is not before the end of the period", param_hint="--from")
    return since, until


def _lines(figures: "TellingFigures", period: str) -> Iterator[str]:
    fates, states, longest = figures.fates, figures.states, figures.longest_to_answer
    waited = f"; the longest wait was {longest.total_seconds() / 60:.0f} min" if longest is not None else ""
    late = [f"{figures.lateness(share).total_seconds():.0f} s" for share in (0.5, 0.99, 1)]
    yield f"{figures.alerts} alerts sent in {period}: {fates.get('answered', 0)} answered{waited}"
    yield (
        f"{fates.get('ended', 0)} ended before that, {fates.get('sent up to the last step', 0)} were sent up to the "
        f"last step, {fates.get('being sent', 0)} are being sent"
    )
    yield f"{len(figures.late)} later steps carried out, late by {late[0]} (p50), {late[1]} (p99), {late[2]} (most)"
    yield (
        f"{states.get('sent', 0)} notices arrived, {states.get('pending', 0)} wait, {states.get('refused', 0)} were "
        f"refused, {figures.sent_twice} may have gone out twice"
    )
    yield f"missing: {figures.missing}"
