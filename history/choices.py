"""The choices in a hospital's site file: how feeds are read, what is judged and where notices go."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from clinical.words import AlertTier, Language
from forwarding.policy import TellingPolicy
from history.due_times import DueLimits
from parsers.defaults import Defaults


@dataclass(frozen=True, slots=True)
class NoticeRoute:
    """A destination for notices, and the lowest tier it gets."""

    name: str
    min_tier: AlertTier = "moderate"


@dataclass(frozen=True, slots=True)
class AckRoute:
    """Where a sender that asks for it gets its application acknowledgements."""

    route: str  # HOST:PORT
    always_enhanced: bool = False  # answer this feed in enhanced mode, whatever MSH-15 says


@dataclass(frozen=True, slots=True)
class SilenceBounds:
    """Between which limits is learned how long a feed may be silent."""

    floor: timedelta = timedelta(minutes=15)
    ceiling: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Site:
    """One hospital's choices, the same for all workers of an installation."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Amsterdam"))
    defaults: dict[str, Defaults] = field(default_factory=dict)  # by feed name
    of_unknown: Defaults | None = None  # for a feed that the site file does not name
    stops_need_confirmation: frozenset[str] = frozenset()  # feeds whose pharmacy confirms stops
    ack_routes: dict[str, AckRoute] = field(default_factory=dict)  # by feed name
    destinations: tuple[NoticeRoute, ...] = ()
    telling: TellingPolicy = field(default_factory=TellingPolicy)  # whom of them, and when again
    language: Language = "nl"  # of the notices
    shows_cards: bool = False  # prescribers' systems ask by CDS Hooks, and report what became of a card
    replay_after: timedelta = timedelta(days=30)
    course_gap: timedelta = timedelta(days=7)  # doses less than this apart are one course (INTERFACE 4.3)
    covers_for: timedelta = timedelta(days=180)  # a settled alert covers the same findings this long (NA-4)
    canary_counts_for: timedelta | None = None  # how long a round that passed says something; None: there is no canary
    silence: SilenceBounds = field(default_factory=SilenceBounds)  # of feeds whose limit the site file does not name
    gaps_ignored: frozenset[str] = frozenset()  # feeds whose numbers say nothing of messages that are missing
    due: DueLimits = field(default_factory=DueLimits)  # by when somebody must be on an alert, and done with it

    def defaults_of(self, feed: str) -> Defaults:
        """Return the defaults for what this feed leaves open."""
        return replace(self.defaults.get(feed) or self.of_unknown or Defaults(zone=self.zone), source=feed)
