"""The words of a notice: one file per language."""

from functools import cache
from pathlib import Path

import msgspec

from clinical.words import FoundChannel, FoundTier, Language, PriorityWord, Stream, TierWord
from forwarding.hours import DayName
from forwarding.notice import Kind, Notice

WORDS = Path(__file__).parent / "words"


class Labels(msgspec.Struct, frozen=True):
    """The labels of the lines of a notice."""

    alert: str
    about: str
    tier: str
    priority: str
    ward: str


class PolicyWords(msgspec.Struct, frozen=True):
    """The words of the sentences that say who is told when."""

    which: dict[FoundTier, str]
    all: str
    channel: dict[FoundChannel, str]
    stream: dict[Stream, str]
    wards: str
    raised: str
    hours: str
    days: str
    day: dict[DayName, str]
    chain: str
    at_once: str
    later: str
    again: str
    at_most: str
    minutes: str
    hour: str
    everybody: str
    destination: str
    person: str
    role: str
    rota: str
    and_: str = msgspec.field(name="and")
    others: str
    rota_turns: str
    swap: str
    quiet: str
    quiet_for_all: str
    take_on: str
    fallback: str


class NoticeWords(msgspec.Struct, frozen=True):
    """One file of `words/`."""

    tier: dict[TierWord, str]
    priority: dict[PriorityWord, str]
    kind: dict[Kind, str]
    stream: dict[Stream, str]
    labels: Labels
    unknown: str
    read: str
    foot: str
    policy: PolicyWords


@cache
def words_in(language: Language, folder: Path = WORDS) -> NoticeWords:
    """Read the words of one language; the site file names only languages that have them."""
    return msgspec.yaml.decode((folder / f"{language}.yaml").read_bytes(), type=NoticeWords)


def subject(notice: Notice, folder: Path = WORDS) -> str:
    """Return the subject line: event, tier, priority and ward: `[IVIg] Contra-indicatie, spoed, C4NEU (nieuw)`."""
    words = words_in(notice.language, folder)
    after = "" if notice.stream == "order" else words.stream[notice.stream]
    said = [words.tier[notice.tier], words.priority[notice.priority], after, notice.ward]
    return f"[IVIg] {', '.join(part for part in said if part)} ({words.kind[notice.kind]})"


def text(notice: Notice, folder: Path = WORDS) -> str:
    """Return the body of a mail: the same in lines, with the link."""
    words = words_in(notice.language, folder)
    labels = words.labels
    return (
        f"{labels.alert}: {words.kind[notice.kind]}\n"
        f"{labels.about}: {words.stream[notice.stream]}\n"
        f"{labels.tier}: {words.tier[notice.tier]}\n"
        f"{labels.priority}: {words.priority[notice.priority]}\n"
        f"{labels.ward}: {notice.ward or words.unknown}\n\n"
        f"{words.read}:\n{notice.link}\n\n"
        f"-- \n{words.foot}\n"
    )
