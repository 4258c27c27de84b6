"""How many alerts the rules give in a year of orders of a synthetic population, and which cases they catch.

Every order is judged at its own moment. A pharmacist settles each alert at once: a later order whose findings were
settled within the last half year is covered, unless something became worse.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from clinical.words import CHANNELS, Channel, ChannelWord, TierWord
from history.alerting import got_worse
from history.choices import Site
from history.conclusion import Conclusion
from history.messages import ReadMessage
from history.order_answers import OrderAnswer
from history.person import judge_messages
from parsers.reading import read
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from rules.terms import Terms
from synthetic.population import SHARE, PatientYear, Share, every_share, years
from synthetic.published import PublishedCase, published, told
from synthetic.wire import Draft, post

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PATIENTS = 1_000
OPTION_PATIENTS = 300  # patients for each alternative choice of limits
KEPT = Path(__file__).with_name("burden.json")
INTERRUPT: ChannelWord = Channel.INTERRUPT.word
WORKLIST: ChannelWord = Channel.WORKLIST.word
_AT_ONCE = 100  # patients per task
Choices = Mapping[str, Any]  # as with a site file's defaults


class YearAnswer(Struct, frozen=True):
    """The answer to one order, and whether it was raised or covered by what was settled before."""

    channel: ChannelWord
    tier: TierWord
    points: int
    said: bool
    drivers: tuple[str, ...]  # the rules that fired in its channel


class Year(Struct, frozen=True):
    """One patient's year: what was drawn of each share, and the answer to each order."""

    use: str
    drawn: dict[str, bool]
    answers: tuple[YearAnswer, ...]


class Held(Struct, frozen=True):
    """A published case, and the answer to the order before its thrombosis."""

    case: PublishedCase
    answer: YearAnswer


class Burden(Struct, frozen=True):
    """The answers of a population, each patient weighted by the shares."""

    years: Sequence[Year]
    weights: Sequence[float] = ()  # empty: equal weights

    def first(self, holds: Callable[[YearAnswer], bool]) -> float:
        """Return how many of 100 patients get such an answer to their first order of the year."""
        return _per_hundred((weight, holds(year.answers[0])) for year, weight in self._weighed())

    def orders(self, holds: Callable[[YearAnswer], bool]) -> float:
        """Return how many of 100 orders of the year get such an answer."""
        return _per_hundred((weight, holds(each)) for year, weight in self._weighed() for each in year.answers)

    def first_in(self, channel: ChannelWord) -> float:
        """Return how many of 100 first answers are in this channel."""
        return self.first(lambda answer: answer.channel == channel)

    def said_in(self, channel: ChannelWord) -> float:
        """Return how many of 100 orders raise something in this channel that was not settled before."""
        return self.orders(lambda answer: answer.said and answer.channel == channel)

    def of_use(self, use: str) -> "Burden":
        """Return only the patients with this indication."""
        return Burden([year for year in self.years if year.use == use])

    @property
    def size(self) -> int:
        """Return the number of orders."""
        return sum(len(year.answers) for year in self.years)

    def drivers(self) -> Counter[tuple[ChannelWord, str]]:
        """Count the first answers in which each rule fired, by the channel of the answer."""
        return Counter((year.answers[0].channel, rule) for year in self.years for rule in year.answers[0].drivers)

    def with_share(self, share: Share, times: float) -> "Burden":
        """Return the same patients, weighted as if this share were this many times as large."""
        return Burden(self.years, [_weight(year, share, times) for year in self.years])

    def _weighed(self) -> Iterable[tuple[Year, float]]:
        return zip(self.years, self.weights or [1.0] * len(self.years), strict=True)


def _per_hundred(weighed: Iterable[tuple[float, bool]]) -> float:
    holding = every = 0.0
    for weight, holds in weighed:
        every += weight
        holding += weight * holds
    return 100 * holding / every if every else 0.0


def _weight(year: Year, share: Share, times: float) -> float:
    """Return how much more frequent such a patient is when the share changes."""
    if share.name not in SHARE:
        return times if year.use == share.name else 1.0
    drawn, other = year.drawn.get(share.name), min(1.0, share.value * times)
    if drawn is None:
        return 1.0
    return other / share.value if drawn else (1 - other) / (1 - share.value)


def measure(knowledge: Knowledge, site: Site, size: int, now: datetime, *, after: int = 0, seed: int = 7) -> list[Year]:
    """Judge the year of every patient."""
    return [judged(patient, knowledge, site) for patient in years(now, size, after=after, seed=seed)]


def judged(patient: PatientYear, knowledge: Knowledge, site: Site) -> Year:
    """Judge every order of one patient, in their order, each alert settled before the next order."""
    return _judged(patient, _read(patient.told, patient.orders[0], site), knowledge, site)


def _judged(patient: PatientYear, messages: list[ReadMessage], knowledge: Knowledge, site: Site) -> Year:
    found = _answers(messages, knowledge, site)
    orders = zip(patient.orders, patient.prescriptions, strict=True)
    answers = in_turn([(order.ordered_at, found[number]) for number, order in orders], site.covers_for, knowledge.terms)
    return Year(patient.use, dict(patient.drawn), answers)


def in_turn(
    answers: Iterable[tuple[datetime, OrderAnswer]], covers_for: timedelta, terms: Terms
) -> tuple[YearAnswer, ...]:
    """Return the answers to one patient's orders, in their order, each alert settled before the next order."""
    settled: list[tuple[datetime, Conclusion]] = []
    return tuple(_settle(answer, at, settled, covers_for, terms) for at, answer in answers)


def _answers(messages: list[ReadMessage], knowledge: Knowledge, site: Site) -> dict[str, OrderAnswer]:
    people = judge_messages(messages, knowledge, site)
    answers = (answer for person in people for answer in person.answers if not answer.is_surveillance)
    return {answer.order.placer.rpartition("|")[2]: answer for answer in answers}


def _settle(
    answer: OrderAnswer,
    at: datetime,
    settled: list[tuple[datetime, Conclusion]],
    covers_for: timedelta,
    terms: Terms,
) -> YearAnswer:
    if answer.assessment.channel < Channel.WORKLIST:
        return answered(answer, said=False)
    conclusion = answer.conclusion
    covered = any(when + covers_for > at and not got_worse(before, conclusion, terms=terms) for when, before in settled)
    if not covered:
        settled.append((at, conclusion))
    return answered(answer, said=not covered)


def answered(answer: OrderAnswer, *, said: bool) -> YearAnswer:
    """Return what is counted of an answer."""
    found = answer.assessment
    drivers = tuple(finding.rule for finding in found.findings if finding.channel == found.channel)
    return YearAnswer(found.channel.word, found.tier.word, found.points.total, said, drivers)


def _read(drafts: Sequence[tuple[datetime, Draft]], name: str, site: Site) -> list[ReadMessage]:
    found = []
    for index, (sent, draft) in enumerate(drafts, start=1):
        raw = post(draft, f"{name}{index}", sent)
        reading = read(raw, site.defaults_of("default"))
        found.append(ReadMessage(index, f"{name}{index}", sha256(raw).digest(), sent, reading))
    return found


def held(knowledge: Knowledge, site: Site | None = None, *, long: bool = False) -> list[Held]:
    """Judge the order before each published thrombosis; `long`: as if earlier IVIg had been at this dose for long."""
    site = site or Site()
    return [Held(case, _held(case, index, knowledge, site, long)) for index, case in enumerate(published().cases)]


def _held(case: PublishedCase, index: int, knowledge: Knowledge, site: Site, long: bool) -> YearAnswer:
    number, drafts = told(case, index, AT, long=long)
    sent = [(AT - timedelta(minutes=5) + timedelta(seconds=at), draft) for at, draft in enumerate(drafts)]
    return answered(_answers(_read(sent, number, site), knowledge, site)[number], said=True)


@contextmanager
def two_processes() -> Iterator[ProcessPoolExecutor]:
    """Return a pool of two fresh processes."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        yield processes


def measure_apart(
    processes: ProcessPoolExecutor,
    size: int = PATIENTS,
    *,
    chosen: Choices | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Burden:
    """Measure the rules of this release in other processes; `told` is called with the number of patients judged."""
    found: list[Year] = []
    pieces = [
        processes.submit(_piece, after, min(_AT_ONCE, size - after), json.dumps(dict(chosen or {})))
        for after in range(0, size, _AT_ONCE)
    ]
    for piece in pieces:
        found += piece.result()
        told(len(found))
    return Burden(found)


def measure_choices(processes: ProcessPoolExecutor, size: int, choices: Sequence[Choices]) -> list[Burden]:
    """Measure the same patients by each of these choices, their messages read once."""
    asked = [json.dumps(dict(chosen)) for chosen in choices]
    pieces = [
        processes.submit(_piece_by_each, after, min(_AT_ONCE, size - after), asked)
        for after in range(0, size, _AT_ONCE)
    ]
    found = [piece.result() for piece in pieces]
    return [Burden([year for piece in found for year in piece[at]]) for at in range(len(choices))]


def _piece_by_each(after: int, size: int, choices: Sequence[str]) -> list[list[Year]]:
    site, found = Site(), list[list[Year]]([] for _ in choices)
    knowledges = [load_knowledge(chosen=json.loads(chosen) or None) for chosen in choices]
    for patient in years(AT, size, after=after):
        messages = _read(patient.told, patient.orders[0], site)
        for kept_years, knowledge in zip(found, knowledges, strict=True):
            kept_years.append(_judged(patient, messages, knowledge, site))
    return found


def _piece(after: int, size: int, chosen: str) -> list[Year]:
    return measure(_chosen(chosen), Site(), size, AT, after=after)


@lru_cache(maxsize=1)
def _chosen(chosen: str) -> Knowledge:
    return load_knowledge(chosen=json.loads(chosen) or None)  # once in each process


class Varied(NamedTuple):
    """One share, and the interruptions per 100 first answers and per 100 orders at half and at double."""

    share: Share
    half: tuple[float, float]
    double: tuple[float, float]


def vary(burden: Burden) -> list[Varied]:
    """Weight the patients for half and for double each share."""
    return [
        Varied(share, _interrupting(burden.with_share(share, 0.5)), _interrupting(burden.with_share(share, 2)))
        for share in every_share()
    ]


def _interrupting(burden: Burden) -> tuple[float, float]:
    return burden.first_in(INTERRUPT), burden.said_in(INTERRUPT)


class Kept(Struct, frozen=True):
    """The figures of the last full run, and the rules used."""

    knowledge: str
    patients: int
    orders: int
    first: dict[ChannelWord, float]  # per 100 first answers, by channel
    said: dict[ChannelWord, float]  # per 100 orders, by channel


def figures(burden: Burden, version: str) -> Kept:
    """Return the figures to store of a run."""
    first = {channel: round(burden.first_in(channel), 1) for channel in CHANNELS}
    said = {channel: round(burden.said_in(channel), 1) for channel in (WORKLIST, INTERRUPT)}
    return Kept(version, len(burden.years), burden.size, first, said)


def keep(found: Kept, file: Path = KEPT) -> None:
    """Store the figures beside the code."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def kept(version: str, file: Path = KEPT) -> Kept | None:
    """Return the stored figures if they were made with these rules, else None."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.knowledge == version else None


def in_words(found: Kept) -> str:
    """Return the figures as a sentence for a terminal."""
    return (
        f"of 100 first answers {found.first[INTERRUPT]:.1f} interrupt and {found.first[WORKLIST]:.1f} stand in the "
        f"worklist; of 100 orders of a year {found.said[INTERRUPT]:.1f} and {found.said[WORKLIST]:.1f}"
    )
