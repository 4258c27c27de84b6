"""docs/interface-profile.xml: the HL7 v2 conformance profile of the messages that are read, from what the code reads.

It has the form that the validators of NIST read (ConformanceProfile with Messages, Segments and Datatypes), and it
is the profile of a receiver: R is what a message cannot be read without, RE what is read when it is there, and O
what is accepted and not read. Structures and data types are those of HL7 2.5.1, or of the first version after it
that has them.
"""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree as Tree

from hl7apy import SUPPORTED_LIBRARIES

from parsers.hl7 import message_types
from parsers.hl7.dictionary import field_name
from tests.field.interface_page import ROOT, observed_fields

FILE = ROOT / "docs" / "interface-profile.xml"
REQUIRED = frozenset({("MSH", 1), ("MSH", 2), ("PID", 3)})
ANSWER = {"MSH": "R", "MSA": "R", "ERR": "RE"}
ANSWERED = {  # the fields that an acknowledgement of ours has
    "MSA": {1: "R", 2: "R"},
    "ERR": {2: "RE", 3: "RE", 4: "RE", 8: "RE"},
}
_VERSIONS = ("2.5.1", "2.6", "2.7", "2.8", "2.8.1", "2.8.2", "2.4", "2.3.1", "2.3")
_STRUCTURES = {  # of events that have none of their own name
    **dict.fromkeys(("ADT_A04", "ADT_A08", "ADT_A13"), "ADT_A01"),
    **dict.fromkeys(("ADT_A14", "ADT_A28", "ADT_A31"), "ADT_A05"),
    **dict.fromkeys(("ADT_A10", "ADT_A11"), "ADT_A09"),
    **dict.fromkeys(("ADT_A34", "ADT_A35", "ADT_A36", "ADT_A46", "ADT_A47", "ADT_A48"), "ADT_A30"),
    **dict.fromkeys(("ADT_A40", "ADT_A41", "ADT_A42"), "ADT_A39"),
    "ADT_A07": "ADT_A06",
    "ADT_A44": "ADT_A43",
    **dict.fromkeys(("RDE_O25", "RDE_O01"), "RDE_O11"),
    "RDS_O01": "RDS_O13",
    "RGV_O01": "RGV_O15",
    "RAS_O01": "RAS_O17",
    **dict.fromkeys(("RRE_O02", "RRE_O26"), "RRE_O12"),
    "RRD_O02": "RRD_O14",
    "RRG_O02": "RRG_O16",
    "RRA_O02": "RRA_O18",
    **dict.fromkeys(("ORU_R31", "ORU_R32"), "ORU_R30"),
    "OUL_R24": "OUL_R23",
    **dict.fromkeys(("PPR_PC2", "PPR_PC3"), "PPR_PC1"),
    **dict.fromkeys(("PGL_PC7", "PGL_PC8"), "PGL_PC6"),
    **dict.fromkeys(("REF_I13", "REF_I14", "REF_I15"), "REF_I12"),
    **dict.fromkeys(("RRI_I13", "RRI_I14", "RRI_I15"), "RRI_I12"),
    **dict.fromkeys(("CCR_I17", "CCR_I18"), "CCR_I16"),
    **dict.fromkeys(("MDM_T03", "MDM_T05", "MDM_T07", "MDM_T09", "MDM_T11"), "MDM_T01"),
    **dict.fromkeys(("MDM_T04", "MDM_T06", "MDM_T08", "MDM_T10"), "MDM_T02"),
}


def write_profile() -> str:
    """The profile: every message that is read, our answer, and the segments and data types in them."""
    profile = Tree.Element("ConformanceProfile", ID="IVIgilant", Type="HL7", HL7Version="2.5.1", SchemaVersion="2.5")
    Tree.SubElement(profile, "MetaData", Name="IVIgilant", OrgName="IVIgilant", Version="1", Date="20261129")
    Tree.SubElement(Tree.SubElement(profile, "Encodings"), "Encoding").text = "ER7"
    messages = Tree.SubElement(profile, "Messages")
    for kind, event in sorted(message_types.READ):
        messages.append(_message(kind, event))
    messages.append(_acknowledgement())
    segments = Tree.SubElement(profile, "Segments")
    named = sorted({each.get("Ref", "") for each in messages.iter("Segment")})
    segments.extend(_segment(name) for name in named)
    kinds = {field.get("Datatype", "") for field in segments.iter("Field")}
    Tree.SubElement(profile, "Datatypes").extend(_datatypes(kinds))
    Tree.indent(profile)
    return Tree.tostring(profile, encoding="unicode", xml_declaration=False) + "\n"


def _message(kind: str, event: str) -> Tree.Element:
    own = f"{kind}_{event}"
    struct = _STRUCTURES.get(own, own)
    message = Tree.Element("Message", ID=own, Type=kind, Event=event, StructID=struct)
    message.extend(_elements(_structure(struct)[1]))
    if not any(each.get("Ref") == "PID" for each in message.iter("Segment")):
        message.append(_reference("PID", 1, 1))
    return message


def _elements(parts: Any) -> Iterator[Tree.Element]:
    """Segments that are read, in their groups; of the rest nothing is needed."""
    for name, content, (_, most), kind in parts:
        if kind == "GRP":
            group = [*_elements(content[1])]
            if group:
                needed = any(each.get("Usage") == "R" for each in group)
                yield _group(name, group, needed=needed, most=most)
        elif name in observed_fields():
            yield _reference(name, 1 if name in ("MSH", "PID") else 0, most)


def _group(name: str, content: list[Tree.Element], *, needed: bool, most: int) -> Tree.Element:
    usage, least = ("R", "1") if needed else ("RE", "0")
    group = Tree.Element("Group", ID=name, Name=name, Usage=usage, Min=least, Max=_most(most))
    group.extend(content)
    return group


def _reference(name: str, least: int, most: int) -> Tree.Element:
    return Tree.Element("Segment", Ref=name, Usage="R" if least else "RE", Min=str(least), Max=_most(most))


def _most(most: int) -> str:
    return "*" if most < 0 else str(most)


def _acknowledgement() -> Tree.Element:
    message = Tree.Element("Message", ID="ACK", Type="ACK", Event="ACK", StructID="ACK")
    for name, usage in ANSWER.items():
        least, most = ("1", "1") if usage == "R" else ("0", "*")
        Tree.SubElement(message, "Segment", Ref=name, Usage=usage, Min=least, Max=most)
    return message


def _segment(name: str) -> Tree.Element:
    """Every field up to the last that is read."""
    read = observed_fields().get(name, frozenset()) | ANSWERED.get(name, {}).keys()
    segment = Tree.Element("Segment", ID=name, Name=name, Label=name, Description=name)
    for number in range(1, max(read) + 1):
        kind, most = _field(name, number)
        usage = "R" if (name, number) in REQUIRED else "RE" if number in read else "O"
        usage = ANSWERED.get(name, {}).get(number, usage)
        Tree.SubElement(
            segment,
            "Field",
            Name=field_name(name, number, "2.5.1") or f"{name}-{number}",
            Usage=usage,
            Datatype=kind,
            MinLength="1",
            Min="1" if usage == "R" else "0",
            Max=_most(most),
        )
    return segment


def _datatypes(kinds: set[str]) -> list[Tree.Element]:
    """Those of the fields, and those of their components."""
    found: dict[str, Tree.Element] = {}
    waiting = sorted(kinds)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = Tree.Element("Datatype", ID=name, Name=name, Description=name)
        for entry in _parts(name):
            Tree.SubElement(
                found[name], "Component", Name=_plain(entry[3]), Usage="O", Datatype=entry[2], MinLength="1"
            )
            waiting.append(entry[2])
    return [found[name] for name in sorted(found)]


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()


@cache
def _tables(version: str) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    library = importlib.import_module(SUPPORTED_LIBRARIES[version])
    return library.MESSAGES, library.SEGMENTS, library.DATATYPES_STRUCTS


def _structure(struct: str) -> Any:
    for version in _VERSIONS:
        if struct in _tables(version)[0]:
            return _tables(version)[0][struct]
    raise LookupError(
        f"no version of HL7 has a structure {struct}: name in _STRUCTURES the message whose structure it has"
    )


def _field(segment: str, number: int) -> tuple[str, int]:
    """The data type of a field and how often it may be there."""
    name = f"{segment}_{number}"
    for version in _VERSIONS:
        for own, entry, (_, most), _ in _tables(version)[1].get(segment, ("", ()))[1]:
            if own == name:
                return str(entry[2] or "varies"), most
    return "ST", 1


def _parts(datatype: str) -> list[Any]:
    for version in _VERSIONS:
        entry = _tables(version)[2].get(datatype)
        if entry is not None:
            return [part[1] for part in entry]
    return []


if __name__ == "__main__":
    FILE.write_text(write_profile(), encoding="utf-8")
