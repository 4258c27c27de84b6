"""Where a command starts: a health check at once, every other one through the command line.

A container runs `ivigilant doctor --only ROLE` each half minute: what reads the words of fifty commands would take most
of its processor. Words other than these are the command line's, with its answers.
"""

import os
import sys
from collections.abc import Sequence

_OPTIONS = {"--only": "role", "--config": "config", "--data-dir": "data_dir"}


def main() -> None:
    """Run one command; report an error in one line."""
    asked = _health_check(sys.argv[1:])
    if asked is None:
        from ivigilant.cli import main as run

        run()
    else:
        raise SystemExit(_check(**asked))


def _health_check(words: Sequence[str]) -> dict[str, str] | None:
    """Return the options of `doctor --only ROLE`; None for any other words."""
    if words[:1] != ["doctor"]:
        return None
    found: dict[str, str] = {}
    left = [part for word in words[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    for option, value in zip(left[::2], left[1::2], strict=False):
        if option not in _OPTIONS or value.startswith("-") or _OPTIONS[option] in found:
            return None
        found[_OPTIONS[option]] = value
    return found if "role" in found and len(left) % 2 == 0 else None


def _check(role: str, config: str | None = None, data_dir: str | None = None) -> int:
    """Print the checks of one role; return the exit code."""
    import gc

    gc.disable()  # it ends in a moment
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # looking for some takes longer than the check
    from datetime import UTC, datetime
    from pathlib import Path

    from ivigilant.errors import IvigilantError
    from ivigilant.health_checks import print_role
    from ivigilant.settings import load_settings

    os.umask(0o077)
    try:
        named = Path(config) if config is not None else None
        folder = Path(data_dir) if data_dir is not None else None
        settings = load_settings(os.environ, config=named, flags={"data_dir": folder})
        return 0 if print_role(settings, datetime.now(UTC), role) else 1
    except IvigilantError as error:
        print(f"ivigilant: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
