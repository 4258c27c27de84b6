"""One person under whatever identities: what is on record, and the answers to the person's IVIg orders.

This is the only place where a person is judged; the worker, a rebuild, a backtest and a dry run all use it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from clinical.identities import (
    MergeStatement,
    Name,
    Person,
    are_two_people,
    is_citizen_number,
    is_contradicted,
    people_of,
    pointers,
    with_carried,
)
from clinical.versions import SPELLED
from history.choices import Site
from history.entries import Entry, NewEntry, fold_entries, latest_entries
from history.messages import Fields, Gathered, ReadMessage, gather, identities_in
from history.order_answers import LaidOutHistory, OrderAnswer, answer_orders, record_of
from rules.facts import Patient
from rules.knowledge import Knowledge

IDENTITY_UNCLEAR = "identity_unclear"  # badge of an alert
Versioned = tuple[Mapping[str, Any], Mapping[str, str]]  # fields of an identity, and the version that says each


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """Everything on record about one person, under all identities."""

    identities: Sequence[Name]  # the one the others were merged into comes first
    entries: Sequence[Entry]  # oldest version first
    demographics: Fields = field(default_factory=dict)
    numbers: Collection[Name] = ()  # every number of the person, identities included
    members: frozenset[int] = frozenset()  # the rows of its identities; none in a dry run
    history_received: bool = False  # some diagnosis, problem or allergy ever came
    history_as_of: datetime | None = None  # up to when the history is complete; None: up to now
    is_unclear: bool = False  # two people's histories may be mixed, or one person's split

    @property
    def patient(self) -> Patient:
        """The person as the rules see one."""
        born = self.demographics.get("birth_date")
        ward = self.demographics.get("patient_class")
        return Patient(
            birth_date=date.fromisoformat(born) if born else None,
            sex=self.demographics.get("sex", ""),
            deceased=bool(self.demographics.get("deceased")),
            inpatient=ward in ("I", "E") if ward is not None else None,
        )

    @property
    def badges(self) -> frozenset[str]:
        """The badges of every alert about this person."""
        deceased = {"deceased"} if self.demographics.get("deceased") else set()
        return frozenset(deceased | ({IDENTITY_UNCLEAR} if self.is_unclear else set()))

    @property
    def shown(self) -> dict[str, Any]:
        """The patient's identity, as an alert shows it."""
        names = dict.fromkeys([*self.identities, *sorted(self.numbers)])
        return {
            "identifiers": [{"authority": authority, "value": value} for authority, value in names],
            "name": displayed_name(self.demographics),
            "birth_date": self.demographics.get("birth_date"),
            "sex": self.demographics.get("sex", ""),
            "ward": self.demographics.get("ward", ""),
        }


@dataclass(frozen=True, slots=True)
class PersonAnswers:
    """One person, and the answer to each of the person's IVIg orders."""

    person: PersonHistory
    answers: Sequence[OrderAnswer]


def judge(
    person: PersonHistory, knowledge: Knowledge, site: Site, only: Collection[str] | None = None
) -> PersonAnswers:
    """Answer every IVIg order of one person; with `only`, those with one of these numbers, and no events after them."""
    return PersonAnswers(person, answer_orders(laid_out(person, knowledge, site), knowledge, site, only=only))


def laid_out(person: PersonHistory, knowledge: Knowledge, site: Site) -> LaidOutHistory:
    """Return what the orders of a person are judged with."""
    return record_of(
        person.entries,
        person.patient,
        knowledge,
        site,
        history_received=person.history_received,
        history_as_of=person.history_as_of,
        shown=person.shown,
    )


def judge_messages(messages: Sequence[ReadMessage], knowledge: Knowledge, site: Site) -> list[PersonAnswers]:
    """Answer every IVIg order in these messages, as if there were no others."""
    return [judge(person, knowledge, site) for person in people_with_ivig(messages, knowledge)]


def displayed_name(fields: Fields) -> str:
    """Return the name as a ward list writes it: family name, then given names."""
    return ", ".join(part for part in (fields.get("family", ""), fields.get("given", "")) if part)


def latest_fields(identities: Iterable[Versioned]) -> Fields:
    """Return the latest value of each field under any of these identities, given in order of name."""
    latest: dict[str, tuple[str, Any]] = {}
    for fields, versions in identities:
        for name, value in fields.items():
            version = versions.get(name, "")
            if name not in latest or latest[name][0] < version:
                latest[name] = (version, value)
    return {name: value for name, (_, value) in latest.items()}


def by_root(person: Person[Name]) -> list[Name]:
    """Return the identities of a person: the one that the others lead to, then the others by their names."""
    return sorted(person.members, key=lambda name: (name != person.root, name))


def people_with_ivig(messages: Sequence[ReadMessage], knowledge: Knowledge) -> list[PersonHistory]:
    """Return every person with IVIg ordered or reported in these messages, with their history."""
    gathered = gather(messages, knowledge)
    found = _people_in(gathered, identities_in(messages))
    return [person for person in found if not gathered.with_ivig.isdisjoint(person.identities)]


def people_in(messages: Sequence[ReadMessage], knowledge: Knowledge) -> list[PersonHistory]:
    """Return every person whom these messages mention, with their history."""
    return _people_in(gather(messages, knowledge), identities_in(messages))


def _people_in(gathered: Gathered, names: Collection[Name]) -> list[PersonHistory]:
    demographics = _demographics(gathered)
    merges = [merge.statement for merge in gathered.merges]
    statements = [each for each in merges if not _is_only_spelled_alike(each, demographics)]
    carriers = _carriers(gathered, names)
    entries = _by_identity(gathered.entries)
    return [
        PersonHistory(
            identities=by_root(person),
            entries=fold_entries(entry for name in sorted(person.members) for entry in entries[name]),
            demographics=latest_fields(demographics[name] for name in sorted(person.members)),
            numbers={number for number, _, name in gathered.numbers if name in person.members},
            history_received=bool(gathered.with_history & person.members),
            is_unclear=person.in_circle or is_contradicted(person, statements) or _is_shared(person, carriers),
        )
        for person in people_among(names, statements, carriers)
    ]


def _is_only_spelled_alike(said: MergeStatement[Name], demographics: Mapping[Name, Versioned]) -> bool:
    """Return whether two people's numbers differ only in how they are written."""
    nothing: Versioned = ({}, {})
    one, other = (demographics.get(name, nothing)[0] for name in (said.retired, said.survivor))
    return said.version == SPELLED and are_two_people(one, other)


def people_among(
    names: Collection[Name], statements: Sequence[MergeStatement[Name]], carriers: Mapping[Name, Collection[Name]]
) -> list[Person[Name]]:
    """Return the people behind these identities, after merges and citizen numbers."""
    themselves = {name: name for name in names}
    leading = with_carried(carriers, pointers(statements, themselves), themselves)
    return people_of(sorted(names), leading, themselves)


def _carriers(gathered: Gathered, names: Collection[Name]) -> dict[Name, set[Name]]:
    """Return the carriers of each citizen number that is also an identity of its own."""
    carriers: dict[Name, set[Name]] = {name: set() for name in names if is_citizen_number(name)}
    for number, _, name in gathered.numbers:
        if number in carriers and name != number:
            carriers[number].add(name)
    return carriers


def _is_shared(person: Person[Name], carriers: Mapping[Name, Collection[Name]]) -> bool:
    """Return whether a citizen number that is an identity belongs to this person and to somebody else."""
    return any(
        not {number, *carried} <= person.members
        for number, carried in carriers.items()
        if person.members.intersection({number, *carried})
    )


def _by_identity(entries: Iterable[NewEntry]) -> dict[Name, list[NewEntry]]:
    """Return the latest entry of each kind and key, the first of a tie, by identity."""
    found: dict[Name, list[NewEntry]] = defaultdict(list)
    for entry in latest_entries(entries):
        found[entry.identity].append(entry)
    return found


def _demographics(gathered: Gathered) -> dict[Name, Versioned]:
    """Return the demographics of each identity: the latest version of every field, the first of a tie."""
    found: dict[Name, tuple[dict[str, Any], dict[str, str]]] = defaultdict(lambda: ({}, {}))
    for name, version, sent in gathered.demographics:
        fields, versions = found[name]
        later = [each for each in sent if versions.get(each, "") < version]
        fields |= {each: sent[each] for each in later}
        versions |= dict.fromkeys(later, version)
    return found  # type: ignore[return-value]  # a defaultdict of pairs, not changed any more
