"""Which rules can fire with the codes of a site: a rule never fires while its value sets match nothing received."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from clinical.events import Allergy, AnyEvent, Condition, MedicationGiven, MedicationOrdered, Observation, Procedure
from history.entries import decode
from ivigilant.site import SiteFile
from rules.conditions import WORDS
from rules.conditions.vocabulary import Kind
from rules.knowledge import Knowledge
from rules.terms import Terms
from store import local_codes, tables
from store.facts import ROW
from store.local_codes import CodeFilter
from worker.local_codes import with_mapped

_SAID_IN_WORDS = Condition | Procedure | Allergy | MedicationOrdered | MedicationGiven


@dataclass(frozen=True, slots=True)
class RuleReach:
    """One rule, and the value sets that it needs and that nothing received so far matches."""

    id: str
    title: str
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was received so far, compared with what the rules need."""

    knowledge: str
    facts: int  # of the history that was looked at, the newest
    ivig_orders: int
    house: dict[str, int]  # value set → local codes in it
    waiting: int  # codes that are not mapped yet
    telling: int  # those of them whose words name a value set
    rules: tuple[RuleReach, ...]

    @property
    def silent(self) -> list[RuleReach]:
        """Return the rules that cannot fire yet."""
        return [rule for rule in self.rules if rule.lacks]


def cover(connection: sa.Connection, knowledge: Knowledge, file: SiteFile, most_facts: int) -> Coverage:
    """Look at the newest facts, the local codes and the unmapped ones."""
    mapped = local_codes.mapped(connection)
    house = Counter(code.value_set for code in file.codes)
    house.update({name: len(codes) for name, codes in mapped.items()})
    knowledge = with_mapped(knowledge, connection)
    rows = _newest(connection, most_facts)
    seen = {name for entry in decode_each(rows) for name in sets_in(entry, knowledge)}
    order = tables.medication_order
    orders = sa.select(sa.func.count()).where(order.c.product_class.in_(["ivig", "possible_ivig"]))
    waiting = local_codes.count(connection, CodeFilter(["open"]))
    return Coverage(
        knowledge=knowledge.version,
        facts=len(rows),
        ivig_orders=connection.execute(orders).scalar_one(),
        house=dict(sorted(house.items())),
        waiting=waiting,
        telling=local_codes.count(connection, CodeFilter(["open"], telling=True)),
        rules=tuple(
            RuleReach(rule.id, rule.title["en"], tuple(sorted(lacking(rule.form.when, seen, knowledge.terms))))
            for rule in sorted(knowledge.rules, key=lambda rule: rule.id)
            if rule.is_asked
        ),
    )


def _newest(connection: sa.Connection, most: int) -> list[Any]:
    fact = tables.fact
    columns = (fact.c[name] for name in ROW)
    return list(connection.execute(sa.select(*columns).order_by(fact.c.id.desc()).limit(most)))


def decode_each(rows: Iterable[Any]) -> Iterator[AnyEvent]:
    """Yield the event of each fact, withdrawn ones left out."""
    for row in rows:
        for entry in decode([row]):
            yield entry.event


def sets_in(event: AnyEvent, knowledge: Knowledge) -> set[str]:
    """Return the value sets that hold the codes and words of one event."""
    if isinstance(event, Observation):
        read = (*event.codings, *event.value_codings)
        return {name for coding in read for name in knowledge.sets_of(coding)}
    if not isinstance(event, _SAID_IN_WORDS):
        return set()
    read = event.codings
    words = " ".join([event.text, *(coding.display for coding in read)]).strip()
    named = knowledge.terms.words.sets_named(words) if words else frozenset()
    return {name for coding in read for name in knowledge.sets_of(coding)} | named


def lacking(conditions: Iterable[Mapping[str, Any]], seen: set[str], terms: Terms) -> set[str]:
    """Return the missing value sets without which these conditions cannot all hold; empty if they can."""
    return {name for condition in conditions for name in _lacking(condition, seen, terms)}


def _lacking(condition: Mapping[str, Any], seen: set[str], terms: Terms) -> set[str]:
    name, value = next(iter(condition.items()))
    word = WORDS[name]
    match word.value:
        case Kind.CONDITIONS:
            each = [_lacking(part, seen, terms) for part in value]
            if name == "any":
                return set() if not all(each) else set().union(*each)
            return set().union(*each)
        case Kind.SETS if not word.holds_without:
            names = set(value) if isinstance(value, list) else {value}
        case Kind.STATE if name == "is":
            needs = terms.states[value].needs
            names = {each for each, bit in terms.codes.bits.items() if bit & needs}
        case Kind.MEASUREMENT if condition.get("if_missing") != "holds":
            names = {terms.measurements[value].set}
        case _:
            names = set()
    return names if names and not names & seen else set()
