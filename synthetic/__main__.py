"""Write the hospital's messages as .hl7 files, for replaying: python -m synthetic --out FOLDER."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from synthetic.stream import hospital_messages


def write(
    out: Annotated[Path, typer.Option(help="Folder to write into; made when it is not there.")],
    seed: Annotated[int, typer.Option(help="Another number, another hospital.")] = 7,
    patients: Annotated[int | None, typer.Option(help="Ask for more patients on the wards.", min=1)] = None,
    at: Annotated[datetime | None, typer.Option(help="The moment the hospital is at, in UTC; default: now.")] = None,
) -> None:
    """Write one file per message, named so that they sort in the order of sending."""
    now = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    out.mkdir(parents=True, exist_ok=True)
    written = 0
    for written, message in enumerate(hospital_messages(seed, now=now, patients=patients), start=1):
        (out / f"{written:06d}.hl7").write_bytes(message)
    typer.echo(f"{written} messages in {out}")


if __name__ == "__main__":
    typer.run(write)
