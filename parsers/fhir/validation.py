"""Validation of resources against FHIR R4 (library fhir.resources, release R4B).

R4B equals R4 in all that is read here. The library is large and slow to load, so only validation imports it.
"""

import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

_MOST_FAULTS = 3


def load_models(kinds: Iterable[str]) -> None:
    """Load what judges resources of these kinds, before the first of them comes."""
    for kind in kinds:
        _model(kind)


def fault_of(kind: str, raw: bytes) -> str:
    """Return what is wrong with it, in one line; nothing when it is right."""
    try:
        _model(kind).model_validate_json(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(_told(each) for each in faults[:_MOST_FAULTS])
    return ""


def _told(fault: Any) -> str:
    where = ".".join(str(each) for each in fault["loc"])
    return f"{where}: {fault['msg']}" if where else str(fault["msg"])


@cache
def _model(kind: str) -> type[BaseModel]:
    found: type[BaseModel] = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    return found
