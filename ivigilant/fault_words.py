"""What is wrong with one line of the site file and what would be right, for whoever wrote it."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import BaseModel

from ivigilant.site import Feed, SiteFile

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PLAIN = {
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "string_type": "should be text; put it between quotation marks",
    "missing": "is needed",
    "dict_type": "should hold names and values: {THEIRS: OURS}",
    "tuple_type": "should be a list: [ONE, OTHER]",
    "model_type": "should hold settings, each as NAME: VALUE",
    "bool_parsing": "should be true or false",
}


def place_of(fault: "ErrorDetails") -> tuple[int | str, ...]:
    """Give where the fault stands, without the reader's own steps into an address."""
    place = fault["loc"]
    return place[:-1] if _is_address(fault) else place


def words_of(fault: "ErrorDetails") -> str:
    """Say what is wrong."""
    if _is_address(fault):
        return "should be an address or a network, as 10.1.2.3 or 10.1.0.0/16"
    kind = fault["type"]
    if kind == "extra_forbidden":
        return _unknown_word(fault["loc"])
    if kind == "string_pattern_mismatch" and fault["loc"][-1] == "segment":
        return "should be the name of a segment: three letters or digits, as ZWT"
    return PLAIN.get(kind, fault["msg"].removeprefix("Value error, ").replace("Input should", "should"))


def _is_address(fault: "ErrorDetails") -> bool:
    last = fault["loc"][-1] if fault["loc"] else ""
    return isinstance(last, str) and ("IPv4" in last or "IPv6" in last)


def _unknown_word(place: tuple[int | str, ...]) -> str:
    known = _settings_at(place)
    near = get_close_matches(str(place[-1]), known, 1)
    return f"is no setting; did you mean {near[0]}?" if near else "is no setting that is known here"


def _settings_at(place: tuple[int | str, ...]) -> list[str]:
    part: type[BaseModel] | None = SiteFile if len(place) == 1 else None
    if place[0] == "feeds" and len(place) == 3:
        part = Feed
    return list(part.model_fields) if part else []
