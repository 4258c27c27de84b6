"""What the FHIR API can do, as a CapabilityStatement: made from what is served, so that it cannot promise more."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from inbox.fhir.kinds import Parameter, ResourceKind
from inbox.fhir.outcomes import MEDIA_TYPE
from inbox.fhir.references import Resource

STATED_ON: Final = "2026-11-30"  # when what it says last changed; a test holds it to that
_DEFINITIONS: Final = {  # of the standard, http://hl7.org/fhir/R4/searchparameter-registry.html
    ("Resource", "_id"): "Resource-id",
    ("Resource", "_lastUpdated"): "Resource-lastUpdated",
    ("DetectedIssue", "author"): "DetectedIssue-author",
    ("DetectedIssue", "code"): "DetectedIssue-code",
    ("DetectedIssue", "implicated"): "DetectedIssue-implicated",
    ("DetectedIssue", "identified"): "DetectedIssue-identified",
    ("DetectedIssue", "identifier"): "clinical-identifier",
    ("DetectedIssue", "patient"): "clinical-patient",
    ("Provenance", "agent"): "Provenance-agent",
    ("Provenance", "patient"): "Provenance-patient",
    ("Provenance", "recorded"): "Provenance-recorded",
    ("Provenance", "target"): "Provenance-target",
    **{
        ("AuditEvent", name): f"AuditEvent-{name}"
        for name in ("action", "agent", "altid", "date", "entity", "outcome", "patient", "subtype", "type")
    },
}
_SECURITY: Final = (
    "Every request but this one carries `Authorization: Bearer` and a token that the administrator made "
    "(`ivigilant token create`). DetectedIssue and Provenance need the permission alerts:read, AuditEvent needs "
    "access:read, which the role auditor has alone. Each read and each search is recorded in the access log."
)


def capability_statement(base: str, site: str, kinds: Sequence[ResourceKind]) -> Resource:
    """Return the statement of the installation at this address."""
    release = version("ivigilant")
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": STATED_ON,
        "kind": "instance",
        "software": {"name": "IVIgilant", "version": release},
        "implementation": {"description": f"IVIgilant, {site}" if site != "IVIgilant" else site, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json", MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "security": {"cors": False, "service": [{"text": "Bearer token"}], "description": _SECURITY},
                "resource": [_resource(kind) for kind in kinds],
            }
        ],
    }


def _resource(kind: ResourceKind) -> dict[str, Any]:
    return {
        "type": kind.name,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "readHistory": False,
        "conditionalRead": "not-match",
        "referencePolicy": ["literal", "logical"],
        **({"searchRevInclude": sorted(kind.includes)} if kind.includes else {}),
        "searchParam": [_parameter(kind, each) for each in kind.parameters],
    }


def _parameter(kind: ResourceKind, parameter: Parameter) -> dict[str, str]:
    defined = _DEFINITIONS.get((kind.name, parameter.name)) or _DEFINITIONS.get(("Resource", parameter.name))
    definition = {"definition": f"http://hl7.org/fhir/SearchParameter/{defined}"} if defined else {}
    modifiers = ", ".join(f":{each}" for each in parameter.modifiers)
    says = f"{parameter.says} (modifiers: {modifiers})" if modifiers else parameter.says
    return {"name": parameter.name, **definition, "type": parameter.type, "documentation": says}
