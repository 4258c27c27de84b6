"""The vocabulary of alerts and faults: tier, priority, channel, stream, status, language, and kinds of fault.

Each is defined once. Languages are data: a language exists when it has word files.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Literal, cast, get_args

Language = str  # as the word files are named: nl, en
FALLBACK: Final[Language] = "en"  # of texts written before this language existed

AlertTier = Literal["contraindication", "high", "moderate"]  # what makes an alert
FoundTier = Literal[AlertTier, "information"]  # what a rule can say
TierWord = Literal[FoundTier, "none"]
ALERT_TIERS: Final[tuple[AlertTier, ...]] = get_args(AlertTier)  # these and the next: the most serious first
FOUND_TIERS: Final[tuple[FoundTier, ...]] = get_args(FoundTier)
TIERS: Final[tuple[TierWord, ...]] = get_args(TierWord)

FoundPriority = Literal["urgent", "prompt", "routine", "passive"]
PriorityWord = Literal[FoundPriority, "none"]
PRIORITIES: Final[tuple[PriorityWord, ...]] = get_args(PriorityWord)  # the most urgent first

FoundChannel = Literal["interrupt", "worklist", "with-order"]
ChannelWord = Literal[FoundChannel, "none"]
CHANNELS: Final[tuple[ChannelWord, ...]] = get_args(ChannelWord)  # the loudest first

AlertStatus = Literal["open", "taken_on", "acknowledged", "overridden", "covered", "resolved"]
STATUSES: Final[tuple[AlertStatus, ...]] = get_args(AlertStatus)
PENDING: Final[tuple[AlertStatus, ...]] = ("open", "taken_on")  # on the list: nobody's, or under a name
SETTLED: Final[tuple[AlertStatus, ...]] = ("acknowledged", "overridden")  # by a pharmacist
STANDING: Final[tuple[AlertStatus, ...]] = (*PENDING, *SETTLED, "covered")

Stream = Literal["order", "pharmacovigilance"]
STREAMS: Final[tuple[Stream, ...]] = get_args(Stream)
ABOUT_ORDER: Final = "order"
AFTER_INFUSION: Final = "pharmacovigilance"

FaultKind = Literal[
    "destination",
    "telling",
    "feed",
    "never_heard",
    "idle",
    "parked",
    "gap",
    "undeclared",
    "break_glass",
    "canary",
    "clock",
]  # what is wrong with the telling or a feed (docs/operating.md)
FAULT_KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
IncidentKind = Literal[FaultKind, "test"]  # a test notice goes the same way, to the destination that it is about


class Tier(IntEnum):
    """How strongly the knowledge speaks; it comes from the rules alone."""

    NONE = 0
    INFORMATION = 1
    MODERATE = 2
    HIGH = 3
    CONTRAINDICATION = 4

    @property
    def word(self) -> TierWord:
        """The tier as it is written and stored."""
        return cast("TierWord", self.name.lower())

    @classmethod
    def named(cls, word: str) -> "Tier":
        """Return the tier with this name."""
        return cls[word.upper()]


class Priority(IntEnum):
    """How soon a pharmacist should look; it comes from the patient's situation."""

    NONE = 0
    PASSIVE = 1
    ROUTINE = 2
    PROMPT = 3
    URGENT = 4

    @property
    def word(self) -> PriorityWord:
        """The priority as it is written and stored."""
        return cast("PriorityWord", self.name.lower())

    @classmethod
    def named(cls, word: str) -> "Priority":
        """Return the priority with this name."""
        return cls[word.upper()]


class Channel(IntEnum):
    """How an answer reaches people: the tier says how strong the evidence is, the channel how loudly to say it."""

    NONE = 0
    WITH_ORDER = 1  # shown with the order and nowhere else
    WORKLIST = 2  # in the inbox, without a notice
    INTERRUPT = 3  # in the inbox, with notices

    @property
    def word(self) -> ChannelWord:
        """The channel as it is written and stored."""
        return cast("ChannelWord", self.name.lower().replace("_", "-"))

    @classmethod
    def named(cls, word: str) -> "Channel":
        """Return the channel with this name."""
        return cls[word.upper().replace("-", "_")]


class Text(dict[Language, str]):
    """One text in several languages, immutable; a language it lacks falls back to English, else to any."""

    __slots__ = ()

    def __missing__(self, language: Language) -> str:
        """Return the English text, else any."""
        return in_language(self, language)


def in_language(words: Mapping[Language, str], language: Language) -> str:
    """Return a stored text in this language, else in English, else in any: an alert may be older than the language."""
    return words.get(language) or words.get(FALLBACK) or next(iter(words.values()), "")
