"""Real envelopes with a drug written in, the way their sender writes one."""

from functools import cache
from typing import Any

import yaml

from parsers.hl7.segments import Message, Segment, split
from tests.corpus import corpus, messages_of, sources
from tests.envelopes.filling import HERE

_DRUG_AT = {"RXO": 1, "RXE": 2, "RXG": 4, "RXD": 2, "RXA": 5, "RXC": 2}
_SUPPLEMENTARY = {"RXO": 24, "RXE": 31}
_ROUTE = "IV"


@cache
def envelopes() -> list[dict[str, Any]]:
    """What is done with each; none where the corpus is not there."""
    if corpus() is None:
        return []
    found: list[dict[str, Any]] = yaml.safe_load((HERE / "real.yaml").read_text(encoding="utf-8"))
    return found


@cache
def _corpus() -> dict[str, bytes]:
    return {name: raw for source in sources()[1:] for name, raw in messages_of(source)}


def filled(envelope: dict[str, Any], drug: str) -> bytes:
    """The sender's message with this drug in it."""
    (raw,) = (raw for name, raw in _corpus().items() if name.endswith(envelope["message"]))
    message = split(raw)
    end = "\n" if b"\n" in raw and b"\r" not in raw else "\r"
    lines: list[str] = []
    drugs_over = False
    for segment in message.segments:
        drugs_over = drugs_over or (segment.name == "ORC" and any(line[:3].upper() in _DRUG_AT for line in lines))
        changes = {} if drugs_over and segment.name != "MSH" else _changes(message, segment, envelope, drug)
        lines.append(_with(segment, message, changes))
    added = [line.replace("{drug}", drug) for line in envelope.get("add", ())]
    text = end.join([*lines, *(_spoken(message, line) for line in added), ""])
    return text.encode(message.charset.codec)


def _changes(message: Message, segment: Segment, envelope: dict[str, Any], drug: str) -> dict[int, str]:
    changes: dict[int, str] = {}
    if segment.name in _DRUG_AT and not envelope.get("add"):
        place = _DRUG_AT[segment.name]
        if not segment.raw(place) and segment.raw(_SUPPLEMENTARY.get(segment.name, 0)):
            place = _SUPPLEMENTARY[segment.name]
        if segment.raw(place):
            changes[place] = _in_its_way(message, segment.raw(place), drug)
    if segment.name == "RXR":
        changes[1] = _ROUTE
    for path, value in envelope.get("set", {}).items():
        name, _, field = path.partition("-")
        if name == segment.name and (segment.occurrence == 1 or name != "MSH"):
            changes[int(field)] = _spoken(message, value)
    return changes


def _in_its_way(message: Message, sent: str, drug: str) -> str:
    """Its own code stays; the words become those of the drug."""
    parts = sent.split(message.delimiters.component)
    if len(parts) == 1:
        return drug
    parts[1] = drug
    if len(parts) > 8 and parts[8]:
        parts[8] = drug
    return message.delimiters.component.join(parts)


def _spoken(message: Message, text: str) -> str:
    """Text with the usual delimiters in those of the message."""
    delimiters = message.delimiters
    own = (delimiters.field, delimiters.component, delimiters.repetition, delimiters.escape, delimiters.subcomponent)
    return "".join(dict(zip("|^~\\&", own, strict=True)).get(character, character) for character in text)


def _with(segment: Segment, message: Message, changes: dict[int, str]) -> str:
    separator = message.delimiters.field
    fields = segment.line.split(separator)
    offset = 1 if segment.name == "MSH" else 0  # MSH-1 is the separator
    for number, value in changes.items():
        fields += [""] * (number - offset + 1 - len(fields))
        fields[number - offset] = value
    return separator.join(fields)
