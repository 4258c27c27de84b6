"""RXR: how a medicine gets in."""

from collections.abc import Iterable

from clinical.events import Coding
from parsers.defaults import Defaults
from parsers.hl7.codes import read_all_codings, read_words
from parsers.hl7.segments import Segment


def read_routes(segments: Iterable[Segment], defaults: Defaults) -> tuple[Coding, ...]:
    """Every route, each once; one in words alone is a code of no system."""
    return tuple(dict.fromkeys(coding for segment in segments for coding in _route(segment, defaults)))


def _route(segment: Segment, defaults: Defaults) -> tuple[Coding, ...]:
    codings = read_all_codings(segment, 1, defaults)
    words = read_words(segment, 1)
    return codings or ((Coding(system="", code=words, display=words),) if words else ())
