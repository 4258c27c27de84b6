"""What a site decides about its inbox."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from clinical.words import Language
from forwarding.policy import TellingPolicy
from history.due_times import DueLimits
from inbox.health.knock import Place
from inbox.hooks.tokens import Issuer
from inbox.http.words import CATALOGUES
from inbox.people.provider import Provider
from store.sessions import IDLE

BSN_AUTHORITIES = frozenset({"NLMINBIZA", "2.16.840.1.113883.2.4.6.3", "NNNLD", "BSN"})


@dataclass(frozen=True, slots=True)
class Approval:
    """Who at this site approved which version of the rules, and when."""

    by: str
    on: date
    version: str


@dataclass(frozen=True, slots=True)
class DestinationShown:
    """A destination of the site file, as the pages name it."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Who may ask by CDS Hooks, and how what they send is read."""

    feed: str  # whose settings hold for the resources
    issuers: tuple[Issuer, ...]
    address: str  # of this inbox, without a final slash


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """Who may sign in, and how."""

    provider: Provider | None = None
    local_accounts: bool = True  # off: of the local ones only those for an emergency
    break_glass: frozenset[str] = frozenset()  # names of local accounts
    second_factor: frozenset[str] = frozenset()  # roles whose local accounts show a code beside the password

    def admits(self, name: str, issuer: str | None) -> bool:
        """Return whether an account may be used: a local one (no issuer), or one of the provider that there is now."""
        if issuer is not None:
            return self.provider is not None and self.provider.settings.issuer == issuer
        return self.local_accounts or name in self.break_glass

    def needs_second_factor(self, name: str, role: str, issuer: str | None) -> bool:
        """Return whether an account must show codes; one for an emergency need not: its authenticator may be away."""
        return issuer is None and role in self.second_factor and name not in self.break_glass

    def is_break_glass(self, name: str, issuer: str | None) -> bool:
        """Return whether an account is for an emergency: its use is told outside the inbox, and on every page."""
        return issuer is None and name in self.break_glass


@dataclass(frozen=True, slots=True)
class InboxSettings:
    """Settings of the pages and the API; the secret is the same in every process that serves them."""

    secret: str = field(repr=False)  # signs the token in every form
    zone: ZoneInfo  # times are shown in it
    site_name: str = "IVIgilant"
    languages: tuple[Language, ...] = ("nl", "en")  # the first is for anybody who asks for none of them
    word_files: Path = CATALOGUES
    base_url: str = ""  # where people reach it; behind a proxy another than the one that is asked
    secure_cookies: bool = True  # only over https; off for a demonstration on one machine
    session_lifetime: timedelta = timedelta(hours=12)
    session_idle: timedelta = IDLE
    sign_ins_per_minute: int = 10  # per address
    heartbeat_limit: timedelta = timedelta(seconds=30)  # when no worker took a task for longer, not ready
    unprocessed_limit: timedelta = timedelta(seconds=60)  # an older waiting message means not ready
    history_limit: timedelta = timedelta(seconds=30)  # an older waiting message of the history lane is said on the page
    listener: tuple[Place, ...] = ()  # where readiness knocks; empty: nowhere
    listener_within_s: float = 2.0
    masked_authorities: frozenset[str] = BSN_AUTHORITIES  # of these numbers the page shows the last three digits
    approval: Approval | None = None  # of the rules, as the site file says
    due: DueLimits = field(default_factory=DueLimits)  # by when whoever is on an alert must be done
    telling: TellingPolicy = field(default_factory=TellingPolicy)  # shown as sentences
    destinations: tuple[DestinationShown, ...] = ()
    canary_counts_for: timedelta | None = None  # how long a round that passed says something; None: there is none
    hooks: HookSettings | None = None  # None: CDS Hooks is off
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    alerts_per_page: int = 100  # rows of the list; a row may be several alerts of one patient
    rows_per_page: int = 100

    def cookie(self, name: str) -> str:
        """Return the full name of a cookie: over https no other host of the domain can set it, and no page in clear."""
        return f"__Host-{name}" if self.secure_cookies else name
