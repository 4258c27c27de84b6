"""`ivigilant listen | work | beat | serve`: one role per process, as docker-compose runs them."""

from pathlib import Path
from typing import Annotated

import typer

from ivigilant.commands.options import Config, DataDir, Supervised, database_explained, read_settings
from ivigilant.errors import UnusableSettings
from ivigilant.settings import Settings

Host = Annotated[str | None, typer.Option("--host", help="The address to listen on.", show_default=False)]
Port = Annotated[int | None, typer.Option("--port", help="The port to listen on.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (listen, work, beat, serve):
        app.command(rich_help_panel="One role each")(command)


def listen(
    host: Host = None,
    port: Port = None,
    config: Config = None,
    data_dir: DataDir = None,
    stop_with_stdin: Supervised = False,
) -> None:
    """Receive HL7 over MLLP; a message is acknowledged once it is committed.

    Example: ivigilant listen --host 0.0.0.0 --port 2575
    """
    from ivigilant import wiring
    from ivigilant.stack import require_free

    settings = _begin("listener", config, data_dir, stop_with_stdin, mllp_host=host, mllp_port=port)
    require_free(settings.mllp_host, settings.mllp_port, "--port")
    with database_explained():
        wiring.listen(settings)


def work(
    processes: Annotated[int | None, typer.Option("--processes", help="Number of processes.", show_default="2")] = None,
    only_orders: Annotated[
        bool, typer.Option("--only-orders", help="Leave history to other workers, so that orders never wait for it.")
    ] = False,
    only_slow: Annotated[bool, typer.Option("--only-slow", help="Process only the slow lane: large messages.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    stop_with_stdin: Supervised = False,
) -> None:
    """Read messages, judge orders, raise alerts and send notices.

    Example: ivigilant work --processes 4
    """
    from ivigilant import broker, wiring

    if only_orders and only_slow:
        raise UnusableSettings("--only-orders and --only-slow cannot be combined; start two workers")
    role = broker.ORDER_WORKER if only_orders else broker.SLOW_WORKER if only_slow else broker.WORKER
    settings = _begin(role.name, config, data_dir, stop_with_stdin, worker_processes=processes)
    with database_explained():
        raise typer.Exit(wiring.work(settings, role))


def beat(config: Config = None, data_dir: DataDir = None, stop_with_stdin: Supervised = False) -> None:
    """Run the scheduler: queue messages that were left behind and notices that are due.

    Example: ivigilant beat
    """
    from ivigilant import wiring

    settings = _begin("beat", config, data_dir, stop_with_stdin)
    with database_explained():
        wiring.beat(settings)


def serve(
    host: Host = None,
    port: Port = None,
    config: Config = None,
    data_dir: DataDir = None,
    stop_with_stdin: Supervised = False,
) -> None:
    """Serve the inbox and the API.

    Example: ivigilant serve --host 0.0.0.0 --port 8080
    """
    from ivigilant import wiring
    from ivigilant.stack import require_free

    settings = _begin("inbox", config, data_dir, stop_with_stdin, http_host=host, http_port=port)
    settings.require_base_url()
    require_free(settings.http_host, settings.http_port, "--port")
    with database_explained():
        wiring.serve(settings)


def _begin(
    process: str, config: Path | None, data_dir: Path | None, supervised: bool, **flags: str | int | None
) -> Settings:
    from ivigilant.logs import start_logging
    from ivigilant.supervisor import stop_with_stdin

    settings = read_settings(config, data_dir, **flags)
    start_logging(settings, process)
    if supervised:
        stop_with_stdin()
    return settings
