"""The usual forms of resources, by which most of them are found valid in a few microseconds.

Each form is narrower than the standard: whatever has it is valid FHIR R4. A resource without it may be valid all the
same, and `parsers/fhir/validation.py` asks the full library. So a form may leave out what is rare (extensions within
elements, contained resources, odd dates), and must never accept what the library refuses: a test holds each of its
elements, and thousands of damaged resources, to that.
"""

from collections.abc import Callable, Container, Mapping
from types import GenericAlias
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

_DAYS = (  # every day of every year but 29 February
    "(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
)
_DATE_PATTERN = rf"\A(19|20)[0-9]{{2}}(-(0[1-9]|1[0-2]))?\Z|\A(19|20)[0-9]{{2}}-({_DAYS})\Z"
_CLOCK = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
_INSTANT_PATTERN = rf"\A(19|20)[0-9]{{2}}-({_DAYS}){_CLOCK}\Z"

# Letters, digits and marks of ASCII: what white space is, two libraries may see differently.
_STRING = Annotated[str, Meta(pattern="[!-~]")]
_CODE = Annotated[str, Meta(pattern=r"\A[!-~]+( [!-~]+)*\Z")]
_ID = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.-]{1,64}\Z")]
_URI = Annotated[str, Meta(pattern=r"\A[!-~]+\Z")]
_DATE = Annotated[str, Meta(pattern=_DATE_PATTERN)]
_INSTANT = Annotated[str, Meta(pattern=_INSTANT_PATTERN)]
_DATE_TIME = Annotated[str, Meta(pattern=f"{_DATE_PATTERN}|{_INSTANT_PATTERN}")]
_DECIMAL = Annotated[float, Meta(ge=-1e15, le=1e15)]
_INTEGER = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
_POSITIVE = Annotated[int, Meta(ge=1, le=2**31 - 1)]
_UNSIGNED = Annotated[int, Meta(ge=0, le=2**31 - 1)]

Form = Any  # a type of msgspec, made here


def _many(form: Form) -> Form:
    return GenericAlias(list, (form,))


def _choosing(groups: Mapping[str, tuple[str, ...]], required: Container[str]) -> Callable[[msgspec.Struct], None]:
    """Return the check of a new object that it has at most one of each group, and one of those required."""

    def check(made: msgspec.Struct) -> None:
        for name, elements in groups.items():
            found = sum(getattr(made, each) is not UNSET for each in elements)
            if found > 1 or (not found and name in required):
                raise ValueError(f"{name}[x]")

    return check


def _form(name: str, required: str = "", choices: str = "", must: str = "", /, **elements: Form) -> Form:
    """Return the type of an object with these elements.

    `required` names those that it must have; `choices` the beginnings of those of which it may have one, as `value`
    of `valueString` and `valueCode`, and `must` those of which it must have one.
    """
    needed = required.split()
    fields = [(each, form) if each in needed else (each, form | UnsetType, UNSET) for each, form in elements.items()]
    begun = [*choices.split(), *must.split()]
    groups = {begin: tuple(each for each in elements if each.startswith(begin)) for begin in begun}
    methods = {"__post_init__": _choosing(groups, must.split())} if groups else {}
    return msgspec.defstruct(name, fields, namespace=methods, forbid_unknown_fields=True, gc=False, kw_only=True)


_CODING = _form("Coding", system=_URI, version=_STRING, code=_CODE, display=_STRING, userSelected=bool)
_CONCEPT = _form("CodeableConcept", coding=_many(_CODING), text=_STRING)
_PERIOD = _form("Period", start=_DATE_TIME, end=_DATE_TIME)
_IDENTIFIER = _form("Identifier", use=_CODE, type=_CONCEPT, system=_URI, value=_STRING, period=_PERIOD)
_REFERENCE = _form("Reference", reference=_STRING, type=_URI, identifier=_IDENTIFIER, display=_STRING)
_QUANTITY = _form("Quantity", value=_DECIMAL, comparator=_CODE, unit=_STRING, system=_URI, code=_CODE)
_RANGE = _form("Range", low=_QUANTITY, high=_QUANTITY)
_RATIO = _form("Ratio", numerator=_QUANTITY, denominator=_QUANTITY)
_NOTE = _form(
    "Annotation", "text", "author", authorReference=_REFERENCE, authorString=_STRING, time=_DATE_TIME, text=_STRING
)
_META = _form(
    "Meta",
    versionId=_ID,
    lastUpdated=_INSTANT,
    source=_URI,
    profile=_many(_URI),
    security=_many(_CODING),
    tag=_many(_CODING),
)
_VALUES = {
    "valueAddress": _form("Place", city=_STRING, state=_STRING, country=_STRING),
    "valueBoolean": bool,
    "valueCode": _CODE,
    "valueCodeableConcept": _CONCEPT,
    "valueCoding": _CODING,
    "valueDate": _DATE,
    "valueDateTime": _DATE_TIME,
    "valueDecimal": _DECIMAL,
    "valueIdentifier": _IDENTIFIER,
    "valueInteger": _INTEGER,
    "valuePeriod": _PERIOD,
    "valueQuantity": _QUANTITY,
    "valueReference": _REFERENCE,
    "valueString": _STRING,
    "valueUri": _URI,
}
_INNER_EXTENSION = _form("InnerExtension", "url", "value", url=_URI, **_VALUES)
_EXTENSION = _form("Extension", "url", "value", url=_URI, extension=_many(_INNER_EXTENSION), **_VALUES)
_NARRATIVE = _form("Narrative", "status div", status=_CODE, div=_STRING)
_EVERYWHERE: dict[str, Form] = {  # elements of every resource
    "id": _ID,
    "meta": _META,
    "implicitRules": _URI,
    "language": _CODE,
    "text": _NARRATIVE,
    "extension": _many(_EXTENSION),
    "identifier": _many(_IDENTIFIER),
}


def _resource(
    kind: str, required: str = "", choices: str = "", must: str = "", /, **elements: Form
) -> msgspec.json.Decoder[Any]:
    """Return what decodes a resource of this kind that has its usual form."""
    head = {"resourceType": Annotated[str, Meta(pattern=rf"\A{kind}\Z")]}
    return msgspec.json.Decoder(
        _form(kind, f"resourceType {required}", choices, must, **head, **_EVERYWHERE, **elements)
    )


_CONTACT = _form("ContactPoint", system=_CODE, value=_STRING, use=_CODE, rank=_POSITIVE, period=_PERIOD)
_ADDRESS = _form(
    "Address",
    use=_CODE,
    type=_CODE,
    text=_STRING,
    line=_many(_STRING),
    city=_STRING,
    district=_STRING,
    state=_STRING,
    postalCode=_STRING,
    country=_STRING,
    period=_PERIOD,
    extension=_many(_EXTENSION),
)
_NAME = _form(
    "HumanName",
    use=_CODE,
    text=_STRING,
    family=_STRING,
    given=_many(_STRING),
    prefix=_many(_STRING),
    suffix=_many(_STRING),
    period=_PERIOD,
)
_LANGUAGE = _form("Communication", "language", language=_CONCEPT, preferred=bool)
_RELATIVE = _form(
    "Contact",
    relationship=_many(_CONCEPT),
    name=_NAME,
    telecom=_many(_CONTACT),
    address=_ADDRESS,
    gender=_CODE,
    organization=_REFERENCE,
    period=_PERIOD,
)
_LINK = _form("Link", "other type", other=_REFERENCE, type=_CODE)
_NORMAL = _form(
    "ReferenceRange",
    low=_QUANTITY,
    high=_QUANTITY,
    type=_CONCEPT,
    appliesTo=_many(_CONCEPT),
    age=_RANGE,
    text=_STRING,
)
_MEASURED: dict[str, Form] = {
    "valueQuantity": _QUANTITY,
    "valueCodeableConcept": _CONCEPT,
    "valueString": _STRING,
    "valueBoolean": bool,
    "valueInteger": _INTEGER,
    "valueRange": _RANGE,
    "valueRatio": _RATIO,
    "valueDateTime": _DATE_TIME,
    "valuePeriod": _PERIOD,
    "dataAbsentReason": _CONCEPT,
    "interpretation": _many(_CONCEPT),
    "referenceRange": _many(_NORMAL),
}
_COMPONENT = _form("Component", "code", "value", code=_CONCEPT, **_MEASURED)
_REPEAT = _form(
    "Repeat",
    "",
    "bounds",
    boundsDuration=_QUANTITY,
    boundsRange=_RANGE,
    boundsPeriod=_PERIOD,
    count=_POSITIVE,
    countMax=_POSITIVE,
    duration=_DECIMAL,
    durationMax=_DECIMAL,
    durationUnit=_CODE,
    frequency=_POSITIVE,
    frequencyMax=_POSITIVE,
    period=_DECIMAL,
    periodMax=_DECIMAL,
    periodUnit=_CODE,
    dayOfWeek=_many(_CODE),
    when=_many(_CODE),
    offset=_UNSIGNED,
)
_TIMING = _form("Timing", event=_many(_DATE_TIME), repeat=_REPEAT, code=_CONCEPT)
_DOSE = _form(
    "DoseAndRate",
    "",
    "dose rate",
    type=_CONCEPT,
    doseRange=_RANGE,
    doseQuantity=_QUANTITY,
    rateRatio=_RATIO,
    rateRange=_RANGE,
    rateQuantity=_QUANTITY,
)
_DOSAGE = _form(
    "Dosage",
    "",
    "asNeeded",
    sequence=_INTEGER,
    text=_STRING,
    additionalInstruction=_many(_CONCEPT),
    patientInstruction=_STRING,
    timing=_TIMING,
    asNeededBoolean=bool,
    asNeededCodeableConcept=_CONCEPT,
    site=_CONCEPT,
    route=_CONCEPT,
    method=_CONCEPT,
    doseAndRate=_many(_DOSE),
    maxDosePerPeriod=_RATIO,
    maxDosePerAdministration=_QUANTITY,
    maxDosePerLifetime=_QUANTITY,
)
_MEDICINE: dict[str, Form] = {"medicationCodeableConcept": _CONCEPT, "medicationReference": _REFERENCE}
_REASONS: dict[str, Form] = {"reasonCode": _many(_CONCEPT), "reasonReference": _many(_REFERENCE)}
_PERFORMER = _form("Performer", "actor", function=_CONCEPT, actor=_REFERENCE)

FORMS = {
    "Patient": _resource(
        "Patient",
        "",
        "deceased multipleBirth",
        active=bool,
        name=_many(_NAME),
        telecom=_many(_CONTACT),
        gender=_CODE,
        birthDate=_DATE,
        deceasedBoolean=bool,
        deceasedDateTime=_DATE_TIME,
        address=_many(_ADDRESS),
        maritalStatus=_CONCEPT,
        multipleBirthBoolean=bool,
        multipleBirthInteger=_INTEGER,
        contact=_many(_RELATIVE),
        communication=_many(_LANGUAGE),
        generalPractitioner=_many(_REFERENCE),
        managingOrganization=_REFERENCE,
        link=_many(_LINK),
    ),
    "Condition": _resource(
        "Condition",
        "subject",
        "onset abatement",
        clinicalStatus=_CONCEPT,
        verificationStatus=_CONCEPT,
        category=_many(_CONCEPT),
        severity=_CONCEPT,
        code=_CONCEPT,
        bodySite=_many(_CONCEPT),
        subject=_REFERENCE,
        encounter=_REFERENCE,
        onsetDateTime=_DATE_TIME,
        onsetPeriod=_PERIOD,
        onsetString=_STRING,
        abatementDateTime=_DATE_TIME,
        abatementPeriod=_PERIOD,
        abatementString=_STRING,
        recordedDate=_DATE_TIME,
        recorder=_REFERENCE,
        asserter=_REFERENCE,
        note=_many(_NOTE),
    ),
    "Observation": _resource(
        "Observation",
        "status code",
        "effective value",
        basedOn=_many(_REFERENCE),
        partOf=_many(_REFERENCE),
        status=_CODE,
        category=_many(_CONCEPT),
        code=_CONCEPT,
        subject=_REFERENCE,
        focus=_many(_REFERENCE),
        encounter=_REFERENCE,
        effectiveDateTime=_DATE_TIME,
        effectivePeriod=_PERIOD,
        effectiveInstant=_INSTANT,
        issued=_INSTANT,
        performer=_many(_REFERENCE),
        note=_many(_NOTE),
        bodySite=_CONCEPT,
        method=_CONCEPT,
        specimen=_REFERENCE,
        device=_REFERENCE,
        hasMember=_many(_REFERENCE),
        derivedFrom=_many(_REFERENCE),
        component=_many(_COMPONENT),
        **_MEASURED,
    ),
    "Procedure": _resource(
        "Procedure",
        "status subject",
        "performed",
        basedOn=_many(_REFERENCE),
        partOf=_many(_REFERENCE),
        status=_CODE,
        statusReason=_CONCEPT,
        category=_CONCEPT,
        code=_CONCEPT,
        subject=_REFERENCE,
        encounter=_REFERENCE,
        performedDateTime=_DATE_TIME,
        performedPeriod=_PERIOD,
        performedString=_STRING,
        recorder=_REFERENCE,
        asserter=_REFERENCE,
        performer=_many(_PERFORMER),
        location=_REFERENCE,
        bodySite=_many(_CONCEPT),
        outcome=_CONCEPT,
        report=_many(_REFERENCE),
        note=_many(_NOTE),
        **_REASONS,
    ),
    "AllergyIntolerance": _resource(
        "AllergyIntolerance",
        "patient",
        "onset",
        clinicalStatus=_CONCEPT,
        verificationStatus=_CONCEPT,
        type=_CODE,
        category=_many(_CODE),
        criticality=_CODE,
        code=_CONCEPT,
        patient=_REFERENCE,
        encounter=_REFERENCE,
        onsetDateTime=_DATE_TIME,
        onsetPeriod=_PERIOD,
        onsetString=_STRING,
        recordedDate=_DATE_TIME,
        recorder=_REFERENCE,
        asserter=_REFERENCE,
        lastOccurrence=_DATE_TIME,
        note=_many(_NOTE),
    ),
    "MedicationRequest": _resource(
        "MedicationRequest",
        "status intent subject",
        "reported",
        "medication",
        status=_CODE,
        statusReason=_CONCEPT,
        intent=_CODE,
        category=_many(_CONCEPT),
        priority=_CODE,
        doNotPerform=bool,
        reportedBoolean=bool,
        reportedReference=_REFERENCE,
        subject=_REFERENCE,
        encounter=_REFERENCE,
        authoredOn=_DATE_TIME,
        requester=_REFERENCE,
        performer=_REFERENCE,
        recorder=_REFERENCE,
        basedOn=_many(_REFERENCE),
        groupIdentifier=_IDENTIFIER,
        courseOfTherapyType=_CONCEPT,
        note=_many(_NOTE),
        dosageInstruction=_many(_DOSAGE),
        priorPrescription=_REFERENCE,
        **_MEDICINE,
        **_REASONS,
    ),
    "MedicationStatement": _resource(
        "MedicationStatement",
        "status subject",
        "effective",
        "medication",
        basedOn=_many(_REFERENCE),
        partOf=_many(_REFERENCE),
        status=_CODE,
        statusReason=_many(_CONCEPT),
        category=_CONCEPT,
        subject=_REFERENCE,
        context=_REFERENCE,
        effectiveDateTime=_DATE_TIME,
        effectivePeriod=_PERIOD,
        dateAsserted=_DATE_TIME,
        informationSource=_REFERENCE,
        derivedFrom=_many(_REFERENCE),
        note=_many(_NOTE),
        dosage=_many(_DOSAGE),
        **_MEDICINE,
        **_REASONS,
    ),
    "MedicationAdministration": _resource(
        "MedicationAdministration",
        "status subject",
        "",
        "medication effective",
        partOf=_many(_REFERENCE),
        status=_CODE,
        statusReason=_many(_CONCEPT),
        category=_CONCEPT,
        subject=_REFERENCE,
        context=_REFERENCE,
        effectiveDateTime=_DATE_TIME,
        effectivePeriod=_PERIOD,
        performer=_many(_PERFORMER),
        request=_REFERENCE,
        device=_many(_REFERENCE),
        note=_many(_NOTE),
        dosage=_form(
            "AdministeredDosage",
            "",
            "rate",
            text=_STRING,
            site=_CONCEPT,
            route=_CONCEPT,
            method=_CONCEPT,
            dose=_QUANTITY,
            rateRatio=_RATIO,
            rateQuantity=_QUANTITY,
        ),
        **_MEDICINE,
        **_REASONS,
    ),
    "MedicationDispense": _resource(
        "MedicationDispense",
        "status",
        "",
        "medication",
        status=_CODE,
        category=_CONCEPT,
        subject=_REFERENCE,
        context=_REFERENCE,
        performer=_many(_PERFORMER),
        location=_REFERENCE,
        authorizingPrescription=_many(_REFERENCE),
        type=_CONCEPT,
        quantity=_QUANTITY,
        daysSupply=_QUANTITY,
        whenPrepared=_DATE_TIME,
        whenHandedOver=_DATE_TIME,
        note=_many(_NOTE),
        dosageInstruction=_many(_DOSAGE),
        **_MEDICINE,
    ),
}


def is_usual(kind: str, raw: bytes) -> bool:
    """Return whether a resource of this kind has its usual form, and is valid for that reason."""
    decoder = FORMS.get(kind)
    if decoder is None:
        return False
    try:
        decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
