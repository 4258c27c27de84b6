"""Options shared by several commands, and the settings made from them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ivigilant.errors import NotReady
from ivigilant.settings import Settings, load_settings

Config = Annotated[
    Path | None, typer.Option("--config", help="A TOML file with settings.", show_default=False, metavar="FILE")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder of the embedded database, Redis and logs.", show_default="data", metavar="FOLDER"
    ),
]
Supervised = Annotated[bool, typer.Option("--stop-with-stdin", hidden=True)]


def read_settings(config: Path | None, data_dir: Path | None = None, **flags: Any) -> Settings:
    """Read the settings of a command that may run beside a stack."""
    return load_settings(os.environ, config=config, flags={"data_dir": data_dir, **flags})


@contextmanager
def database_explained() -> Iterator[None]:
    """Report in one line that the database is missing or not of this release."""
    import sqlalchemy as sa

    from store.errors import StoreError

    try:
        yield
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
        if reason == "unable to open database file":
            raise NotReady(
                "there is no database; say where it is with --data-dir, or create one: ivigilant db upgrade"
            ) from None
        if "disk" in reason or "readonly" in reason:  # SQLite's words for a full or read-only disk
            raise NotReady(f"the database cannot be written: {reason}; make room and try again") from None
        raise NotReady(f"the database does not answer, or has no tables yet (ivigilant db upgrade): {reason}") from None
    except sa.exc.ProgrammingError:
        raise NotReady("the database has no tables yet; run: ivigilant db upgrade") from None
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise  # a fault of ours
        raise NotReady(f"the database cannot be read: {str(error.orig).strip().splitlines()[0]}") from None
    except StoreError as error:
        raise NotReady(str(error)) from None
