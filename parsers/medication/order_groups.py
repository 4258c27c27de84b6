"""The segments that make up one order, and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from clinical.codes import Coding
from clinical.events import Header, OrderKeys
from parsers.hl7.message_types import ANSWERS
from parsers.hl7.segments import Segment
from parsers.medication.drug_lines import DrugLine
from parsers.medication.immunoglobulins import is_care, is_named, is_service, says_elsewhere

DRUGS = ("RXO", "RXE", "RXG", "RXD", "RXA", "BPO", "BPX", "BTX")
GIVEN = ("RXA", "BTX")
_SEVERAL = ("RXA", "BPX", "BTX")  # of which several belong to one order
_OTHER_ORDERS = frozenset({"OBR", "ODS", "ODT", "RQD", "RQ1", "SCH"})
_ATTACHED = frozenset({"TQ1", "TQ2", "RXR", "RXC", "RXV", "CDO"})
_BREAKS = frozenset({"PID", "PV1", "DG1", "PRB", "GOL", "PR1", "AL1", "IAM"})


@dataclass
class Part:
    """A drug segment with what follows it."""

    drug: Segment
    timings: list[Segment] = field(default_factory=list)
    routes: list[Segment] = field(default_factory=list)
    components: list[Segment] = field(default_factory=list)
    notes: list[Segment] = field(default_factory=list)
    answers: list[Segment] = field(default_factory=list)  # observations that name a drug

    @cached_property
    def line(self) -> DrugLine:
        """The drug segment read by name; where its fields stand is found out once."""
        return DrugLine(self.drug)


@dataclass(slots=True)
class Group:
    """One order: its ORC when it has one, the timings before any drug, and its drug segments."""

    control: Segment | None = None
    timings: list[Segment] = field(default_factory=list)
    routes: list[Segment] = field(default_factory=list)
    notes: list[Segment] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    is_other: bool = False  # a laboratory, diet or supply order

    def named(self, name: str) -> list[Part]:
        """Return the parts of one kind."""
        return [part for part in self.parts if part.drug.name == name]

    def beside(self, part: Part) -> list[Part]:
        """Return the parts of other kinds about the same drug; of equal numbers, the one in the same place."""
        kind = part.drug.name
        place = next(number for number, each in enumerate(self.named(kind)) if each is part)
        found: list[Part] = []
        for name in dict.fromkeys(each.drug.name for each in self.parts if each.drug.name != kind):
            others = self.named(name)
            found += others[place : place + 1] if len(others) == len(self.named(kind)) else others
        return found


def group_orders(segments: Sequence[Segment]) -> list[Group]:
    """Return every order of one patient, in the order sent; segments stay with the nearest drug segment before them."""
    groups: list[Group] = []
    current: Group | None = None
    notes_belong = False  # a note after an observation is about that
    for segment in segments:
        name = segment.name
        if name == "ORC":
            current = Group(control=segment)
            groups.append(current)
        elif name in DRUGS:
            if current is None or _begins_another(current, name):
                current = Group()
                groups.append(current)
            current.is_other = False
            current.parts.append(Part(segment))
        elif name in _BREAKS:
            current = None if name == "PID" or (current is not None and current.control is None) else current
        elif name in _OTHER_ORDERS:
            current = _other(current, groups)
            if name == "OBR" and _may_treat(segment):
                current.parts.append(Part(segment))
                notes_belong = True
                continue
        elif current is not None:
            _attach(current, segment, notes_belong)
        notes_belong = name in DRUGS or name in _ATTACHED or name == "ORC" or (name == "NTE" and notes_belong)
    for group in groups:
        group.parts = _without_idle_services(group)
    return [group for group in groups if not group.is_other or group.parts]


def _begins_another(group: Group, name: str) -> bool:
    """Without an ORC, the same kind of drug segment again is the next order; a request and its encoding are one.

    Some senders put an OBR, `Pharmacy Order`, between an ORC and its drug: that is one order.
    """
    if group.is_other and group.control is None:
        return True
    return group.control is None and name not in _SEVERAL and any(part.drug.name == name for part in group.parts)


def _other(current: Group | None, groups: list[Group]) -> Group:
    """Return an order for something else; after a drug it begins without an ORC of its own."""
    if current is None or current.parts:
        control = current.control if current is not None and current.is_other else None
        current = Group(control=control, is_other=True)
        groups.append(current)
    current.is_other = True
    return current


def _service(obr: Segment) -> tuple[list[Coding], str]:
    """Return the codes of the service that is asked for (OBR-4, 44 and 46), and its words."""
    codings: list[Coding] = []
    texts: list[str] = []
    for place in (4, 44, 46):
        parts = obr.components(place)
        texts.append(" ".join(parts[1:2] + parts[4:5] + parts[8:9]) or (parts[0] if parts else ""))
        codings += [Coding(system="", code=parts[at]) for at in (0, 3) if at < len(parts)]
    return codings, " ".join(filter(None, texts))


def _may_treat(obr: Segment) -> bool:
    """Return whether a service is to give immunoglobulin, or says that its notes tell what is to be given."""
    if not obr.raw(4) or obr.text(24).strip().upper() in _LABORATORY:
        return False
    codings, words = _service(obr)
    return is_service(codings, words) or is_care(words) or says_elsewhere((), words)


def _without_idle_services(group: Group) -> list[Part]:
    """Return the parts without services whose drug is in a segment of its own, or in none of their notes."""
    if not any(part.drug.name == "OBR" for part in group.parts):
        return group.parts
    if any(part.drug.name != "OBR" for part in group.parts):
        return [part for part in group.parts if part.drug.name != "OBR"]
    return [part for part in group.parts if is_service(*_service(part.drug)) or _notes_name_it(part)]


def _notes_name_it(part: Part) -> bool:
    texts = [note.whole(3) for note in part.notes] + [part.drug.whole(13), part.drug.whole(39)]
    return any(is_service((), text) for text in texts)


_LABORATORY = frozenset({"LAB", "CH", "HM", "IMM", "SR", "SP", "MB", "BLB", "GE", "CG"})


def _attach(group: Group, segment: Segment, notes_belong: bool) -> None:
    owner = group.parts[-1] if group.parts else group
    if segment.name == "TQ1":
        owner.timings.append(segment)
    elif segment.name == "RXR":
        owner.routes.append(segment)
    elif segment.name == "NTE" and notes_belong:
        owner.notes.append(segment)
    elif segment.name == "RXC" and isinstance(owner, Part):
        owner.components.append(segment)
    elif segment.name == "OBX" and isinstance(owner, Part) and _names_drug(segment):
        owner.answers.append(segment)


def _names_drug(obx: Segment) -> bool:
    """Return whether an observation with an order says in words that immunoglobulin is to be given."""
    return obx.text(2).strip().upper() not in ("NM", "SN") and is_named(" ".join(obx.components(5)[:2]))


_REPLACING = frozenset({"RP", "RO", "RU"})
_REPLACED = frozenset({"RP", "RQ", "RU"})


def replaced_before(groups: Sequence[Group]) -> list[tuple[Segment, ...]]:
    """For each order the ORCs of those that the message says were replaced (RP, RQ, RU) just before it.

    Several may be replaced by one, and one by several: `RP RP RO`, `RP RO RO`.
    """
    found: list[tuple[Segment, ...]] = []
    replaced: list[Segment] = []
    before = ""
    for group in groups:
        code = _code(group.control)
        if code not in _REPLACED | {"RO"} or (code != "RO" and before == "RO"):
            replaced = []
        found.append(tuple(replaced) if code == "RO" else ())
        if group.control is not None and code in _REPLACED:
            replaced.append(group.control)
        before = code
    return found


def _code(control: Segment | None) -> str:
    return control.text(1).strip().upper() if control is not None else ""


def read_keys(
    control: Segment | None, prescription: str, header: Header, replaced: Sequence[Segment] = ()
) -> OrderKeys:
    """Return the keys of one order; `replaced` are the ORCs before it of the orders that it replaces.

    An order without any number goes by its prescription number, when it has one. In an answer the placer's number is
    one of the system that is answered.
    """
    namespace = header.sending_application
    is_answer = (header.type, header.event) in ANSWERS and header.receiving_application
    placing = header.receiving_application if is_answer else namespace
    if control is None:
        return OrderKeys(filler=f"{namespace}|{prescription}" if prescription else "")
    placer, filler = entity(control, 2, placing), entity(control, 3, namespace)
    if not placer and not filler and prescription:
        filler = f"{namespace}|{prescription}"
    parent = parent_of(control, placing)
    first, *others = _replaced_keys(control, replaced, parent, placing) or [""]
    return OrderKeys(placer=placer, filler=filler, parent=parent, replaces=first, replaces_too=tuple(others))


def entity(segment: Segment, field: int, namespace: str) -> str:
    """Return an EI as namespace|number: EI.2, else the universal id, else who sent the message."""
    number = segment.text(field).strip()
    if not number:
        return ""
    own = segment.text(field, 2).strip() or segment.text(field, 3).strip()
    return f"{own or namespace}|{number}"


def parent_of(control: Segment, namespace: str) -> str:
    """ORC-8: the placer's number of the parent, else the filler's; some send it as a plain EI."""
    placer, filler = control.text(8).strip(), control.text(8, 2).strip()
    own = control.text(8, 1, 2).strip()
    if placer:
        plain = filler if not own and filler and not any(character.isdigit() for character in filler) else ""
        return f"{own or plain or namespace}|{placer}"
    if filler:
        return f"{control.text(8, 2, 2).strip() or namespace}|{filler}"
    return ""


def _replaced_keys(control: Segment, replaced: Sequence[Segment], parent: str, namespace: str) -> list[str]:
    """Return the parent, unless it is also that of the orders replaced: then those; a parent of its own comes first."""
    if _code(control) not in _REPLACING:
        return []
    numbers = [entity(each, 2, namespace) or entity(each, 3, namespace) for each in replaced]
    is_of_all = bool(replaced) and all(parent_of(each, namespace) == parent for each in replaced)
    return list(dict.fromkeys(number for number in ([] if is_of_all else [parent]) + numbers if number))
