"""In which format an answer is asked for. There is JSON alone."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final

from litestar.exceptions import HTTPException

from inbox.fhir.outcomes import MEDIA_TYPE

_PLAIN: Final = "application/json"
_SHORT: Final = {"json": MEDIA_TYPE, "text/json": _PLAIN, _PLAIN: _PLAIN, MEDIA_TYPE: MEDIA_TYPE}
_ANY: Final = ("*/*", "application/*")
_VERSIONS: Final = ("", "4.0", "4.0.1")  # http://hl7.org/fhir/R4/versioning.html#mt-version


class FormatNotServed(HTTPException):
    """None of the formats that were asked for is JSON."""

    status_code = HTTPStatus.NOT_ACCEPTABLE


def format_of(accept: str, named: Sequence[str]) -> str:
    """Return the media type to answer with; `_format` goes before what the header accepts."""
    wanted = [each for text in named for each in _accepted(text.replace("application/fhir json", MEDIA_TYPE))]
    wishes = wanted if named else list(_accepted(accept if accept.strip() else MEDIA_TYPE))
    for kind, version in wishes:
        if version not in _VERSIONS:
            continue
        if kind in _SHORT:
            return _SHORT[kind]
        if kind in _ANY:
            return MEDIA_TYPE
    raise FormatNotServed(f"answers are {MEDIA_TYPE} of FHIR 4.0")


def _accepted(text: str) -> Iterator[tuple[str, str]]:
    """Yield each media type with the FHIR version that it names, the most wanted first, without the unwanted."""
    found = []
    for place, part in enumerate(text.split(",")):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        values = dict(each.split("=", 1) for each in parameters if "=" in each)
        quality = _quality(values.get("q", "1"))
        if kind and quality > 0:
            found.append((-quality, place, kind, values.get("fhirversion", "").strip('"')))
    yield from ((kind, version) for _, _, kind, version in sorted(found))


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
