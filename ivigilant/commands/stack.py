"""`ivigilant demo` and `ivigilant up`: the whole product on one machine."""

import os
import threading
from datetime import UTC, datetime
from typing import Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained
from ivigilant.settings import load_settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (demo, up):
        app.command(rich_help_panel="Everything at once")(command)


def up(
    mllp_port: Annotated[
        int | None, typer.Option("--mllp-port", help="Where HL7 comes in.", show_default="2575")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option("--http-port", help="Where the inbox is.", show_default="8080")
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Run everything on this machine, with an embedded Redis and SQLite unless REDIS_URL or DATABASE_URL is set.

    It is ready when GET /health/ready returns 200. Ctrl-C stops everything; a process that dies is restarted.

    Example: ivigilant up --data-dir /var/lib/ivigilant --mllp-port 2575
    """
    from ivigilant.knowledge.site_knowledge import site_knowledge
    from ivigilant.logs import start_logging
    from ivigilant.site import load_site
    from ivigilant.stack import Proofs, running_stack
    from ivigilant.supervisor import show_at_once, stop_on_signals
    from store.engine import connect

    flags = {"data_dir": data_dir, "mllp_port": mllp_port, "http_port": http_port}
    settings = load_settings(os.environ, config=config, flags=flags, beside_stack=False)
    settings.require_base_url()
    site_knowledge(settings, load_site(settings.site_file))  # report faults before anything runs
    show_at_once()
    stopping = threading.Event()
    stop_on_signals(stopping)
    with database_explained(), running_stack(settings, os.environ, tell=typer.echo) as stack:
        start_logging(settings, "supervisor", stack.folder.logs / "supervisor.log")
        stack.supervisor.stopping = stopping
        typer.echo(f"Inbox      {stack.settings.address()}")
        typer.echo(f"HL7        {stack.settings.mllp_host}:{stack.settings.mllp_port} (MLLP)")
        typer.echo(f"Data, logs {stack.folder.path}, {stack.folder.logs}")
        typer.echo(f"Sign in    ivigilant user add NAME --data-dir {stack.folder.path}")
        engine = connect(stack.settings.database())
        stack.supervisor.run(Proofs(engine, stack.supervisor, lambda: datetime.now(UTC)).look)
        typer.echo("Stopping ...")


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when all is processed; last line: JSON.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the synthetic hospital.")] = 1,
) -> None:
    """Run a synthetic hospital through the whole product, in a temporary folder, and show the alerts as they come.

    Example: ivigilant demo --once
    """
    from ivigilant.demonstration import demonstrate

    raise typer.Exit(demonstrate(seed=seed, once=once))
