"""Who the patient is, field by field: the latest message that says a thing counts for that thing."""

from typing import Any

from clinical.events import PatientSeen

Fields = dict[str, Any]


def patient_fields(seen: PatientSeen) -> Fields:
    """What the message says of the person; a field it leaves empty is not in it."""
    fields: Fields = {
        "family": seen.name.family if seen.name else "",
        "given": seen.name.given if seen.name else "",
        "birth_date": seen.birth_date.isoformat() if seen.birth_date else "",
        "sex": seen.sex,
        "ward": seen.ward,
        "visit": seen.visit,
        "patient_class": seen.patient_class,
    }
    said = {name: value for name, value in fields.items() if value}
    if seen.deceased is not None:
        said["deceased"] = seen.deceased
    return said


def displayed_name(fields: Fields) -> str:
    """The name as a ward list writes it: family name, then given names."""
    return ", ".join(part for part in (fields.get("family", ""), fields.get("given", "")) if part)
