"""Patient: who somebody is, by which numbers, and who turned out to be the same."""

from collections.abc import Iterator
from datetime import date

from clinical.events import AnyEvent, Identifier, Name, PatientMerged, PatientSeen
from parsers.chart.patients import read_date
from parsers.fhir.elements import Json, Resource, moment, part, parts, placed, text
from parsers.fhir.references import has_invalid_bsn, numbers, own_identity, target

_SEXES = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_NAME_USES = ("official", "usual", "", "temp", "nickname", "anonymous", "maiden", "old")


def read_patient(resource: Resource) -> Iterator[AnyEvent]:
    """The person, and the pointer from the server's id to the numbers of the hospital."""
    body = resource.body
    own = own_identity(resource.id, resource.defaults) if resource.id else None
    known = numbers(body, resource.defaults) or ((own,) if own is not None else ())
    died_at, doubts = moment(body, "deceasedDateTime", resource.defaults)
    birth_date, odd = _birth_date(body)
    yield PatientSeen(
        patient=known,
        path=resource.path,
        flags=doubts + odd + (("bsn_invalid",) if has_invalid_bsn(body) else ()),
        name=_name(parts(body, "name")),
        birth_date=birth_date,
        sex=_SEXES.get(text(body, "gender"), ""),
        deceased=_deceased(body),
        died_at=died_at,
    )
    if own is None:
        return
    if known[0] != own:
        yield PatientMerged(patient=known, path=resource.at("identifier"), retired=(own,))
    yield from _replaced(resource, known[0])


def _replaced(resource: Resource, identity: Identifier) -> Iterator[PatientMerged]:
    """`replaced-by` is a merge. `replaces` is said by the other record too; `seealso` and `refer` are no identity."""
    for place, link in placed(resource.body, "link"):
        kind, number = target(text(part(link, "other"), "reference"))
        if text(link, "type") == "replaced-by" and number not in ("", resource.id) and kind in ("Patient", ""):
            survivor = own_identity(number, resource.defaults)
            yield PatientMerged(patient=(survivor,), path=resource.at(place, "other"), retired=(identity,))


def _name(names: list[Json]) -> Name | None:
    for use in _NAME_USES:
        for name in names:
            if text(name, "use") == use:
                given = name.get("given")
                first = " ".join(text({"": each}, "") for each in given) if isinstance(given, list) else ""
                found = Name(family=text(name, "family") or ("" if first else text(name, "text")), given=first)
                if found.family or found.given:
                    return found
    return None


def _birth_date(body: Json) -> tuple[date | None, tuple[str, ...]]:
    written = text(body, "birthDate")
    return read_date(written.replace("-", "")) if written else (None, ())


def _deceased(body: Json) -> bool | None:
    if text(body, "deceasedDateTime"):
        return True
    said = body.get("deceasedBoolean")
    return said if isinstance(said, bool) else None
