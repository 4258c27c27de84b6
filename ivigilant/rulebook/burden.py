"""How many alerts the rules give per 100 IVIg orders, on patients as they usually come: docs/burden.md."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from ivigilant.hospital.population import patients
from ivigilant.hospital.wire import Draft, post
from parsers.reading import read
from rules.knowledge import Knowledge
from worker.record import Arrival
from worker.rehearsal import rehearse
from worker.site import Site

TIERS = ("contraindication", "high", "moderate", "information", "none")


@dataclass(slots=True)
class Burden:
    """What became of the orders."""

    orders: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    priorities: Counter[str] = field(default_factory=Counter)
    drivers: Counter[tuple[str, str]] = field(default_factory=Counter)  # tier of the order, rule of that tier

    def per_hundred(self, tier: str) -> float:
        """Orders of this tier, in every 100."""
        return 100 * self.tiers[tier] / self.orders if self.orders else 0.0


def measure(knowledge: Knowledge, site: Site, size: int, now: datetime) -> Burden:
    """Judge the order of every patient of the population."""
    burden = Burden()
    for number, drafts in patients(now, size):
        for judged in rehearse(_read(drafts, number, site, now), knowledge, site):
            answer = judged.answered
            if answer.stream != "order" or not answer.order.placer.endswith(number):
                continue
            tier = answer.assessment.tier
            burden.orders += 1
            burden.tiers[tier.name.lower()] += 1
            burden.priorities[answer.assessment.priority.name.lower()] += 1
            burden.drivers.update(
                (tier.name.lower(), finding.rule) for finding in answer.assessment.findings if finding.tier == tier
            )
    return burden


def _read(drafts: list[Draft], number: str, site: Site, now: datetime) -> list[Arrival]:
    found = []
    for index, draft in enumerate(drafts, start=1):
        sent = now - timedelta(minutes=5) + timedelta(seconds=index)
        raw = post(draft, f"{number}{index}", sent)
        reading = read(raw, site.defaults_of("default"))
        found.append(Arrival(index, f"{number}{index}", sha256(raw).digest(), sent, reading))
    return found


def in_words(burden: Burden) -> str:
    """One line for a terminal."""
    return ", ".join(f"{tier} {burden.per_hundred(tier):.1f}" for tier in TIERS)
