"""The words of a notice: one file per language."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec

from clinical.words import FoundChannel, FoundTier, IncidentKind, Language, PriorityWord, Stream, TierWord
from forwarding.hours import DayName
from forwarding.notice import CALLS, AnyNotice, FaultNotice, Kind, Notice

WORDS = Path(__file__).parent / "words"


class Labels(msgspec.Struct, frozen=True):
    """The labels of the lines of a notice."""

    alert: str
    about: str
    tier: str
    priority: str
    ward: str
    start: str
    runs: str


class ReplyWords(msgspec.Struct, frozen=True):
    """What the link to reply by does: with one alert, or with all of the notice."""

    one: str
    many: str


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
    again_of: str
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
    interrupting: str
    rota_turns: str
    swap: str
    quiet: str
    quiet_for_all: str
    take_on: str
    fallback: str


class FaultWords(msgspec.Struct, frozen=True):
    """The words of a fault of the telling itself, with the {name} of what it is about."""

    began: dict[IncidentKind, str]
    ended: dict[IncidentKind, str]
    began_means: dict[IncidentKind, str]
    flaps: str  # of one that comes and goes
    flaps_means: str
    numbers: str  # of messages that are missing
    codes: dict[str, str]  # what a code of the telling means; a destination is named as it is
    read: str


class NoticeWords(msgspec.Struct, frozen=True):
    """One file of `words/`."""

    tier: dict[TierWord, str]
    priority: dict[PriorityWord, str]
    kind: dict[Kind, str]
    stream: dict[Stream, str]
    step: str
    start: str
    first: str
    runs: str  # of an order that has begun
    runs_means: str
    several: str
    labels: Labels
    unknown: str
    read: str
    reply: ReplyWords
    foot: str
    fault: FaultWords
    policy: PolicyWords


@cache
def words_in(language: Language, folder: Path = WORDS) -> NoticeWords:
    """Read the words of one language; the site file names only languages that have them."""
    return msgspec.yaml.decode((folder / f"{language}.yaml").read_bytes(), type=NoticeWords)


def subject(notice: AnyNotice, folder: Path = WORDS) -> str:
    """Return the subject line, without anything of a patient."""
    return _fault_subject(notice, folder) if isinstance(notice, FaultNotice) else _alert_subject(notice, folder)


def text(notice: AnyNotice, folder: Path = WORDS) -> str:
    """Return the body of a mail: the same in lines, with the link."""
    return _fault_text(notice, folder) if isinstance(notice, FaultNotice) else _alert_text(notice, folder)


def _fault_subject(notice: FaultNotice, folder: Path) -> str:
    words = words_in(notice.language, folder).fault
    what = (words.began if notice.kind == "began" else words.ended)[notice.fault].format(name=notice.subject)
    return f"[IVIg] {what} ({words.flaps})" if notice.flaps else f"[IVIg] {what}"


def _fault_text(notice: FaultNotice, folder: Path) -> str:
    words = words_in(notice.language, folder)
    means = f"{words.fault.numbers}: {notice.numbers}\n" if notice.numbers else ""
    means += f"{words.fault.began_means[notice.fault]}\n\n" if notice.kind == "began" else ""
    means += f"{words.fault.flaps_means}\n\n" if notice.flaps else ""
    return (
        f"{_fault_subject(notice, folder).removeprefix('[IVIg] ')}.\n{means}{words.fault.read}:\n{notice.link}\n\n"
        f"-- \n{words.foot}\n"
    )


def _alert_subject(notice: Notice, folder: Path) -> str:
    """Return event, tier, priority, start and ward: `[IVIg] Contra-indicatie, spoed, start 02:26, C4NEU (nieuw)`."""
    words = words_in(notice.language, folder)
    after = "" if notice.stream == "order" else words.stream[notice.stream]
    tier, priority = words.tier[notice.tier], words.priority[notice.priority]
    start = "" if notice.starts_at is None else words.start.format(time=_moment(notice.starts_at, notice.occurred_at))
    if notice.gathered:
        start = start and words.first.format(start=start)
        tier = words.several.format(count=len(notice.gathered), tier=tier[:1].lower() + tier[1:])
    runs = "" if notice.runs_since is None else words.runs.format(time=_moment(notice.runs_since, notice.occurred_at))
    pieces = [tier, priority, runs, start, after, notice.ward]
    return f"[IVIg] {', '.join(part for part in pieces if part)} ({what_happened(notice, folder)})"


def _moment(moment: datetime, seen: datetime) -> str:
    """Return the time of day, with the date when it is not within a day; on the clock that it was given on."""
    is_near = abs(moment - seen) < timedelta(days=1)
    return f"{moment:%H:%M}" if is_near else f"{moment:%d-%m %H:%M}"


def what_happened(notice: Notice, folder: Path = WORDS) -> str:
    """Return what happened to the alert, with the step of its chain: `nobody is on it yet, step 2 of 3, notice 1`."""
    words, step = words_in(notice.language, folder), notice.step
    kinds = dict.fromkeys([notice.kind, *(each.kind for each in notice.gathered)])
    kind = ", ".join(words.kind[each] for each in kinds)
    return kind if step is None else f"{kind}, {words.step.format(number=step.number, of=step.of, times=step.times)}"


def reply_label(notice: Notice, folder: Path = WORDS) -> str:
    """Return what the link to reply by does: it takes on everything that the notice calls somebody for."""
    words, count = words_in(notice.language, folder).reply, sum(each.kind in CALLS for each in notice.alerts)
    return words.many.format(count=count) if count > 1 else words.one


def _alert_text(notice: Notice, folder: Path) -> str:
    words = words_in(notice.language, folder)
    labels = words.labels
    start = "" if notice.starts_at is None else f"{labels.start}: {_moment(notice.starts_at, notice.occurred_at)}\n"
    runs = "" if notice.runs_since is None else f"{labels.runs}: {_moment(notice.runs_since, notice.occurred_at)}\n"
    means = f"{words.runs_means}\n\n" if notice.runs_since is not None else ""
    reply = f"{reply_label(notice, folder)}:\n{notice.reply}\n\n" if notice.reply else ""
    links = [notice.link, *(each.link for each in notice.gathered if each.alert != notice.alert)]
    return (
        f"{labels.alert}: {what_happened(notice, folder)}\n"
        f"{labels.about}: {words.stream[notice.stream]}\n"
        f"{labels.tier}: {words.tier[notice.tier]}\n"
        f"{labels.priority}: {words.priority[notice.priority]}\n"
        f"{labels.ward}: {notice.ward or words.unknown}\n"
        f"{runs}{start}\n"
        f"{means}{words.read}:\n{chr(10).join(links)}\n\n"
        f"{reply}"
        f"-- \n{words.foot}\n"
    )
