"""`ivigilant ledger verify | show`: proof that nothing that was acknowledged is lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import UnreadablePath

if TYPE_CHECKING:
    from ivigilant.ledger import LedgerStatement

app = typer.Typer(help="Proof that nothing that was acknowledged is lost.", no_args_is_help=True)

MEANING = {
    "statements_changed": "earlier statements were changed or removed",
    "messages_changed": "ranges of messages differ from when they were counted: rows were changed or removed",
    "messages_without_end": "messages were received and not processed, ignored or parked",
    "orders_without_assessment": "IVIg orders have no assessment",
    "orders_assessed_before_their_last_change": "IVIg orders were not assessed after their last change",
    "alerts_without_record": "alerts have no line in their record",
    "messages_erased_without_record": "messages are erased and not in the register, or in it and not erased",
    "alerts_without_deliveries": "lines of alerts had to be sent and have no delivery",
}


@app.command("verify")
def verify(
    days: Annotated[
        int, typer.Option("--days", min=0, help="Count the messages of statements again that are this old; 0: of all.")
    ] = 31,
    acknowledged: Annotated[
        Path | None,
        typer.Option("--acknowledged", help="A file of control ids that a sender saw acknowledged, one per line."),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Verify that each message has its row and its end, each IVIg order its assessment, each alert its deliveries.

    What was found is signed and stored; `beat` does the same once a day. Exit code 1 when something is missing.

    Example: ivigilant ledger verify --data-dir /var/lib/ivigilant
    """
    from ivigilant import ledger
    from store.engine import connect, reading
    from store.ledger import missing_control_ids

    settings = read_settings(config, data_dir)
    wanted = _control_ids(acknowledged) if acknowledged else []
    now = datetime.now(UTC)
    with database_explained():
        engine = connect(settings.database())
        signer = ledger.read_signer(settings.signing_key())
        statement = ledger.verify(engine, now, signer, since=now - timedelta(days=days) if days else None)
        with reading(engine) as connection:
            missing = missing_control_ids(connection, wanted)
    _show(statement)
    for control_id in missing:
        typer.echo(f"MISSING  {control_id}: acknowledged according to {acknowledged}, and not stored")
    if statement.faults or missing:
        raise typer.Exit(1)


@app.command("show")
def show(
    as_json: Annotated[
        bool, typer.Option("--json", help="The signed statements themselves, one per line, with their signatures.")
    ] = False,
    public_key: Annotated[
        bool, typer.Option("--public-key", help="The key that an auditor verifies signatures with.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Show the statements that were stored, oldest first.

    Example: ivigilant ledger show --json
    """
    import json

    from ivigilant import ledger
    from store.engine import connect, reading
    from store.ledger import statements

    settings = read_settings(config, data_dir)
    if public_key:
        typer.echo(ledger.read_signer(settings.signing_key()).public_key or "no key: statements are not signed")
        return
    with database_explained(), reading(connect(settings.database())) as connection:
        for each in statements(connection):
            if as_json:
                typer.echo(json.dumps({"statement": each.content.decode(), "signature": each.signature.hex()}))
            else:
                _show(ledger.read_statement(each))


def _control_ids(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadablePath(f"{path} cannot be read ({type(error).__name__})") from None


def _show(statement: "LedgerStatement") -> None:
    segment = statement.segment
    ends = ", ".join(f"{count} {state}" for state, count in sorted(statement.ends.items())) or "none"
    typer.echo(
        f"{statement.at:%Y-%m-%d %H:%M} UTC  {'WRONG' if statement.faults else 'ok'}, "
        f"{f'signed by {statement.key[:16]}' if statement.key else 'not signed'}"
    )
    typer.echo(f"  messages    {segment.messages} new, ids {segment.after + 1} to {segment.last}: {ends}")
    typer.echo(f"  IVIg orders {statement.orders}, alerts {statement.alerts}, " + _deliveries(statement))
    if statement.erased:
        typer.echo(f"  erased      {statement.erased} messages in all, on request (ivigilant erase list)")
    for fault in statement.faults:
        more = ", …" if fault.count > len(fault.ids) else ""
        named = f" (ids {', '.join(map(str, fault.ids))}{more})" if fault.ids else ""
        typer.echo(f"  WRONG       {fault.count} {MEANING[fault.what]}{named}")


def _deliveries(statement: "LedgerStatement") -> str:
    return "deliveries " + (", ".join(f"{n} {state}" for state, n in sorted(statement.deliveries.items())) or "none")
