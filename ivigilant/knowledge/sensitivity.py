"""What half and double of each share of the population would change."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any, NamedTuple

from clinical.words import ALERT_TIERS
from history.choices import Site
from ivigilant.knowledge.burden import AT, measure
from rules.knowledge import Knowledge
from rules.load import load_knowledge
from synthetic.population import ASSUMED, USUAL, Population, Share

PATIENTS = 1_000  # for each half and each double
_NAMES = ("prior_vte", "anticoagulated", "first_cidp", "first_other", "weighed", "rated")


class Varied(NamedTuple):
    """One share, and how many of 100 orders reach the inbox at half of it, as it is, and at double."""

    share: Share
    half: float
    usual: float
    double: float


def shares(population: Population = USUAL) -> Iterator[tuple[Share, Callable[[float], Population]]]:
    """Every share, with a way to the same population in which it is so many times as large."""
    for index, use in enumerate(population.uses):
        what = f"ordered for {use.code.text}, {use.g_per_kg} g/kg on {use.days} {'day' if use.days == 1 else 'days'}"
        source = f"{ASSUMED}; dose: EU product information of Privigen"
        yield Share(what, use.share, source), lambda times, index=index: _more_use(population, index, times)  # type: ignore[misc]  # the loop's value is bound
    for index, risk in enumerate(population.risks):
        told = Share(f"{risk.code.text} ({risk.code.code})", risk.share, risk.source)
        yield told, lambda times, index=index: _more_risk(population, index, times)  # type: ignore[misc]  # likewise
    for name in _NAMES:
        told = getattr(population, name)
        yield told, lambda times, name=name: _more(population, name, times)  # type: ignore[misc]  # likewise


def vary(size: int = PATIENTS) -> list[Varied]:
    """Measure all of it, in two processes."""
    every = list(shares())
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        usual = processes.submit(_pushed, USUAL, size)
        pairs = [
            (share, processes.submit(_pushed, more(0.5), size), processes.submit(_pushed, more(2), size))
            for share, more in every
        ]
        return [Varied(share, half.result(), usual.result(), double.result()) for share, half, double in pairs]


@cache
def _knowledge() -> Knowledge:
    return load_knowledge()  # once in each process


def _pushed(population: Population, size: int) -> float:
    return measure(_knowledge(), Site(), size, AT, population).per_hundred(*ALERT_TIERS)


def _more_use(population: Population, index: int, times: float) -> Population:
    uses = list(population.uses)
    uses[index] = uses[index]._replace(share=uses[index].share * times)
    return population._replace(uses=tuple(uses))


def _more_risk(population: Population, index: int, times: float) -> Population:
    risks = list(population.risks)
    risks[index] = risks[index]._replace(share=min(1.0, risks[index].share * times))
    return population._replace(risks=tuple(risks))


def _more(population: Population, name: str, times: float) -> Population:
    share: Share = getattr(population, name)
    changed: dict[str, Any] = {name: share._replace(value=min(1.0, share.value * times))}
    return population._replace(**changed)
