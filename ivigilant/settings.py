"""Every setting of a process, read once: flags, then `IVIGILANT_…` variables, then a TOML file, then the defaults.

`IVIGILANT_SECRET_KEY_FILE=/run/secrets/key` gives `secret_key` as the content of that file; so for every setting.
"""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ivigilant.errors import UnusableSettings

PREFIX = "IVIGILANT_"
CONFIG = "IVIGILANT_CONFIG"
DATABASES = ("sqlite:", "sqlite+pysqlite:", "postgres:", "postgresql:", "postgresql+psycopg:")
PLAIN_NAMES = ("DATABASE_URL", "REDIS_URL")  # what hosting platforms set
SIGNING_KEY = "ledger-key.pem"  # in the data folder
ERASURE_KEY = "erasure-key"  # in the data folder
ERASURES = "erasures.jsonl"  # in the data folder
STACK_FILE = "stack.toml"  # in the data folder: where a running `up` keeps its database and its Redis


class Settings(BaseModel):
    """How one process runs. What is said about the hospital itself stands in the site file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: Path = Field(Path("data"), description="where the embedded parts keep everything")
    database_url: SecretStr | None = Field(None, description="sqlite:///path or postgresql://…; without it: data_dir")
    redis_url: SecretStr | None = Field(None, description="redis://… or unix://…; without it: an embedded one")
    site_file: Path | None = Field(None, description="site.yaml: feeds, authorities, codes, destinations")
    knowledge_dir: Path | None = Field(None, description="rules and value sets other than those of this release")
    secret_key: SecretStr | None = Field(None, min_length=32, description="signs sessions; every inbox has the same")

    oidc_client_secret: SecretStr | None = Field(
        None,
        description="the inbox shows it to the identity provider of the site file",
    )

    ledger_key: Path | None = Field(None, description="PEM, Ed25519: signs what the daily look at the ledger found")
    backup_key: Path | None = Field(None, description="age key file: `backup` encrypts with it, `restore` decrypts")
    erasure_key: Path | None = Field(None, description="under which patients stand in the register of erasures")
    erasures: Path | None = Field(None, description="each erasure is added to this file, which `restore` reads")
    access_roots: Path | None = Field(None, description="each day's root of the access log is added to this file")

    mllp_host: str = "127.0.0.1"
    mllp_port: int = Field(2575, ge=0, le=65535)
    mllp_plaintext: bool = Field(False, description="listen without TLS on more than this machine")
    mllp_tls_certificate: Path | None = Field(None, description="the listener's certificate chain, PEM")
    mllp_tls_key: Path | None = Field(None, description="its key, PEM")
    mllp_tls_client_ca: Path | None = Field(
        None, description="the authority of the senders' certificates, which they then need"
    )
    listener_processes: int = Field(1, ge=1, le=64, description="listeners that share the ports, one core each")
    listener_links: int = Field(1000, ge=1, description="most open links; beyond it the least useful is closed")
    listener_links_per_address: int = Field(100, ge=1, description="most open links per address")
    listener_at: str = Field("", description="HOST:PORT,… to test for readiness; none: no test; empty: MLLP_HOST")
    listener_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="port of the listener's Prometheus metrics"
    )
    http_host: str = "127.0.0.1"
    http_connections: int = Field(1000, ge=1, description="most connections; beyond it idle ones are closed")
    http_port: int = Field(8080, ge=0, le=65535)
    base_url: str | None = Field(
        None, pattern=r"^https?://[^\s?#]+$", description="the address at which pharmacists reach the inbox"
    )

    trusted_proxies: str = Field("", description="ADDRESS or NETWORK,…: who may say for whom it forwards a request")

    smtp_host: str | None = Field(None, description="the mail server; needed for a mail destination in the site file")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_sender: str = Field("", description="the sender's address of mails")

    worker_processes: int = Field(2, ge=1, le=256)
    beat_every_s: float = Field(5, gt=0, le=15, description="how often to look for messages left behind")
    left_behind_s: float = Field(15, gt=0, description="a message that waits longer is queued again")
    delivery_lease_s: float = Field(30, ge=1, description="when a notice is sent again after its sender died")
    replay_after_days: int = Field(30, ge=1, description="an older message is history: its alerts send no notices")

    canary: bool = Field(True, description="beat sends a canary (section canary of the site file)")
    canary_trusts: Path | None = Field(
        None, description="the listener's certificate, PEM, which the canary trusts; else that of MLLP_TLS_CERTIFICATE"
    )

    tracing: bool = Field(False, description="traces from frame to notice, sent as OTEL_… says (needs the extra otel)")

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("oidc_client_secret")
    @classmethod
    def _is_given(cls, secret: SecretStr | None) -> SecretStr | None:
        return secret if secret is not None and secret.get_secret_value() else None  # an empty file of a container

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None and not address.get_secret_value().startswith(DATABASES):
            raise ValueError("should look like sqlite:///path or postgresql://user@host/name")
        return address

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: str) -> str:
        for proxy in _listed(proxies):
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError("should list addresses or networks, such as 10.0.0.5,10.1.0.0/16") from None
        return proxies

    def require_base_url(self) -> None:
        """Refuse to serve others than this machine without the address at which they reach the inbox."""
        from listener.config import is_loopback

        if self.base_url is None and not is_loopback(self.http_host):
            raise UnusableSettings(
                f"IVIGILANT_BASE_URL is missing: the inbox listens on {self.http_host}, so notices and forms need the "
                "address at which people reach it, such as https://ivigilant.hospital.example"
            )

    def proxies(self) -> list[str]:
        """Return whose word for the address of another is taken."""
        return _listed(self.trusted_proxies)

    def database(self) -> str:
        """Return the database that is set, or SQLite in the data folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'ivigilant.sqlite3'}"

    def redis(self) -> str:
        """Return the Redis that is set; only `up` and `demo` can do without."""
        if self.redis_url is None:
            raise UnusableSettings("IVIGILANT_REDIS_URL is missing: set it, or run `ivigilant up`, which brings one")
        return self.redis_url.get_secret_value()

    def signing_key(self) -> Path | None:
        """Return the file of the key that signs: the one that is set, or that of the data folder when it has one."""
        own = self.data_dir / SIGNING_KEY
        return self.ledger_key or (own if own.is_file() else None)

    def erasure_key_file(self) -> Path | None:
        """Return the key file of erasures: the one that is set, or that of the data folder when it has one."""
        own = self.data_dir / ERASURE_KEY
        return self.erasure_key or (own if own.is_file() else None)

    def erasure_register(self) -> Path | None:
        """Return the register of erasures: the one that is set, or that of the data folder when there is one."""
        return self.erasures or (self.data_dir / ERASURES if self.data_dir.is_dir() else None)

    def address(self) -> str:
        """Return the address that links in notices begin with, without a final slash."""
        return (self.base_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def reachable(host: str) -> str:
    """Return the address to connect to for an address that is listened on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # a name, nothing is opened


def load_settings(
    environment: Mapping[str, str],
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    beside_stack: bool = True,
) -> Settings:
    """Read the settings, or raise UnusableSettings with one line that names what is wrong.

    With `beside_stack` a command finds the database and the Redis of the `up` that runs on the same data folder.
    """
    named = config or (Path(environment[CONFIG]) if environment.get(CONFIG) else None)
    given = _from_toml(named) if named else {}
    given |= _from_environment(environment)
    given |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        settings = Settings(**given)
        stack = settings.data_dir / STACK_FILE
        if beside_stack and stack.is_file():
            settings = Settings(**(_from_toml(stack) | given))
        return settings
    except ValidationError as error:
        raise UnusableSettings(_first_fault(error, named)) from None


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which a child process reads the same settings."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            values[variable(name)] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return values


def without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the rest of an environment, without variables that would override those of `as_environment`."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(PREFIX) and name.removesuffix("_FILE") not in PLAIN_NAMES
    }


def variable(field: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + field.upper()


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in PLAIN_NAMES:  # first, so that the name with our prefix wins
        if _value(environment, name):
            values[name.lower()] = _value(environment, name)
    for name in environment:
        if name.startswith(PREFIX) and name != CONFIG:
            field = name.removeprefix(PREFIX).removesuffix("_FILE" if _is_file_of(name) else "").lower()
            if field not in Settings.model_fields:
                raise UnusableSettings(f"{name} is not a setting; `ivigilant doctor --settings` lists them")
            values[field] = _value(environment, variable(field))
    return values


def _is_file_of(name: str) -> bool:
    return name.endswith("_FILE") and name.removeprefix(PREFIX).lower() not in Settings.model_fields


def _value(environment: Mapping[str, str], name: str) -> str | None:
    """Read a variable, or the file named by its `_FILE` variable; both at once is an error."""
    file = environment.get(f"{name}_FILE")
    if file is None:
        return environment.get(name)
    if name in environment:
        raise UnusableSettings(f"{name} and {name}_FILE are both set; keep one")
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSettings(f"{name}_FILE: {file} cannot be read ({type(error).__name__})") from None


def _from_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise UnusableSettings(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableSettings(f"{path}: {error}") from None


def _first_fault(error: ValidationError, config: Path | None) -> str:
    """Name the first invalid setting, without its value: it may be a secret."""
    fault = error.errors(include_url=False, include_input=False)[0]
    name = str(fault["loc"][0])
    where = f" (or {name} in {config})" if config else ""
    message = fault["msg"].removeprefix("Value error, ")
    return f"{variable(name)}{where}: {message[0].lower()}{message[1:]}"
