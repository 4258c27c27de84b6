"""The packages of the product: what the wheel holds."""

import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def _packages() -> tuple[str, ...]:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return tuple(declared["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])


PACKAGES: Final = _packages()
