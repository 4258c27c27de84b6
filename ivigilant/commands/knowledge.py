"""`ivigilant knowledge check | list | show`: what the rules say, and whether their files are in order."""

from pathlib import Path
from typing import Annotated

import typer

from ivigilant.commands.options import Config, read_settings

app = typer.Typer(help="The rules and value sets.", no_args_is_help=True)
