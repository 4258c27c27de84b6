"""How many alerts the rules give per 100 IVIg orders, on patients as they usually come: docs/burden.md."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from multiprocessing import get_context

from clinical.words import ALERT_TIERS
from history.choices import Site
from history.messages import ReadMessage
from history.person import judge_messages
from parsers.reading import read
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from synthetic.population import USUAL, Population, patients
from synthetic.wire import Draft, post

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PATIENTS = 10_000
_AT_ONCE = 500  # patients of one piece of work


@dataclass(slots=True)
class Burden:
    """What became of the orders."""

    orders: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    priorities: Counter[str] = field(default_factory=Counter)
    drivers: Counter[tuple[str, str]] = field(default_factory=Counter)  # tier of the order, rule of that tier

    def per_hundred(self, *tiers: str) -> float:
        """Orders of these tiers, in every 100."""
        return 100 * sum(self.tiers[tier] for tier in tiers) / self.orders if self.orders else 0.0

    def add(self, other: "Burden") -> None:
        """Count these orders too."""
        self.orders += other.orders
        self.tiers += other.tiers
        self.priorities += other.priorities
        self.drivers += other.drivers


def measure(
    knowledge: Knowledge, site: Site, size: int, now: datetime, population: Population = USUAL, after: int = 0
) -> Burden:
    """Judge the order of every patient of the population, from the one that comes after so many."""
    burden = Burden()
    for number, drafts in patients(now, size, population, after=after):
        people = judge_messages(_read(drafts, number, site, now), knowledge, site)
        for answer in (answer for each in people for answer in each.answers):
            if answer.stream != "order" or not answer.order.placer.endswith(number):
                continue
            tier = answer.assessment.tier
            burden.orders += 1
            burden.tiers[tier.word] += 1
            burden.priorities[answer.assessment.priority.word] += 1
            burden.drivers.update(
                (tier.word, finding.rule) for finding in answer.assessment.findings if finding.tier == tier
            )
    return burden


def measure_apart(
    size: int = PATIENTS, *, at_risk_from: int = 1, told: Callable[[int], None] = lambda _: None
) -> Burden:
    """The same of the rules of this release, in two processes; `told` hears how many orders were judged."""
    burden = Burden()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        pieces = [
            processes.submit(_piece, after, min(_AT_ONCE, size - after), at_risk_from)
            for after in range(0, size, _AT_ONCE)
        ]
        for piece in as_completed(pieces):
            burden.add(piece.result())
            told(burden.orders)
    return burden


def _piece(after: int, size: int, at_risk_from: int) -> Burden:
    knowledge = load_knowledge(chosen={"at_risk_from": at_risk_from} if at_risk_from > 1 else None)
    return measure(knowledge, Site(), size, AT, after=after)


def _read(drafts: list[Draft], number: str, site: Site, now: datetime) -> list[ReadMessage]:
    found = []
    for index, draft in enumerate(drafts, start=1):
        sent = now - timedelta(minutes=5) + timedelta(seconds=index)
        raw = post(draft, f"{number}{index}", sent)
        reading = read(raw, site.defaults_of("default"))
        found.append(ReadMessage(index, f"{number}{index}", sha256(raw).digest(), sent, reading))
    return found


def in_words(burden: Burden) -> str:
    """What a terminal shows: what reaches the inbox, and apart from it what is only shown with the order."""
    pushed = ", ".join(f"{tier} {burden.per_hundred(tier):.1f}" for tier in ALERT_TIERS)
    shown, nothing = burden.per_hundred("information"), burden.per_hundred("none")
    return (
        f"{burden.per_hundred(*ALERT_TIERS):.1f} reach the inbox ({pushed}); "
        f"{shown:.1f} are only shown with the order; {nothing:.1f} say nothing"
    )
