"""The advice of an alert as a pharmacist can still follow it: after a dose, nothing is advised about that dose."""

from collections.abc import Sequence
from dataclasses import dataclass

from inbox.alerts.cards import Card, ListSection

MOST = 3  # lines on the page before one unfolds the rest
_BEFORE_A_DOSE = frozenset(
    {
        "give-without-delay", "decide-now", "hold", "postpone", "discuss-alternatives", "spread", "lower-dose",
        "slow-rate", "limit-rate", "hydrate", "limit-fluid",
    }
)  # fmt: skip  # acts that only help before or during a dose
_WHILE_AT_RISK = frozenset({"watch", "inform-patient"})
_OF_THE_RATE = frozenset({"slow-rate", "limit-rate"})
_TREATS = frozenset({"anticoagulate", "anticoagulate-without-heparin", "correct-inr"})


@dataclass(frozen=True, slots=True)
class Steps:
    """The lines of advice, each as its place in the advice: those to do now, and the others."""

    now: tuple[int, ...]
    later: tuple[int, ...]


def steps_of(card: Card) -> Steps:
    """Return what is to be done now and what later; of an alert that lapsed, nothing is to be done now.

    What only helps before a dose comes last once there is no dose to come, and symptoms come first after it. While the
    infusion runs they and the rate stand behind the first line and the treatment of a thrombosis.
    """
    conclusion = card.alert.conclusion
    places = list(range(len(conclusion.advice)))
    if card.is_ahead and card.has_begun:
        now = _while_it_runs(places, conclusion.does)
    elif card.is_ahead:
        now = places[: conclusion.now if 0 < conclusion.now < MOST else MOST]
    elif card.is_over:
        now = []
    elif _awaits_a_dose(card):
        now = places[: conclusion.now or MOST]
    else:
        acts = [frozenset(each) for each in conclusion.does] or [frozenset()] * len(places)
        ranked = sorted(places, key=lambda at: not _WHILE_AT_RISK.isdisjoint(acts[at]), reverse=True)
        now = [at for at in ranked if _BEFORE_A_DOSE.isdisjoint(acts[at])][:MOST]
    return Steps(tuple(now), tuple(at for at in places if at not in now))


def _while_it_runs(places: Sequence[int], does: Sequence[Sequence[str]]) -> list[int]:
    """Return the first line, treatment of a thrombosis, one about symptoms and one about the rate, where they are."""
    others = places[1 : len(does)]
    found = [
        next((at for at in others if not wanted.isdisjoint(does[at])), None)
        for wanted in (_TREATS, _WHILE_AT_RISK, _OF_THE_RATE)
    ]
    return list(dict.fromkeys([*places[:1], *(at for at in found if at is not None), *places]))[:MOST]


def _awaits_a_dose(card: Card) -> bool:
    case = card.alert.conclusion.case
    return card.section == ListSection.AFTER_INFUSION and case is not None and case.next_dose is not None
