"""`make secrets`: the files that docker-compose.yml reads passwords and keys from."""

import hashlib
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from ivigilant.certificates import self_signed
from ivigilant.embedded import QUEUE_RIGHTS
from ivigilant.ledger import new_key


def write_secrets(folder: Path) -> list[str]:
    """Write the missing files and return their names; existing ones are never changed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _keep(folder / "postgres_password", secrets.token_urlsafe(32))  # of the superuser, whom nobody needs
    database = f"{secrets.token_urlsafe(32)}@postgres:5432/ivigilant"
    owner = _keep(folder / "owner_database_url", f"postgresql://ivigilant_owner:{database}")
    database = f"{secrets.token_urlsafe(32)}@postgres:5432/ivigilant"
    runtime = _keep(folder / "database_url", f"postgresql://ivigilant:{database}")
    _keep(folder / "postgres_owner_password", _password_in(owner))
    _keep(folder / "postgres_runtime_password", _password_in(runtime))
    redis = _keep(folder / "redis_url", f"redis://ivigilant:{secrets.token_urlsafe(32)}@redis:6379/0")
    password = _keep(folder / "redis_password", _password_in(redis))
    digest = hashlib.sha256(password.encode()).hexdigest()
    _keep(folder / "redis_users", f"user default off\nuser ivigilant on #{digest} {QUEUE_RIGHTS}\n")
    _keep(folder / "secret_key", secrets.token_urlsafe(48))
    _keep(folder / "ledger_key", new_key())
    _keep(folder / "oidc_client_secret", "")  # from the identity provider, where there is one
    if not any((folder / name).exists() for name in ("mllp_certificate", "mllp_key")):  # or those of the hospital
        certificate, key = self_signed(("listener", "localhost", "127.0.0.1"), datetime.now(UTC))
        _keep(folder / "mllp_certificate", certificate)
        _keep(folder / "mllp_key", key)
    return sorted(path.name for path in folder.iterdir())


def _password_in(url: str) -> str:
    return str(make_url(url.strip()).password)


def _keep(path: Path, text: str) -> str:
    if not path.exists():
        path.write_text(text)
        path.chmod(0o644)  # the folder is closed to others; the containers' own users must be able to read
    return path.read_text()


if __name__ == "__main__":
    print(f"{sys.argv[1]}/: {', '.join(write_secrets(Path(sys.argv[1])))}")
