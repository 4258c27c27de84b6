"""The numbers an order goes by, each with the application that gave it: `EPD|900001`."""

from clinical.events import Header, OrderKeys
from parsers.hl7.segments import Segment

_REPLACING = frozenset({"RP", "RO", "RU"})
_REPLACED = frozenset({"RP", "RQ", "RU"})


def read_keys(control: Segment | None, before: Segment | None, prescription: str, header: Header) -> OrderKeys:
    """The keys of one order; `before` is the ORC that stands before its own, which a replacement may replace.

    An order without any number goes by its prescription number, when it has one.
    """
    namespace = header.sending_application
    if control is None:
        return OrderKeys(filler=f"{namespace}|{prescription}" if prescription else "")
    placer, filler = entity(control, 2, namespace), entity(control, 3, namespace)
    if not placer and not filler and prescription:
        filler = f"{namespace}|{prescription}"
    parent = parent_of(control, namespace)
    return OrderKeys(
        placer=placer, filler=filler, parent=parent, replaces=_replaces(control, before, parent, namespace)
    )


def entity(segment: Segment, field: int, namespace: str) -> str:
    """An EI as namespace|number: EI.2, else the universal id, else who sent the message."""
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


def _replaces(control: Segment, before: Segment | None, parent: str, namespace: str) -> str:
    code = control.text(1).strip().upper()
    if code not in _REPLACING:
        return ""
    if parent:
        return parent
    if code != "RO" or before is None or before.text(1).strip().upper() not in _REPLACED:
        return ""
    return entity(before, 2, namespace) or entity(before, 3, namespace)
