"""What a letter, a report or an anamnesis says of a thrombosis, line by line: texts in OBX under local codes.

A text whose LOINC code says that it is a history stays an observation: the rules read that themselves.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from clinical.events import Condition, Header
from clinical.identities import Identifier
from parsers.chart.patients import event_time
from parsers.chart.reasons import lines_that_name_thrombosis
from parsers.defaults import Defaults
from parsers.hl7.codes import read_coded
from parsers.hl7.identifiers import natural_key
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment

_TEXTS = frozenset({"TX", "FT", "ST", "ED", "UT"})
_SHORTEST = 6  # characters of a field
_DELETED = frozenset({"D", "W"})  # OBX-11
_LETTER = re.compile(
    r"histor|voorgeschied|anamne|vorgeschicht|ant[ée]c[ée]dent|diagno|problem|probleem|conclusi|samenvatting|summary"
    r"|brief|letter|verslag|report|befund|beurteilung|epikris|compte[- ]rendu|bericht|referto|informe|laudo|lettera"
    r"|evaluat|beoordeling|beloop|decursus|consult|impression|\bnotes?\b|notitie",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"\b(?:cta?|cat|mri?|mra|irm|tdm|echo|us|ctpa|pet)\b|duplex|doppler|echogra|ultras|sonogra|angiogra|scinti|flebogra"
    r"|phlebogra|venogra|radiolog|r[öo]ntgen|thorax|scan",
    re.IGNORECASE,
)


def read_narratives(
    message: Message,
    patient: tuple[Identifier, ...],
    header: Header,
    segments: Sequence[Segment],
    defaults: Defaults,
) -> Iterator[Condition]:
    """Every line of one patient's texts that names a thrombosis, as it was written."""
    at = event_time(message, defaults)
    service: Segment | None = None
    for segment in segments:
        if segment.name == "OBR":
            service = segment
        if segment.name != "OBX" or segment.raw(2) not in _TEXTS or len(segment.raw(5)) < _SHORTEST:
            continue
        tells = _tells(segment, service, header, defaults)
        lines = lines_that_name_thrombosis(_written(segment)) if tells else ()
        observed = segment.text(14) or (service.text(7) if service is not None else "")
        for line in lines:
            yield Condition(
                patient=patient,
                path=segment.path(5),
                at=at,
                flags=("from_narrative",),
                key=natural_key("narrative", (), line, ""),
                category="problem",
                action="delete" if segment.text(11).strip() in _DELETED else "assert",
                text=line,
                onset=moment(observed, defaults.zone) if tells == "image" else None,
            )


def _tells(obx: Segment, service: Segment | None, header: Header, defaults: Defaults) -> str:
    """What kind of text this is: of an image that was made, a letter or an anamnesis, or neither."""
    codings, words = read_coded(obx, 3, defaults)
    asked = words if service is None else f"{words} {read_coded(service, 4, defaults)[1]}"
    kind = _kind_of(asked) or ("letter" if header.type == "MDM" else "")
    return "" if kind == "letter" and any(coding.system == "LOINC" for coding in codings) else kind


@lru_cache(maxsize=2048)  # a laboratory sends the same hundred tests all day
def _kind_of(words: str) -> str:
    return "image" if _IMAGE.search(words) else "letter" if _LETTER.search(words) else ""


def _written(obx: Segment) -> str:
    """The text of OBX-5: every repetition is a line; a document of text that is packed is unpacked."""
    if obx.raw(2) != "ED":
        return "\n".join(obx.whole(5, each) for each in range(1, obx.repetitions(5) + 1))
    kind, packing, content = f"{obx.text(5, 2)} {obx.text(5, 3)}".lower(), obx.text(5, 4).lower(), obx.text(5, 5)
    if not any(word in kind for word in ("text", "plain", "html", "xml")):
        return ""
    if packing != "base64":
        return content
    try:
        return base64.b64decode(content).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
