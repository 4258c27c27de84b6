"""The chain of an alert: whom it notifies at a moment, and when it notifies next. No clock: the moment is given."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clinical.words import Tier, TierWord
from forwarding.policy import Situation, chain_for, is_told, next_moment, reached, turns_between
from history.choices import Site

BEGAN_AT: Final = "began_at"  # in the data of a step that is due: when its chain began
AFTER: Final = "after"  # and up to when its steps are done; absent: none is
CHAIN: Final = "chain"  # and its name; where another fits by then, that begins


@dataclass(frozen=True, slots=True)
class ChainStep:
    """What a chain does at one moment, and when it goes on."""

    destinations: Sequence[str] = ()  # notified now
    name: str = ""  # of the chain
    number: int = 0  # of the step, from 1; 0: none is due
    of: int = 0  # steps of the chain
    times: int = 0  # how often this step was carried out, this time included
    is_first: bool = True  # nobody was notified before
    next_at: datetime | None = None  # None: it ends
    next_data: dict[str, Any] | None = None  # for the step that is due then

    @property
    def data(self) -> dict[str, Any]:
        """What the record of the alert says of it."""
        return {"chain": self.name, "step": self.number, "of": self.of, "times": self.times}


def chain_step(site: Site, situation: Situation, after: datetime | None, now: datetime) -> ChainStep:
    """Return what the chain does now, when all its steps up to `after` are done (None: none is)."""
    everybody = destinations_of(site, situation.tier)
    if not site.destinations:
        return ChainStep()  # there is nobody to notify
    chain = chain_for(site.telling, situation, site.zone)
    turns = turns_between(site.telling, situation, after, now, site.zone)
    named = [
        place
        for turn in turns
        for place in reached(site.telling, chain.steps[turn.step], now, site.zone, tuple(everybody))
    ]
    last = max(turns, key=lambda turn: turn.step, default=None)
    next_at = next_moment(site.telling, situation, max(now, situation.began_at), site.zone)
    if turns and not named:  # a step that names nobody must not mean silence
        named = everybody
    return ChainStep(
        destinations=list(dict.fromkeys(named)),
        name=chain.name,
        number=last.step + 1 if last else 0,
        of=len(chain.steps),
        times=last.round + 1 if last else 0,
        is_first=after is None or not turns_between(site.telling, situation, None, after, site.zone),
        next_at=next_at,
        next_data={BEGAN_AT: situation.began_at.isoformat(), AFTER: now.isoformat(), CHAIN: chain.name},
    )


def chain_name(site: Site, situation: Situation) -> str:
    """Return the name of the chain that fits."""
    return chain_for(site.telling, situation, site.zone).name


def tells(site: Site, situation: Situation) -> bool:
    """Return whether such an alert is notified of at all, unless something keeps it quiet."""
    return is_told(site.telling, situation, site.zone)


def destinations_of(site: Site, tier: TierWord) -> list[str]:
    """Return the destinations that want an alert of this tier."""
    return [place.name for place in site.destinations if Tier.named(tier) >= Tier.named(place.min_tier)]


def fallback_of(site: Site, failing: str, as_well: Collection[str] = ()) -> str | None:
    """Return the destination that gets what another fails to take: the one the policy names, else the next named.

    None of those that fail to take it as well.
    """
    names = [place.name for place in site.destinations]
    at = names.index(failing) if failing in names else -1
    first = [site.telling.fallback] if site.telling.fallback is not None else []
    others = [*first, *names[at + 1 :], *names[: max(at, 0)]]
    return next((name for name in others if name != failing and name not in as_well), None)


def incident_destinations(site: Site, failing: str) -> list[str]:
    """Return the destinations that hear of a fault of this one: the second path."""
    names = site.telling.incidents_to or [place.name for place in site.destinations]
    return [name for name in names if name != failing]


def person_of(site: Site, destination: str) -> str | None:
    """Return who is reached by this destination; None when it is of nobody, or of several."""
    people = [person for person, place in site.telling.people.items() if place == destination]
    return people[0] if len(people) == 1 else None
