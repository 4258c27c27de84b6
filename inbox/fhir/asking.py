"""What a client asks of a search: which parameters, how many, in which order, from where on, and in which format."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, urlencode

from litestar.exceptions import ClientException

from inbox.fhir.criteria import Criterion, read_criterion
from inbox.fhir.kinds import ResourceKind, Sort
from inbox.fhir.outcomes import ParameterRefused

PAGE: Final = 50
LARGEST_PAGE: Final = 200
CURSOR: Final = "_cursor"
_FORMATS: Final = ("_format", "_pretty")
_ABOUT_ANSWER: Final = ("_count", "_sort", "_summary", "_total", CURSOR, "_revinclude")
_SELECTS: Final = ("_content", "_filter", "_has", "_in", "_list", "_query", "_text", "_type")  # not served, and narrow
_WHOM: Final = ("patient", "subject", "beneficiary", "individual", "person")
_OF_WHOM: Final = frozenset(  # what a person is known by, in the languages of those who ask
    [
        "achternaam",
        "birth",
        "birthdate",
        "bsn",
        "client",
        "cliënt",
        "dob",
        "family",
        "geboortedatum",
        "given",
        "mrn",
        "naam",
        "name",
        "nom",
        "pat",
        "pid",
        "ssn",
    ]
)
_ALIKE: Final = 0.75  # how much a name must look like one of these: patientt, pateint
_REFERENCE: Final = re.compile(r"(?:^|[/,=])[A-Z][A-Za-z]+/[A-Za-z0-9.-]+")  # Encounter/12
_NUMBER: Final = re.compile(r"\d{5}|\d{4}-\d\d|\||^(?:eq|ne|[gl][et]|sa|eb|ap)\d{4}")  # a person's number, or a day
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PageEnd:
    """Where a page ended: the time that its last row is ordered by, where it is, and its number."""

    id: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of one order of one kind: a place, signed, so that nobody makes one of their own."""

    secret: str = field(repr=False)
    kind: str
    sort: Sort
    descending: bool

    def write(self, place: PageEnd) -> str:
        """Return the cursor of a place."""
        text = str(place.id) if place.at is None else f"{(place.at - _EPOCH) // _MICROSECOND}.{place.id}"
        return f"{text}.{self._sign(text)}"

    def read(self, cursor: str) -> PageEnd | None:
        """Return the place, or None when this cursor was not written here."""
        text, _, signed = cursor.rpartition(".")
        if not hmac.compare_digest(signed.encode(), self._sign(text).encode()):
            return None
        at, _, number = text.rpartition(".")
        return PageEnd(int(number), _EPOCH + int(at) * _MICROSECOND if at else None)

    def _sign(self, text: str) -> str:
        content = f"fhir cursor {self.kind} {self.sort.name} {self.descending} {text}"
        return hmac.new(self.secret.encode(), content.encode(), sha256).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search as it was understood."""

    criteria: tuple[Criterion, ...]
    sort: Sort
    descending: bool
    count: int
    is_count_only: bool
    total: str  # none | estimate | accurate | "" when it was not asked
    after: PageEnd | None
    includes: tuple[str, ...]
    used: Pairs = field(default_factory=list)  # all that was understood, as it was sent, without the cursor


def link_to(base: str, kind: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Return the address of a search."""
    query = urlencode(pairs, safe=":|,/$")
    return f"{base}/{kind}?{query}" if query else f"{base}/{kind}"


def pairs_of(query: bytes) -> Pairs:
    """Read parameters as they stand in an address or a form."""
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        raise ClientException("the parameters are not UTF-8, or there are too many") from None
    if any("\0" in part for pair in pairs for part in pair):
        raise ClientException("a parameter holds a zero byte")
    return pairs


def formats_in(pairs: Pairs) -> list[str]:
    """Return the formats that were asked for by name."""
    return [value for name, value in pairs if name == "_format"]


def is_pretty(pairs: Pairs) -> bool:
    """Return whether the answer is to be laid out for a reader."""
    return any(name == "_pretty" and value.lower() in ("true", "1") for name, value in pairs)


def is_strict(prefer: Sequence[str]) -> bool:
    """Return whether what is not understood must be refused."""
    wishes = [wish.strip().replace(" ", "").lower() for text in prefer for wish in re.split("[,;]", text)]
    return "handling=strict" in wishes


def refuse_unless_known(pairs: Pairs, strict: bool) -> None:
    """Refuse parameters of a read, which has none but those of its format; what is read is known already."""
    for name, value in pairs:
        if name not in _FORMATS:
            _leave_out(name, value, strict=strict, is_about_one=True)


def read_search(kind: ResourceKind, pairs: Pairs, secret: str, *, strict: bool) -> SearchRequest:
    """Read the parameters, or refuse one that cannot be served; what there is not here is left out, or refused."""
    criteria: list[Criterion] = []
    about: dict[str, list[str]] = {}
    includes: list[str] = []
    used: Pairs = []
    left_out: Pairs = []
    for name, value in pairs:
        if name in _FORMATS or _is_unused(kind, name, value):
            continue
        if name == "_revinclude" and value.removesuffix(":DetectedIssue") in kind.includes:
            includes.append(value.removesuffix(":DetectedIssue"))
        elif name in _ABOUT_ANSWER and name != "_revinclude":
            about.setdefault(name, []).append(value)
        elif (criterion := _criterion(kind, name, value)) is not None:
            criteria.append(criterion)
        else:
            left_out.append((name, value))
            continue
        if name != CURSOR:
            used.append((name, value))
    is_about_one = any(_names_one(kind, name) for name, _ in used)
    for name, value in left_out:
        _leave_out(name, value, strict=strict, is_about_one=is_about_one)
    sort, descending = _sort(kind, _one(about, "_sort") or kind.order)
    count, summary = _count(_one(about, "_count")), _summary(_one(about, "_summary"))
    return SearchRequest(
        criteria=tuple(criteria),
        sort=sort,
        descending=descending,
        count=count,
        is_count_only=summary == "count" or count == 0,
        total=_total(_one(about, "_total")),
        after=_place(_one(about, CURSOR), Cursors(secret, kind.name, sort, descending)),
        includes=tuple(dict.fromkeys(includes)),
        used=used,
    )


def _is_unused(kind: ResourceKind, name: str, value: str) -> bool:
    """Return whether a filter was left empty, as a form does with a field that is not filled in."""
    parameter = kind.parameter(_apart(name)[0])
    return not value.strip() and (name in _ABOUT_ANSWER or (parameter is not None and not parameter.names_one))


def _criterion(kind: ResourceKind, name: str, value: str) -> Criterion | None:
    """Return the criterion, or None when there is no such parameter; a modifier that is not served is refused."""
    bare, mark, rest = _apart(name)
    parameter = kind.parameter(bare)
    if parameter is None:
        return None
    if rest.endswith(".identifier") and rest.removesuffix(".identifier") in parameter.modifiers:
        rest = "identifier"  # patient:Patient.identifier
    if mark and (not rest or (mark == "." and rest != "identifier") or rest not in parameter.modifiers):
        served = ", ".join(f":{each}" for each in parameter.modifiers) or "none"
        raise ParameterRefused(name[:100], f"this modifier is not served; of {bare} are: {served}")
    return read_criterion(bare, rest, value, sent=(name, value))


def _apart(name: str) -> tuple[str, str, str]:
    """Split `patient:identifier` and `patient.identifier`."""
    place = next((place for place, sign in enumerate(name) if sign in ":."), len(name))
    return name[:place], name[place : place + 1], name[place + 1 :]


def _leave_out(name: str, value: str, *, strict: bool, is_about_one: bool) -> None:
    """Pass over what there is not here; but what narrows to a patient, passed over, would give everybody.

    A reference narrows to one thing, which is mostly somebody's; so may a number or a day, under a name of the client,
    where nothing else says of whom.
    """
    if strict:
        raise ParameterRefused(name[:100], "there is no such parameter here")
    may_be_somebodys = not is_about_one and not name.startswith("_") and _NUMBER.search(value)
    if _apart(name)[0] in _SELECTS or _names_a_patient(name, value) or may_be_somebodys:
        raise ParameterRefused(name[:100], "it would narrow the answer, and is not served here")


def _names_one(kind: ResourceKind, name: str) -> bool:
    parameter = kind.parameter(_apart(name)[0])
    return parameter is not None and parameter.names_one


def _names_a_patient(name: str, value: str) -> bool:
    parts = [part.lower() for part in re.split(r"[\W\d_]+", name) if part]
    return bool(_REFERENCE.search(value)) or any(
        part in _OF_WHOM or word in part or SequenceMatcher(None, word, part).ratio() >= _ALIKE
        for part in parts
        for word in _WHOM
    )


def _one(about: dict[str, list[str]], name: str) -> str | None:
    values = about.get(name, [])
    if len(set(values)) > 1:
        raise ParameterRefused(name, "it is there more than once")
    return values[0] if values else None


def _count(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ParameterRefused("_count", "it is a whole number")
    return min(int(text), LARGEST_PAGE)


def _summary(text: str | None) -> str:
    if text not in (None, "false", "data", "count"):
        raise ParameterRefused("_summary", "served are count, data and false")
    return text or "false"


def _total(text: str | None) -> str:
    if text not in (None, "none", "estimate", "accurate"):
        raise ParameterRefused("_total", "it is none, estimate or accurate")
    return text or ""


def _sort(kind: ResourceKind, text: str) -> tuple[Sort, bool]:
    """Read one key, with a minus before it for the latest first; of equal ones the number decides."""
    name = text.removeprefix("-")
    found = next((each for each in kind.sorts if each.name == name), None)
    if found is None:
        served = ", ".join(each.name for each in kind.sorts)
        raise ParameterRefused("_sort", f"one of {served}, with - before it for the last first")
    return found, text.startswith("-")


def _place(text: str | None, cursors: Cursors) -> PageEnd | None:
    if text is None:
        return None
    place = cursors.read(text)
    if place is None:
        raise ParameterRefused(CURSOR, "it is not one that a link here holds")
    return place
