"""What a site decides about its inbox."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from clinical.words import Language
from history.due_times import DueLimits
from inbox.health.knock import Place
from inbox.http.words import CATALOGUES

BSN_AUTHORITIES = frozenset({"NLMINBIZA", "2.16.840.1.113883.2.4.6.3", "NNNLD", "BSN"})


@dataclass(frozen=True, slots=True)
class Approval:
    """Who at this site approved which version of the rules, and when."""

    by: str
    on: date
    version: str


@dataclass(frozen=True, slots=True)
class InboxSettings:
    """Settings of the pages and the API; the secret is the same in every process that serves them."""

    secret: str = field(repr=False)  # signs the token in every form
    zone: ZoneInfo  # times are shown in it
    site_name: str = "IVIgilant"
    languages: tuple[Language, ...] = ("nl", "en")  # the first is spoken to who asks for none of them
    word_files: Path = CATALOGUES
    secure_cookies: bool = True  # only over https; off for a demonstration on one machine
    session_lifetime: timedelta = timedelta(hours=12)
    session_idle: timedelta = timedelta(minutes=30)
    sign_ins_per_minute: int = 10  # per address
    heartbeat_limit: timedelta = timedelta(seconds=30)  # an older sign of life of the worker means not ready
    unprocessed_limit: timedelta = timedelta(seconds=60)  # an older waiting message means not ready
    history_limit: timedelta = timedelta(seconds=30)  # an older waiting message of the history lane is said on the page
    listener: tuple[Place, ...] = ()  # where readiness knocks; empty: nowhere
    listener_within_s: float = 2.0
    masked_authorities: frozenset[str] = BSN_AUTHORITIES  # of these numbers the page shows the last three digits
    approval: Approval | None = None  # of the rules, as the site file says
    due: DueLimits = field(default_factory=DueLimits)  # by when whoever is on an alert must be done
    alerts_per_page: int = 100  # rows of the list; a row may be several alerts of one patient
    rows_per_page: int = 100
