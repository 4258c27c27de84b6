"""Condition: a diagnosis or a problem."""

from collections.abc import Iterator

from clinical.events import Certainty, Condition, Moment
from parsers.chart.conditions import weigh
from parsers.chart.natural_keys import natural_key
from parsers.fhir.elements import (
    Resource,
    codes,
    codings,
    first_moment,
    moment,
    one_of,
    part,
    parts,
    text,
    typed,
    where,
    words,
)

_CERTAINTIES: dict[str, Certainty] = {
    "confirmed": "confirmed",
    "provisional": "suspected",
    "differential": "suspected",
    "unconfirmed": "suspected",
    "refuted": "refuted",
}
_STATUSES = {
    **dict.fromkeys(("active", "recurrence", "relapse"), "active"),
    "inactive": "inactive",
    **dict.fromkeys(("remission", "resolved"), "resolved"),
}
_ERROR = "entered-in-error"
_ABATED = ("abatementAge", "abatementString", "abatementPeriod", "abatementRange")


def read_condition(resource: Resource) -> Iterator[Condition]:
    """The condition, unless it names nothing."""
    body, defaults = resource.body, resource.defaults
    concept = part(body, "code")
    coded, said = codings(concept, defaults), words(concept)
    verified = one_of(part(body, "verificationStatus"), (*_CERTAINTIES, _ERROR))
    if not coded and not said and verified != _ERROR:
        return
    free = typed(concept) if coded else said
    certainty, flags = weigh(_CERTAINTIES.get(verified, "confirmed"), coded, free)
    onset, doubts = _onset(resource)
    resolved, _ = first_moment(body, "abatement", defaults)
    category = "diagnosis" if _is_diagnosis(resource) else "problem"
    yield Condition(
        patient=resource.patient,
        path=where(resource, "code", concept),
        flags=flags + doubts,
        key=resource.name or natural_key(category, coded, said, text(body, "onsetDateTime")),
        category="diagnosis" if category == "diagnosis" else "problem",
        action="delete" if verified == _ERROR else "assert",
        codings=coded,
        text=said,
        certainty=certainty,
        status=_status(resource, resolved),
        onset=onset,
        resolved=resolved,
    )


def _onset(resource: Resource) -> tuple[Moment | None, tuple[str, ...]]:
    """When it began; failing that, when it was written down, which is the latest it can have begun."""
    onset, doubts = first_moment(resource.body, "onset", resource.defaults)
    if onset is not None:
        return onset, doubts
    recorded, _ = moment(resource.body, "recordedDate", resource.defaults)
    return recorded, (*doubts, "onset_is_recorded_date") if recorded else doubts


def _status(resource: Resource, resolved: Moment | None) -> str:
    said = one_of(part(resource.body, "clinicalStatus"), _STATUSES)
    has_abated = resolved is not None or any(name in resource.body for name in _ABATED)
    return _STATUSES.get(said) or ("resolved" if has_abated else "active")


def _is_diagnosis(resource: Resource) -> bool:
    return any(code == "encounter-diagnosis" for each in parts(resource.body, "category") for code in codes(each))
