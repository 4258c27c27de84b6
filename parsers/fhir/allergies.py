"""AllergyIntolerance: what somebody does not bear; "none known" is no allergy."""

from collections.abc import Iterator

from clinical.events import Allergy
from parsers.chart.allergies import says_none
from parsers.chart.natural_keys import natural_key
from parsers.fhir.elements import Resource, codings, one_of, part, where, words

_NONE = frozenset({"entered-in-error", "refuted"})


def read_allergy(resource: Resource) -> Iterator[Allergy]:
    """The allergy, unless it names nothing."""
    concept = part(resource.body, "code")
    coded, said = codings(concept, resource.defaults), words(concept)
    verified = one_of(part(resource.body, "verificationStatus"), _NONE)
    if says_none(coded, said) or (not coded and not said and verified not in _NONE):
        return
    yield Allergy(
        patient=resource.patient,
        path=where(resource, "code", concept),
        key=resource.name or natural_key("allergy", coded, said, ""),
        action="delete" if verified in _NONE else "assert",
        codings=coded,
        text=said,
    )
