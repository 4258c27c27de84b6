"""The kinds of resource that can be read: their search parameters, how each narrows, and how they are ordered."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from inbox.fhir.criteria import Criterion, SearchToken, references_of, time_ranges_of, tokens_of
from inbox.fhir.references import ACCOUNT, DEVICE, SYSTEM_ACTOR, Resource
from inbox.http.api_requests import is_citizen_number, number_of
from inbox.http.words import Words
from store.merges import merge_set, patients_named

Condition = sa.ColumnElement[bool]
Code = tuple[str, str]  # system and code
BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"  # https://simplifier.net/packages/fhir.nl.naming.system


@dataclass(slots=True)
class Search:
    """One search, or one read: with what it is answered, and which patients it names."""

    connection: sa.Connection
    address: str  # of the inbox, without a final slash
    language: str
    words: Words
    site: str
    zone: ZoneInfo
    masked: Collection[str]
    secret: str  # signs the cursors
    now: datetime
    in_address: Collection[tuple[str, str]] = ()  # parameters, as they were sent
    patients: set[int] = field(default_factory=set)  # that were searched for
    named: dict[tuple[str, str], set[int]] = field(default_factory=dict)  # by a number of theirs, as it was sent

    @property
    def base(self) -> str:
        """The address under which the resources stand."""
        return f"{self.address}/fhir"

    @property
    def alerts(self) -> str:
        """The address under which the pages of the alerts stand: the system of their numbers."""
        return f"{self.address}/alerts"


@dataclass(frozen=True, slots=True)
class FoundResource:
    """One resource, the row it is of, and the patient it is about."""

    id: int
    patient_id: int | None
    resource: Resource


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its type, how it narrows, and which modifiers it takes."""

    name: str
    type: Literal["token", "date", "reference"]
    where: Callable[[Search, Criterion], Condition]
    says: str
    modifiers: tuple[str, ...] = ()

    @property
    def names_one(self) -> bool:
        """Whether its value names a person or a thing: empty, it is a mistake, and not a filter that is not used."""
        return self.type == "reference" or self.name in ("_id", "identifier")


@dataclass(frozen=True, slots=True)
class Sort:
    """What a list can be ordered by: a time, or the number alone."""

    name: str
    column: sa.ColumnElement[Any]

    @property
    def is_time(self) -> bool:
        """Whether several may be equal, so that the number decides between them."""
        return self.name != "_id"


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A kind of resource that can be read and searched."""

    name: str
    number: sa.ColumnElement[int]  # the column that its ids are of
    parameters: tuple[Parameter, ...]
    sorts: tuple[Sort, ...]
    order: str  # when nobody asks for another
    load: Callable[[Search, Sequence[int]], list[FoundResource]]
    viewed: str  # in the access log
    listed: str
    plural: str
    includes: Mapping[str, Callable[[Search, Sequence[int]], list[FoundResource]]] = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of this name."""
        return next((each for each in self.parameters if each.name == name), None)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Return a condition that holds when one of these does."""
    return sa.or_(sa.false(), *conditions)


def of_ids(number: sa.ColumnElement[int]) -> Parameter:
    """Return the parameter `_id`."""

    def where(_search: Search, criterion: Criterion) -> Condition:
        return number.in_([id_ for text in criterion.texts if (id_ := number_of(text.strip())) is not None])

    return Parameter("_id", "token", where, "the id of the resource")


def of_time(name: str, column: sa.ColumnElement[Any], says: str) -> Parameter:
    """Return a parameter on a time; what is stored is a moment, what is asked a span."""

    def where(search: Search, criterion: Criterion) -> Condition:
        return any_of(
            _in_span(column, each.prefix, each.low, each.high, search.now)
            for each in time_ranges_of(criterion, search.zone)
        )

    return Parameter(name, "date", where, says)


def _in_span(column: sa.ColumnElement[Any], prefix: str, low: datetime, high: datetime, now: datetime) -> Condition:
    match prefix:
        case "eq":
            return sa.and_(column >= low, column < high)
        case "ne":
            return sa.or_(column < low, column >= high)
        case "gt" | "sa":
            return column >= high
        case "lt" | "eb":
            return column < low
        case "ge":
            return column >= low
        case "le":
            return column < high
    about = abs(now - low) / 10  # ap: a tenth of the distance from now
    return sa.and_(column >= _moved(low, -about), column < _moved(high, about))


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


def of_codes(
    name: str,
    column: sa.ColumnElement[str],
    codes: Callable[[Search], Mapping[str, Sequence[Code]]],
    says: str,
    *,
    bound: Collection[str] = (),
) -> Parameter:
    """Return a parameter on a column of a few words, each with the codes that it is shown as.

    `bound` holds the codes that FHIR allows; another is a mistake. Without it another code just finds nothing.
    """

    def where(search: Search, criterion: Criterion) -> Condition:
        tokens = tokens_of(criterion)
        if bound and any(token.code and token.code not in bound for token in tokens):
            raise criterion.refuse(f"the codes are {', '.join(sorted(bound))}")
        shown = codes(search)
        fit = {word for word, each in shown.items() if any(_fits(tokens, *code, bound) for code in each)}
        return column.in_(sorted(set(shown) - fit if criterion.modifier == "not" else fit))

    return Parameter(name, "token", where, says, ("not",))


def _fits(tokens: Sequence[SearchToken], system: str, code: str, bound: Collection[str]) -> bool:
    """Return whether a code is one of these; an element of bare codes has no system that could be written."""
    return any(token.fits(system, code) or (bool(bound) and token.fits("", code)) for token in tokens)


def of_patients(name: str, column: Callable[[Collection[int]], Condition], types: Collection[str]) -> Parameter:
    """Return a parameter on the patient, by the id or a number, merged ones included."""

    def where(search: Search, criterion: Criterion) -> Condition:
        return column(patients_of(search, criterion))

    says = "the patient, also under numbers that were merged"
    return Parameter(name, "reference", where, says, ("identifier", *types))


def patients_of(search: Search, criterion: Criterion) -> set[int]:
    """Return the identities of the patients that a criterion names, and note which were asked for.

    One that is no longer stored still has lines in the access log.
    """
    if criterion.modifier == "identifier":
        found = {id_ for token in tokens_of(criterion) for id_ in _with_number(search, criterion, token)}
        search.named[criterion.sent] = found
        search.patients |= found
        return found
    ids = (number_of(each.id) for each in references_of(criterion, search.base, ("Patient",)))
    return with_merged(search, {id_ for id_ in ids if id_ is not None})


def with_merged(search: Search, ids: set[int]) -> set[int]:
    """Return these, and all identities of the same people, which were asked for as far as they are stored."""
    stored = merge_set(search.connection, ids) if ids else set()
    search.patients |= stored
    return ids | stored


def _with_number(search: Search, criterion: Criterion, token: SearchToken) -> set[int]:
    if not token.code:
        raise criterion.refuse("a number is needed")
    system = (token.system or "").removeprefix("urn:oid:")
    authorities = sorted(search.masked) if system == BSN_SYSTEM else [system]
    if criterion.sent in search.in_address and any(
        is_citizen_number(search.connection, search.masked, authority or None, token.code) for authority in authorities
    ):
        raise criterion.refuse("an address holds no citizen service number; send it in the form of POST …/_search")
    numbers = [f"{authority}|{token.code}" if authority else token.code for authority in authorities]
    return {id_ for number in numbers for id_ in patients_named(search.connection, number)}


def people_of(search: Search, criterion: Criterion) -> list[str]:
    """Return the names of the accounts that a criterion names."""
    if criterion.modifier == "identifier":
        tokens = tokens_of(criterion)
        if not all(token.code for token in tokens):
            raise criterion.refuse("a name is needed")
        return [token.code for token in tokens if token.system in (None, "", ACCOUNT)]
    named = references_of(criterion, search.base, ("Practitioner", "Device"))
    return [SYSTEM_ACTOR if each.type != "Practitioner" and each.id == DEVICE else each.id for each in named]
