"""One person, whatever identities it goes by: what is on record, and the answers to its IVIg orders.

This is the only place where a person is judged: the worker, a rebuild, a backtest and a dry run all come here.
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
    is_citizen_number,
    is_contradicted,
    people_of,
    pointers,
    with_carried,
)
from history.choices import Site
from history.entries import Entry, NewEntry, fold_entries
from history.messages import Fields, Gathered, ReadMessage, gather, identities_in
from history.order_answers import OrderAnswer, answer_orders
from rules.facts import Patient
from rules.knowledge import Knowledge

IDENTITY_UNCLEAR = "identity_unclear"  # badge of an alert
Versioned = tuple[Mapping[str, Any], Mapping[str, str]]  # fields of an identity, and the version that says each


@dataclass(frozen=True, slots=True)
class PersonHistory:
    """Everything on record of one person, over all its identities."""

    identities: Sequence[Name]  # the one that the others were merged into comes first
    entries: Sequence[Entry]  # oldest version first
    demographics: Fields = field(default_factory=dict)
    numbers: Collection[Name] = ()  # by which messages know the person, its identities among them
    members: frozenset[int] = frozenset()  # the rows of its identities; none in a dry run
    history_received: bool = False  # some diagnosis, problem or allergy ever came
    history_as_of: datetime | None = None  # up to when the history is complete; None: it is
    is_unclear: bool = False  # the histories of two persons may be mixed, or that of one split

    @property
    def patient(self) -> Patient:
        """What of the person matters to a rule."""
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
        """What every alert about this person is marked with."""
        deceased = {"deceased"} if self.demographics.get("deceased") else set()
        return frozenset(deceased | ({IDENTITY_UNCLEAR} if self.is_unclear else set()))

    @property
    def shown(self) -> dict[str, Any]:
        """Who the patient is, as an alert shows it."""
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
    """One person, and the answer to each of its IVIg orders."""

    person: PersonHistory
    answers: Sequence[OrderAnswer]


def judge(person: PersonHistory, knowledge: Knowledge, site: Site) -> PersonAnswers:
    """Answer every IVIg order of one person."""
    answers = answer_orders(
        person.entries,
        person.patient,
        knowledge,
        site,
        history_received=person.history_received,
        history_as_of=person.history_as_of,
        shown=person.shown,
    )
    return PersonAnswers(person, answers)


def judge_messages(messages: Sequence[ReadMessage], knowledge: Knowledge, site: Site) -> list[PersonAnswers]:
    """Answer every IVIg order that the messages speak of, as if they were all there is."""
    return [judge(person, knowledge, site) for person in people_with_ivig(messages, knowledge)]


def displayed_name(fields: Fields) -> str:
    """The name as a ward list writes it: family name, then given names."""
    return ", ".join(part for part in (fields.get("family", ""), fields.get("given", "")) if part)


def latest_fields(identities: Iterable[Versioned]) -> Fields:
    """Give for each field what the latest message said under any of these identities, which come by their names."""
    latest: dict[str, tuple[str, Any]] = {}
    for fields, versions in identities:
        for name, value in fields.items():
            version = versions.get(name, "")
            if name not in latest or latest[name][0] < version:
                latest[name] = (version, value)
    return {name: value for name, (_, value) in latest.items()}


def by_root(person: Person[Name]) -> list[Name]:
    """The identities of a person: the one that the others lead to, then the others by their names."""
    return sorted(person.members, key=lambda name: (name != person.root, name))


def people_with_ivig(messages: Sequence[ReadMessage], knowledge: Knowledge) -> list[PersonHistory]:
    """Everybody for whom the messages order or report IVIg, with all that they say of them."""
    gathered = gather(messages, knowledge)
    names = identities_in(messages)
    statements = [merge.statement for merge in gathered.merges]
    carriers = _carriers(gathered, names)
    entries = _by_identity(gathered.entries)
    demographics = _demographics(gathered)
    return [
        PersonHistory(
            identities=by_root(person),
            entries=fold_entries(entry for name in sorted(person.members) for entry in entries[name]),
            demographics=latest_fields(demographics[name] for name in sorted(person.members)),
            numbers={number for number, _, name in gathered.numbers if name in person.members},
            history_received=bool(gathered.with_history & person.members),
            is_unclear=person.in_circle or is_contradicted(person, statements) or _is_shared(person, carriers),
        )
        for person in _people(names, statements, carriers)
        if gathered.with_ivig & person.members
    ]


def _people(
    names: Collection[Name], statements: Sequence[MergeStatement[Name]], carriers: Mapping[Name, Collection[Name]]
) -> list[Person[Name]]:
    """The persons behind these identities, after the merges and by the citizen numbers."""
    themselves = {name: name for name in names}
    leading = with_carried(carriers, pointers(statements, themselves), themselves)
    return people_of(sorted(names), leading, themselves)


def _carriers(gathered: Gathered, names: Collection[Name]) -> dict[Name, set[Name]]:
    """Who goes by a citizen number, that is an identity of its own too, beside another number."""
    carriers: dict[Name, set[Name]] = {name: set() for name in names if is_citizen_number(name)}
    for number, _, name in gathered.numbers:
        if number in carriers and name != number:
            carriers[number].add(name)
    return carriers


def _is_shared(person: Person[Name], carriers: Mapping[Name, Collection[Name]]) -> bool:
    """Whether a citizen number that is an identity is carried by this person and by somebody else."""
    return any(
        not {number, *carried} <= person.members
        for number, carried in carriers.items()
        if person.members.intersection({number, *carried})
    )


def _by_identity(entries: Iterable[NewEntry]) -> dict[Name, list[NewEntry]]:
    """The latest entry of each kind and key, the first of a tie, by identity."""
    latest: dict[tuple[Name, str, str], NewEntry] = {}
    for entry in entries:
        key = entry.identity, entry.kind, entry.key
        if key not in latest or latest[key].version < entry.version:
            latest[key] = entry
    found: dict[Name, list[NewEntry]] = defaultdict(list)
    for entry in latest.values():
        found[entry.identity].append(entry)
    return found


def _demographics(gathered: Gathered) -> dict[Name, Versioned]:
    """What is said of each identity: of every field the latest version, the first of a tie."""
    found: dict[Name, tuple[dict[str, Any], dict[str, str]]] = defaultdict(lambda: ({}, {}))
    for name, version, sent in gathered.demographics:
        fields, versions = found[name]
        later = [each for each in sent if versions.get(each, "") < version]
        fields |= {each: sent[each] for each in later}
        versions |= dict.fromkeys(later, version)
    return found  # type: ignore[return-value]  # a defaultdict of pairs, which nobody changes any more
