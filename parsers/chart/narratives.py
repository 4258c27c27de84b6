"""What a letter, a report, an anamnesis or a note about the patient says of a thrombosis, line by line.

Texts in OBX under local codes, and NTE after PID, PV1 or the head of a referral.

A text whose LOINC code says that it is a history stays an observation, in a message whose observations are read: the
rules read that themselves.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from clinical.events import Condition, Header
from clinical.identities import Identifier
from parsers.chart.patients import event_time
from parsers.chart.reasons import action_of, condition_in_words, lines_that_name_thrombosis
from parsers.defaults import Defaults
from parsers.hl7.codes import read_coded
from parsers.hl7.message_types import READ
from parsers.hl7.segments import Message, Segment
from parsers.hl7.times import moment

_TEXTS = frozenset({"TX", "FT", "ST", "ED", "UT"})
_SHORTEST = 6  # characters of a field
_LETTER = re.compile(
    r"histor|contra-?indi[ck]|kontraindik|voorgeschied|anamne|vorgeschicht|ant[ée]c[ée]dent|diagno|problem|probleem|conclusi|samenvatting|summary"
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
    owner = ""
    for segment in segments:
        if segment.name == "OBR":
            service = segment
        if segment.name != "NTE":
            owner = segment.name
        elif owner in _OF_PATIENT:
            yield from _noted(segment, patient, at)
        if segment.name != "OBX" or segment.raw(2) not in _TEXTS or len(segment.raw(5)) < _SHORTEST:
            continue
        tells = _tells(segment, service, header, defaults)
        lines = lines_that_name_thrombosis(_written(segment)) if tells else ()
        observed = segment.text(14) or (service.text(7) if service is not None else "")
        for line in lines:
            onset = moment(observed, defaults.zone) if tells == "image" else None
            yield condition_in_words(line, patient, segment.path(5), at, action=action_of(segment), onset=onset)


# A note after one of these is about the patient; after an order, a result or a drug it is about that.
_OF_PATIENT = frozenset({"MSH", "PID", "PD1", "PV1", "PV2", "RF1", "AUT", "PRD", "CTD"})


def _noted(nte: Segment, patient: tuple[Identifier, ...], at: datetime | None) -> Iterator[Condition]:
    written = "\n".join(nte.whole(3, each) for each in range(1, nte.repetitions(3) + 1))
    for line in lines_that_name_thrombosis(written):
        yield condition_in_words(line, patient, nte.path(3), at)


def _tells(obx: Segment, service: Segment | None, header: Header, defaults: Defaults) -> str:
    """What kind of text this is: of an image that was made, a letter or an anamnesis, or neither."""
    codings, words = read_coded(obx, 3, defaults)
    asked = words if service is None else f"{words} {read_coded(service, 4, defaults)[1]}"
    kind = _kind_of(asked) or ("letter" if header.type == "MDM" else "")
    is_observation = any(coding.system == "LOINC" for coding in codings) and (header.type, header.event) in READ
    return "" if kind == "letter" and is_observation else kind


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
