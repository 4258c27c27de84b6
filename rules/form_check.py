"""Validation of a file against a form; what does not fit is a fault with its line."""

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
            loc = (*where, *each["loc"])
            name = loc[-1] if loc else document.file
            if each["type"] == "extra_forbidden":
                document.fault(loc, f"unknown key {name!r}", f"known here: {', '.join(form.model_fields)}")
            elif each["type"] == "no_language":
                document.fault(loc, each["msg"], f"known here: {each['ctx']['known']}")
            elif each["type"] == "no_words":
                document.fault(loc, f"{name}: {each['msg']}", f"words/ has {', '.join(document.languages)}")
            else:
                document.fault(loc, f"{name}: {each['msg']}")
        return None


def check_forms(document: Document, form: type[_F]) -> dict[str, _F]:
    """Fill in one form for every key of a file."""
    found = {}
    for name, value in (document.value or {}).items():
        one = check_form(document, form, value, (name,))
        if one is not None:
            found[name] = one
    return found
