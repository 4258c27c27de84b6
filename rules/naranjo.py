"""The ten Naranjo questions about an event after IVIg: answers from the record, open questions, and the score."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from clinical.words import Text
from rules.assessment import Finding, Prefilled
from rules.conditions.surveillance import Followed, dose_before
from rules.dates import last_moment
from rules.facts import Case, Fact, events_among, is_dose
from rules.forms import Evidence, Form, TextForm
from rules.mentions import OWN
from rules.picture import Picture

REPLIES = ("yes", "no", "unknown")
_SEEN = ("venous-thromboembolism", "venous-thromboembolism-history", "arterial-event-after-infusion")
_REPORT = "imaging-report"
_BEFORE, _AFTER = (
    timedelta(days=3),
    timedelta(days=14),
)  # a report of the event is dated from so long before it to so long after


class Item(Form):
    """One question and its scores; an unknown answer scores nothing."""

    number: int
    question: TextForm
    if_yes: int
    if_no: int
    because: TextForm | None = None
    open: TextForm

    def score(self, reply: str) -> int:
        """Return what an answer adds."""
        return {"yes": self.if_yes, "no": self.if_no}.get(reply, 0)


class Band(Form):
    """A name for scores from a limit up; the last has none."""

    name: str
    title: TextForm
    at_least: int | None = None


class Naranjo(Form):
    """`naranjo.yaml`."""

    items: list[Item] = Field(min_length=10, max_length=10)
    bands: list[Band]
    evidence: list[Evidence]

    def band(self, score: int) -> Band:
        """Name a score."""
        return next(band for band in self.bands if band.at_least is None or score >= band.at_least)


@dataclass(frozen=True, slots=True)
class Score:
    """The score of the answers, and its range with the open questions."""

    score: int
    band: str
    title: Text
    lowest: int
    highest: int
    open: tuple[int, ...]


def score_of(form: Naranjo, replies: Mapping[int, str]) -> Score:
    """Add up the answers; one that is not known scores nothing and stays open."""
    given = {item.number: replies.get(item.number, "unknown") for item in form.items}
    left = [item for item in form.items if given[item.number] == "unknown"]
    score = sum(item.score(given[item.number]) for item in form.items)
    band = form.band(score)
    return Score(
        score,
        band.name,
        band.title.text,
        score + sum(min(0, item.if_yes, item.if_no) for item in left),
        score + sum(max(0, item.if_yes, item.if_no) for item in left),
        tuple(item.number for item in left),
    )


def prefill(form: Naranjo, picture: Picture, finding: Finding) -> tuple[Prefilled, ...]:
    """Answer what the record answers about the event of a finding; the rest stays open."""
    followed = event_of(picture.case, finding)
    known = _known(picture, followed) if followed else {}
    return tuple(_answer(item, known.get(item.number)) for item in form.items)


def event_of(case: Case, finding: Finding) -> Followed | None:
    """Return the first event of a finding, and the dose it followed."""
    pairs = [(fact, dose_before(case.doses, fact)) for fact in events_among(finding.facts, case.order)]
    found = [Followed(fact, dose) for fact, dose in pairs if dose is not None]
    own = [each for each in found if each.dose.order == case.order.key]
    return min(own, key=lambda each: (each.event.starts, each.dose.at), default=None)


def _answer(item: Item, facts: tuple[Fact, ...] | None) -> Prefilled:
    if facts is None or item.because is None:
        return Prefilled(item.number, "unknown", item.open.text)
    return Prefilled(item.number, "yes", item.because.text, facts)


def _known(picture: Picture, followed: Followed) -> dict[int, tuple[Fact, ...]]:
    """Return the questions that the record answers with yes; never with no, since the record may be incomplete."""
    event, dose = followed
    known: dict[int, tuple[Fact, ...]] = {1: ()}
    if dose.given and event.starts is not None and event.starts >= dose.at:
        known[2] = (event,)
    earlier = _earlier(picture, followed)
    if earlier:
        known |= {4: earlier, 9: earlier}
    causes = _other_causes(picture, followed)
    if causes is not None:
        known[5] = causes
    shown = _shown_by_imaging(picture, event)
    if shown:
        known[10] = shown
    return known


def _shown_by_imaging(picture: Picture, event: Fact) -> tuple[Fact, ...]:
    """Return what tells that the event was seen: its own words, or a report of those days. A code alone is none."""
    words, codes = picture.terms.words, picture.terms.codes
    found = []
    for fact in picture.case.facts:
        text = fact.text or "; ".join(coding.display for coding in fact.codings if coding.display)
        if not text or fact.certainty not in OWN or not (fact is event or _is_near(fact, event)):
            continue
        is_report = any(_REPORT in codes.sets_of(coding) for coding in fact.codings)
        if words.shown_by_imaging(text, _SEEN, is_report=is_report):
            found.append(fact)
    return tuple(found)


def _is_near(fact: Fact, event: Fact) -> bool:
    if fact.starts is None or event.starts is None:
        return False
    return -_BEFORE <= fact.starts - event.starts <= _AFTER


def _earlier(picture: Picture, followed: Followed) -> tuple[Fact, ...]:
    """Return earlier thromboses that also followed IVIg, before the dose that this event followed."""
    facts = picture.state(picture.terms.states["vte-after-ivig"]).facts
    events = [fact for fact in facts if not is_dose(fact)]
    return tuple(fact for fact in events if (last := last_moment(fact)) is not None and last < followed.dose.at)


def _other_causes(picture: Picture, followed: Followed) -> tuple[Fact, ...] | None:
    """Return the risk factors and thromboses from before the event; None if there are none."""
    held = [outcome.facts for _, outcome in picture.risk_factors]
    before = picture.state(picture.terms.states["any-vte"]).facts
    held += [(fact,) for fact in before if fact is not followed.event]
    causes = [facts for facts in held if not facts or any(_was_there(fact, followed) for fact in facts)]
    return tuple(fact for facts in causes for fact in facts if _was_there(fact, followed)) if causes else None


def _was_there(fact: Fact, followed: Followed) -> bool:
    event = followed.event.starts
    return fact.starts is None or event is None or fact.starts < event
