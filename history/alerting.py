"""What a new answer means for an order's alert, and whether it became worse.

Worse is also a risk fact that the answer before did not know: an event of the deciding kind, or a risk factor.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from clinical.conclusions import Ends, StoredConclusion, StoredFact, StoredFinding
from clinical.words import AFTER_INFUSION, SETTLED, Channel, Priority, Tier
from history.conclusion import Conclusion, Json, reaches_inbox
from history.order_answers import OrderAnswer
from history.orders import ON_HOLD, REPLACE_PENDING, STOP_PENDING, OrderState
from rules.terms import Terms

DOSE_RISE = 1.25  # NA-4: a dose or rate at least a quarter higher raises the alert again
SOONER = timedelta(hours=1)  # a start that moves nearer by less leaves whoever acts about the same time
RISK_WINDOW = timedelta(days=30)  # how long after the last dose a thrombosis may still follow (KNOWLEDGE part 4)
SAID_AGAIN = timedelta(days=14)  # the same disease with another date: registered at discharge, or in another list
REPEATED = timedelta(days=90)  # the same code and words, dated by the visit: as long as a thrombosis is current
_SPAN = {"year": timedelta(days=366), "month": timedelta(days=31)}
_SHOWN = ("display", "code", "at", "precision", "certainty")
_USUAL = frozenset({"limbs"})  # where a thrombosis is of which nobody says where
_ANSWERED = frozenset({*SETTLED, "taken_on", "covered"})  # somebody saw an answer: only what is worse re-opens
_QUANTITIES = ("dose_g", "dose_g_per_kg", "course_g_per_kg", "rate_g_per_h")
_NOT_PUSHED = frozenset({"test", "replay", "deceased", "on_hold"})
_BADGE_OF_STATE = {ON_HOLD: "on_hold", STOP_PENDING: "stop_requested", REPLACE_PENDING: "stop_requested"}


@dataclass(frozen=True, slots=True)
class Standing:
    """The current alert: its status, the last answer, and the answer a pharmacist settled."""

    status: str
    last: Conclusion
    settled: Conclusion | None


@dataclass(frozen=True, slots=True)
class AlertChange:
    """One line of the alert's record, and the status after it."""

    kind: str  # raised | changed | reopened | covered | resolved
    status: str
    push: bool  # whether a notice must go out
    reason: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def decide(
    standing: Standing | None,
    order: OrderState,
    answer: Conclusion,
    *,
    terms: Terms,
    covered: bool,
    ends_with_order: bool = True,
) -> AlertChange | None:
    """Return what happens to the alert now; None when nothing does. `covered`: these findings were settled before.

    An alert about what came after the infusion does not end with its order.
    """
    silent = _why_silent(order, answer, ends_with_order=ends_with_order)
    if standing is None or standing.status == "resolved":
        if silent:
            return None
        if covered:
            return AlertChange("covered", "covered", push=False)
        return AlertChange("raised" if standing is None else "reopened", "open", push=True)
    if silent:
        return AlertChange("resolved", "resolved", push=False, reason=silent)
    if standing.status in _ANSWERED:
        return _after_settling(standing, answer, terms)
    if standing.last.signature == answer.signature:
        return None
    worse = order_got_worse(standing.last, answer, terms=terms)
    data = _difference(standing, answer, terms, since=standing.last)
    return AlertChange("changed", "open", push=bool(worse), reason=", ".join(worse), data=data)


def _why_silent(order: OrderState, answer: Conclusion, *, ends_with_order: bool) -> str:
    if order.is_stopped and ends_with_order:
        return f"order_{order.state}"
    return "" if answer.reaches_inbox else "risk_withdrawn"


def _after_settling(standing: Standing, answer: Conclusion, terms: Terms) -> AlertChange | None:
    """Return the change to a settled alert: worse re-opens it, better is recorded and not pushed."""
    settled = standing.settled or standing.last
    worse = order_got_worse(settled, answer, terms=terms)
    data = _difference(standing, answer, terms, since=settled)
    if worse:
        return AlertChange("reopened", "open", push=True, reason=", ".join(worse), data=data)
    if standing.last.signature == answer.signature:
        return None
    return AlertChange("changed", standing.status, push=False, data=data)


def _difference(standing: Standing, answer: Conclusion, terms: Terms, *, since: Conclusion) -> dict[str, Any]:
    """Return what changed since the last answer, and the facts that are new since the one that was acted on."""
    changed = what_changed(standing.last.content, answer.content)
    if facts := new_facts(since.stored, answer.stored, terms):
        changed["new_facts"] = facts
    if standing.last.tier != answer.tier:
        changed["tier"] = [standing.last.tier.word, answer.tier.word]
    return changed


def change_badges(status: str, before: Iterable[str], badges: frozenset[str]) -> AlertChange | None:
    """Return the change when only a badge differs: a death, or a replayed order that is now live."""
    if status == "resolved" or frozenset(before) == badges:
        return None
    return AlertChange("changed", status, push=False, reason="marked")


def badges_of(answer: OrderAnswer, of_person: frozenset[str]) -> frozenset[str]:
    """Return the badges of the alert about this answer."""
    badge = None if answer.is_surveillance else _BADGE_OF_STATE.get(answer.order.state)
    return of_person | answer.badges | ({badge} if badge is not None else set())


def priority_of(answer: OrderAnswer, badges: frozenset[str]) -> Priority:
    """Return how soon a pharmacist should look; an order that is on hold can wait."""
    return Priority.ROUTINE if "on_hold" in badges else answer.assessment.priority


def may_push(answer: OrderAnswer, badges: frozenset[str], now: datetime) -> bool:
    """Return whether a notice may go out about this answer."""
    interrupts = answer.assessment.channel >= Channel.INTERRUPT
    return interrupts and not is_quiet(answer.stream, badges, answer.ends_at, now)


def is_quiet(stream: str, badges: frozenset[str], ends_at: datetime | None, now: datetime) -> bool:
    """Return whether no notice may go out, whatever the channel: of a test, of what is over, of what is on hold."""
    if stream == AFTER_INFUSION:  # a death after an infusion does go out: it must be reported
        return bool(badges & (_NOT_PUSHED - {"deceased"}))
    return bool(badges & _NOT_PUSHED) or is_over(ends_at, now)


def is_over(ends_at: datetime | None, now: datetime) -> bool:
    """Return whether the risk window of an order has closed: later findings are shown, without a notice."""
    return ends_at is not None and ends_at + RISK_WINDOW < now


def rules_of(content: StoredConclusion) -> frozenset[str]:
    """Return the rules whose findings reach the inbox, without those only shown with the order."""
    return frozenset(finding.rule for finding in content.findings if reaches_inbox(finding))


def order_got_worse(settled: Conclusion, answer: Conclusion, *, terms: Terms) -> list[str]:
    """Return, as `got_worse` does, how the second answer about the same order is worse: its start counts too."""
    sooner = _starts_sooner(settled.stored, answer.stored)
    return got_worse(settled, answer, terms=terms) + (["starts_sooner"] if sooner else [])


def _starts_sooner(before: StoredConclusion, now: StoredConclusion) -> bool:
    """Return whether the planned start moved nearer by so much that less time is left to act."""
    was, is_ = before.order.start, now.order.start
    if now.case is not None or not was or not is_:
        return False
    return datetime.fromisoformat(is_) <= datetime.fromisoformat(was) - SOONER


def got_worse(settled: Conclusion, answer: Conclusion, *, terms: Terms) -> list[str]:
    """Return, as short codes, how the second answer is worse than the one a pharmacist settled; none when it is not."""
    before, now = settled.stored, answer.stored
    reasons = ["tier_rose"] if answer.tier > settled.tier else []
    if not reasons and answer.channel > settled.channel:
        reasons.append("channel_rose")
    new_rules = sorted(rules_of(now) - rules_of(before))
    reasons.extend(f"new_rule:{rule}" for rule in new_rules)
    if now.case is not None:  # an event after infusion: the order itself is judged elsewhere
        return reasons + (["new_event"] if _events(now) - _events(before) else [])
    if new_facts(before, now, terms):
        reasons.append("new_fact")
    reasons.extend(
        f"{name}_rose" for name in _QUANTITIES if _rose(getattr(before.order, name), getattr(now.order, name))
    )
    if before.order.product and before.order.product != now.order.product:
        reasons.append("product_changed")
    return reasons


def _events(content: StoredConclusion) -> frozenset[tuple[str, str]]:
    """Return the events after infusion, by kind and day."""
    events = content.case.events if content.case is not None else []
    return frozenset((event.code or event.display, str(event.at)[:10]) for event in events)


def _rose(before: Ends | None, now: Ends | None) -> bool:
    return bool(before and now and now[1] >= before[1] * DOSE_RISE and now[1] > before[1])


def what_changed(before: Json, now: Json) -> dict[str, Any]:
    """Return the difference as a page shows it: rules added and removed, quantities before and after."""
    changed: dict[str, Any] = {
        "rules_added": sorted(_all_rules(now) - _all_rules(before)),
        "rules_gone": sorted(_all_rules(before) - _all_rules(now)),
    }
    for name in (*_QUANTITIES, "product", "state", "start"):
        if before["order"].get(name) != now["order"].get(name):
            changed[name] = [before["order"].get(name), now["order"].get(name)]
    return changed


def _all_rules(content: Json) -> frozenset[str]:
    return frozenset(finding["rule"] for finding in content["findings"])


class _Sites:
    """Where thromboses are: an event of another site is another event."""

    def __init__(self, terms: Terms) -> None:
        self._codes, self._form = terms.codes, terms.recognition.sites

    def of(self, fact: StoredFact) -> frozenset[str]:
        """Return where a thrombosis is; nothing where it says only that there is one. Any other disease is itself."""
        system, code, words = fact.system, fact.code, fact.display
        of_code = self._codes.site_of(system, code) if code else ""
        if of_code:
            return frozenset({of_code} - {"unspecific"})
        in_words = frozenset(site for site, patterns in self._form.words.items() if _says(patterns, words))
        if in_words or _says(self._form.unspecific, words):
            return in_words
        return frozenset({f"{system} {code[:3] if system.startswith('ICD') else code or words}"})

    def certain(self, fact: StoredFact) -> frozenset[str]:
        """Return where a known thrombosis is; words that also deny something may deny a site, and name none."""
        denied = not fact.code and _says(self._form.denies, fact.display)
        return frozenset() if denied else self.of(fact)

    def recurs(self, fact: StoredFact) -> bool:
        """Return whether its code or its words say that it is another one than before."""
        codes = self._form.recurrent_codes.get(self._codes.system_of(fact.system), ())
        return fact.code in codes or _says(self._form.recurs, fact.display)


def _says(patterns: Sequence[str], words: str) -> bool:
    return any(re.search(pattern, words, re.IGNORECASE) for pattern in patterns)


def new_facts(before: StoredConclusion, now: StoredConclusion, terms: Terms) -> list[Json]:
    """Return what is new and worse: later events that are contra-indications, and risk factors that add points.

    What a new rule found is left out: the rule is news enough. Facts without a date may be old facts in other words.
    """
    return _later_events(before, now, _Sites(terms)) + _more_factors(before, now)


def _later_events(before: StoredConclusion, now: StoredConclusion, sites: _Sites) -> list[Json]:
    settled = {finding.rule: _conditions([finding]) for finding in before.findings}
    deciding = [each for each in now.findings if each.tier == Tier.CONTRAINDICATION.word and reaches_inbox(each)]
    was_deciding = [each for each in before.findings if each.tier == Tier.CONTRAINDICATION.word]
    mentions = _repeated(_conditions(was_deciding), _conditions(deciding))
    found: dict[tuple[str, str | None], StoredFact] = {}
    for finding in deciding:
        if finding.rule not in settled:
            continue
        facts = _conditions([finding])
        earlier = settled[finding.rule] + [fact for fact in facts if fact in mentions]
        for fact in facts:
            if fact not in mentions and _is_later(fact, earlier, sites):
                found.setdefault((fact.display or fact.code, fact.at), fact)
    return [{name: getattr(fact, name) for name in _SHOWN} for fact in found.values()]


def _conditions(findings: Iterable[StoredFinding]) -> list[StoredFact]:
    return [fact for finding in findings for fact in finding.facts if fact.kind == "condition"]


def _repeated(known: Sequence[StoredFact], facts: Sequence[StoredFact]) -> list[StoredFact]:
    """Return the facts that say a known event in the same code and words, each within the window of the one before."""
    found: list[StoredFact] = []
    for fact in sorted((each for each in facts if each.at), key=_begin):
        if any(_repeats(fact, each) for each in (*known, *found)):
            found.append(fact)
    return found


def _repeats(fact: StoredFact, known: StoredFact) -> bool:
    same = (fact.system, fact.code, fact.display) == (known.system, known.code, known.display)
    return same and bool(known.at) and _begin(known) <= _begin(fact) <= max(_end(known), _begin(known) + REPEATED)


def _is_later(fact: StoredFact, known: Sequence[StoredFact], sites: _Sites) -> bool:
    """Return whether an event is another than the known ones, and not older; False where one of them has no date."""
    if not fact.at or not all(each.at for each in known):
        return False
    first = [
        each for each in known if not any(_repeats(each, other) and _begin(other) < _begin(each) for other in known)
    ]
    alike = first if sites.recurs(fact) else known
    is_older = any(_begin(fact) < _begin(each) for each in first)
    return not is_older and not any(_is_same(fact, each, sites) for each in alike)


def _is_same(fact: StoredFact, known: StoredFact, sites: _Sites) -> bool:
    """Return whether this may be the known event again: no other site, and no more than two weeks later."""
    return _begin(fact) <= _end(known) + SAID_AGAIN and sites.of(fact) <= (sites.certain(known) or _USUAL)


def _begin(fact: StoredFact) -> datetime:
    return datetime.fromisoformat(fact.at or "")  # only facts with a date are compared


def _end(fact: StoredFact) -> datetime:
    return _begin(fact) + _SPAN.get(fact.precision, timedelta(0))


def _more_factors(before: StoredConclusion, now: StoredConclusion) -> list[Json]:
    """Return the risk factors of the patient that add points; none where the points did not rise, or were not kept."""
    was, is_ = before.points, now.points
    if was is None or is_ is None or is_.patient <= was.patient:
        return []
    names = {each.name for each in was.counted}
    return [
        {"title": each.title} for each in is_.counted if each.of == "patient" and each.points and each.name not in names
    ]
