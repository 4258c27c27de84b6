"""Validation of a file against a form; what does not fit is a fault with its line."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from rules.forms import Form
from rules.yaml_lines import Document, Loc

_F = TypeVar("_F", bound=Form)


def check_form(document: Document, form: type[_F], value: Any, where: Loc = ()) -> _F | None:
    """Fill in a form, or record every fault and return None."""
    try:
        return form.model_validate(value, context={"languages": document.languages})
    except ValidationError as error:
        for each in error.errors():
            inside = _path_in(value, each["loc"], is_missing=each["type"] == "missing")
            if each["type"] == "string_type" and isinstance(each["input"], Mapping):
                continue  # a text in several languages; what is wrong with those is a fault of its own
            loc = (*where, *inside)
            name = _called(loc) or document.file
            if each["type"] == "extra_forbidden":
                document.fault(loc, f"unknown key {name!r}", f"known here: {', '.join(form.model_fields)}")
            elif each["type"] == "no_language":
                document.fault(loc, each["msg"], f"known here: {each['ctx']['known']}")
            elif each["type"] == "no_words":
                document.fault(loc, f"{name}: {each['msg']}", f"words/ has {', '.join(document.languages)}")
            elif each["type"] == "missing":
                document.fault(loc, f"{name} is missing")
            else:
                document.fault(loc, f"{name}: {each['msg']}")
        return None


def _path_in(value: Any, loc: Loc, *, is_missing: bool) -> Loc:
    """Return the path of a fault as it stands in the file, without the member of a union that was tried."""
    path: list[str | int] = []
    for at, step in enumerate(loc):
        if isinstance(value, Mapping) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif not (is_missing and at == len(loc) - 1):
            continue
        path.append(step)
    return tuple(path)


def _called(path: Loc) -> str:
    """Return what is at fault in words: the key, or which entry of the list under a key."""
    *above, last = path or ("",)
    if not isinstance(last, int):
        return str(last)
    return f"{_called(tuple(above))}, entry {last + 1}" if above else f"entry {last + 1}"


def check_forms(document: Document, form: type[_F]) -> dict[str, _F]:
    """Fill in one form for every key of a file."""
    found = {}
    for name, value in (document.value or {}).items():
        one = check_form(document, form, value, (name,))
        if one is not None:
            found[name] = one
    return found
