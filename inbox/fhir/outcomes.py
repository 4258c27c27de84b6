"""Errors as FHIR says them: an OperationOutcome."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar.exceptions import ClientException

PATH: Final = "/fhir"
MEDIA_TYPE: Final = "application/fhir+json"
_CODES: Final[Mapping[int, str]] = {  # http://hl7.org/fhir/R4/valueset-issue-type.html
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    503: "transient",
}


def is_fhir(path: str) -> bool:
    """Return whether an address belongs to the FHIR API."""
    return path == PATH or path.startswith(f"{PATH}/")


def challenge(status: int, sent: Mapping[str, str]) -> dict[str, str]:
    """Return the header that says that the token which was sent is not, or no longer, valid (RFC 6750)."""
    scheme, _, token = sent.get("Authorization", "").partition(" ")
    is_token = status == 401 and scheme.lower() == "bearer" and token.strip() != ""
    return {"WWW-Authenticate": 'Bearer error="invalid_token"'} if is_token else {}


def outcome(status: int, title: str, detail: str, faults: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the resource for an error: an issue for each parameter that is at fault, else one for the request."""
    code = _CODES.get(status, "exception" if status >= 500 else "processing")
    severity = "fatal" if status >= 500 else "error"
    issue: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": title}}
    if detail:
        issue["diagnostics"] = detail
    places = [
        issue | {"diagnostics": each["message"]} | ({"location": [f"http.{each['field']}"]} if each["field"] else {})
        for each in faults
    ]
    return {"resourceType": "OperationOutcome", "issue": places or [issue]}


class ParameterRefused(ClientException):
    """A parameter that cannot be served as it was sent; it says which, and never what it held."""

    def __init__(self, name: str, why: str) -> None:
        """Name the parameter."""
        super().__init__(f"{name}: {why}", extra=[{"key": name, "message": f"{name}: {why}"}])
