"""`make secrets`: the files that docker-compose.yml reads passwords and keys from."""

import secrets
import sys
from pathlib import Path

from ivigilant.ledger import new_key


def write_secrets(folder: Path) -> list[str]:
    """Write the missing files and return their names; existing ones are never changed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    password = _keep(folder / "postgres_password", secrets.token_urlsafe(32))
    _keep(folder / "database_url", f"postgresql://ivigilant:{password}@postgres:5432/ivigilant")
    _keep(folder / "secret_key", secrets.token_urlsafe(48))
    _keep(folder / "ledger_key", new_key())
    return sorted(path.name for path in folder.iterdir())


def _keep(path: Path, text: str) -> str:
    if not path.exists():
        path.write_text(text)
        path.chmod(0o644)  # the folder is closed to others; the containers' own user must be able to read
    return path.read_text()


if __name__ == "__main__":
    print(f"{sys.argv[1]}/: {', '.join(write_secrets(Path(sys.argv[1])))}")
