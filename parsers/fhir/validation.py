"""Validation of resources against FHIR R4 (library fhir.resources, release R4B), and else against STU3.

R4B equals R4 in all that is read here. A missing element that is never read, such as the author of a letter, is not
a fault. The library is large and slow to load, so it is loaded for the first resource that is not in its usual form.
"""

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from parsers.fhir.usual import is_usual

if TYPE_CHECKING:
    from pydantic import BaseModel

_MOST_FAULTS = 3
_UNREAD = frozenset({"author", "title", "custodian", "recorder", "requester"})


def fault_of(kind: str, raw: bytes) -> str:
    """Return what is wrong with it, in one line; nothing when it is right in either release."""
    return "" if is_usual(kind, raw) else fault_by_library(kind, raw)


def fault_by_library(kind: str, raw: bytes) -> str:
    """Return the same, whether the resource has its usual form or not."""
    found = _faults(_model(kind), raw)
    older = _model_of_stu3(kind) if found else None
    if older is not None and not _faults(older, raw):
        return ""
    return "; ".join(_line_of(each) for each in found[:_MOST_FAULTS])


def _faults(model: "type[BaseModel]", raw: bytes) -> list[Any]:
    from pydantic import ValidationError

    try:
        model.model_validate_json(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return [each for each in faults if not _is_missing_and_unread(each)]
    return []


def _is_missing_and_unread(fault: Any) -> bool:
    return bool(fault["type"] == "missing" and fault["loc"] and fault["loc"][-1] in _UNREAD)


def _line_of(fault: Any) -> str:
    where = ".".join(str(each) for each in fault["loc"])
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])


@cache
def _model(kind: str) -> "type[BaseModel]":
    found: type[BaseModel] = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return found


@cache
def _model_of_stu3(kind: str) -> "type[BaseModel] | None":
    try:
        module = importlib.import_module(f"fhir.resources.STU3.{kind.lower()}")
    except ModuleNotFoundError:  # a kind that came later
        return None
    found: type[BaseModel] = getattr(module, kind)
    return found
