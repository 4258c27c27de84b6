"""A person's history as it was judged, from which the next judgement starts: what cannot have changed is taken over.

Whatever the next judgement starts from, it gives what judging the whole history anew gives, to the byte.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clinical.events import Condition, MedicationGiven, MedicationOrdered
from history.choices import Site
from history.entries import EntryChange, StandingEntries
from history.facts import WEIGHT, Timeline, newest_start, placed_facts
from history.order_answers import EarlierAnswers, LaidOutHistory, OrderAnswer, answer_orders, flags_by_source
from history.person import PersonAnswers, PersonHistory, laid_out
from rules.facts import Fact, Patient
from rules.knowledge import Knowledge
from rules.mentions import mentions_of
from rules.sorted_facts import depends_on_moment


@dataclass(frozen=True, slots=True)
class JudgedHistory:
    """The history of one person with the answers to it, by one knowledge; never changed."""

    person: PersonHistory
    standing: StandingEntries
    record: LaidOutHistory
    answers: Sequence[OrderAnswer]
    knowledge: Knowledge
    site: Site

    @property
    def as_answers(self) -> PersonAnswers:
        """The person with the answers."""
        return PersonAnswers(self.person, self.answers)

    def after(
        self, outline: PersonHistory, rows: Iterable[Sequence[Any]], knowledge: Knowledge, site: Site
    ) -> "JudgedHistory | None":
        """Return the history as it is judged once these rows are stored; `outline` is the person, without entries.

        The rows are those of `StandingEntries.of`. None where the stored history must be read to tell.
        """
        after = self.standing.after(rows)
        if after is None:
            return None
        standing, changes = after
        is_same = replace(self.person, entries=(), history_as_of=outline.history_as_of) == outline
        if not is_same or knowledge is not self.knowledge or site is not self.site or any(map(_is_order, changes)):
            return judge_history(outline, standing, knowledge, site)
        person = replace(outline, entries=standing.entries)
        record, earlier = self._record_after(person, changes)
        answers = answer_orders(record, knowledge, site, earlier=earlier)
        return replace(self, person=person, standing=standing, record=record, answers=answers)

    def _record_after(
        self, person: PersonHistory, changes: Sequence[EntryChange]
    ) -> tuple[LaidOutHistory, EarlierAnswers]:
        """Return what the orders are judged with now, and the earlier answers."""
        old, zone, born = self.record, self.site.zone, self.record.patient.birth_date
        went, came = [each.before for each in changes if each.before], [each.after for each in changes if each.after]
        is_dated_by_orders = any(isinstance(entry.event, Condition) for entry in (*went, *came))
        newest = newest_start(self.person.entries) if is_dated_by_orders else None
        gone, new = placed_facts(went, zone, born, newest), placed_facts(came, zone, born, newest)
        timeline = old.facts.after(gone, new, self.knowledge)
        changed = [fact for _, fact in (*gone, *new)]
        is_marked = any(entry.event.flags for entry in (*went, *came))
        record = replace(
            old,
            facts=timeline,
            flags_by_source=flags_by_source(person.entries) if is_marked else old.flags_by_source,
            history_as_of=person.history_as_of,
        )
        may_follow = _may_follow(changed, old.facts, timeline, old.patient, self.knowledge)
        return record, EarlierAnswers(self.answers, changed, may_follow=may_follow)


def judge_history(outline: PersonHistory, standing: StandingEntries, knowledge: Knowledge, site: Site) -> JudgedHistory:
    """Judge a whole history."""
    person = replace(outline, entries=standing.entries)
    record = laid_out(person, knowledge, site)
    return JudgedHistory(person, standing, record, answer_orders(record, knowledge, site), knowledge, site)


def _is_order(change: EntryChange) -> bool:
    return any(each is not None and isinstance(each.event, MedicationOrdered | MedicationGiven) for each in change)


def _may_follow(
    changed: Sequence[Fact], before: Timeline, after: Timeline, patient: Patient, knowledge: Knowledge
) -> bool:
    """Return whether an order whose doses no event followed may now be one whose doses an event followed.

    That takes a diagnosis, a procedure or a medicine. A result cannot begin it, unless it is a weight, by which the
    dose of a medicine is judged, or a history in words; nor can time, unless a year or the patient's age is another.
    """
    moments = before.latest_moment, after.latest_moment
    if moments[0] is None or moments[1] is None or not knowledge.watches_events_only:
        return True
    days = [moment.date() for moment in moments if moment is not None]
    if len({day.year for day in days}) > 1 or len({patient.age_on(day) for day in days}) > 1:
        return True
    return any(_may_be_event(fact, knowledge) for fact in changed)


def _may_be_event(fact: Fact, knowledge: Knowledge) -> bool:
    mentions = mentions_of(fact, knowledge.terms)
    weight = knowledge.terms.measurements[WEIGHT].set
    named = {*mentions.own, *(name for name, _ in mentions.others)}
    return fact.kind != "observation" or depends_on_moment(mentions) or weight in named
