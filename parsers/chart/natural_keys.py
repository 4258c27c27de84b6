"""By what a diagnosis, problem, procedure or allergy is known again when it is sent again."""

from collections.abc import Sequence

from clinical.events import Coding, Header
from parsers.hl7.segments import Segment


def entity_key(kind: str, segment: Segment, field: int, header: Header) -> str:
    """The sender's own number for it (EI: id, namespace, universal id), or "" when it sends none."""
    number = segment.text(field, 1).strip()
    if not number:
        return ""
    space = segment.text(field, 2).strip() or segment.text(field, 3).strip() or header.sending_application
    return f"{kind}:{space}|{number}"


def natural_key(kind: str, codings: Sequence[Coding], text: str, written: str) -> str:
    """Code and day, for a sender that numbers nothing; the words when there is no code."""
    day = written.strip().replace("-", "")[:8]
    if codings:
        return f"{kind}:{codings[0].system}:{codings[0].code.replace('.', '').upper()}:{day}"
    return f"{kind}::{' '.join(text.lower().split())[:200]}:{day}"


def joined(*texts: str) -> str:
    """The texts that say something, each once."""
    return "; ".join(dict.fromkeys(stripped for text in texts if (stripped := text.strip())))
