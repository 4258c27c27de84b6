"""Current orders, folded from every event about them.

The fold applies the events in the order of their versions, so it gives the same orders whatever order the
messages arrived in. An order is matched on its placer or its filler number; events that share either are one order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from clinical.events import MedicationGiven, MedicationOrdered
from clinical.quantities import Quantity
from history.entries import Entry

ACTIVE: Final = "active"
ON_HOLD: Final = "on_hold"
STOP_PENDING: Final = "stop_pending"
CANCELLED: Final = "cancelled"
DISCONTINUED: Final = "discontinued"
COMPLETED: Final = "completed"
REPLACED: Final = "replaced"
REPLACE_PENDING: Final = "replace_pending"
REFUSED: Final = "refused"
CONTAINER: Final = "container"  # a parent order: its children are the orders that count

# Nothing more will be given under an order in one of these.
STOPPED: Final = frozenset({CANCELLED, DISCONTINUED, COMPLETED, REPLACED, REFUSED, CONTAINER})

_STATE_OF_CONTROL: Final[dict[str, str]] = {
    **dict.fromkeys(("NW", "RO", "XO", "XR", "XX", "UC", "UD", "UH", "RL", "OR", "OE", "UX", "UM"), ACTIVE),
    **dict.fromkeys(("OK", "OF", "FU", "AF", "RF", "OP", "PY", "CH"), ACTIVE),
    **dict.fromkeys(("CR", "OC"), CANCELLED),
    **dict.fromkeys(("DR", "OD"), DISCONTINUED),
    **dict.fromkeys(("RQ", "RU"), REPLACED),
    **dict.fromkeys(("HD", "HR", "OH", "UR"), ON_HOLD),
    **dict.fromkeys(("UA", "DE", "DF"), REFUSED),
    "PA": CONTAINER,
}
_REQUESTS: Final[dict[str, tuple[str, str]]] = {  # code → (when the placer decides, when the pharmacy confirms first)
    "CA": (CANCELLED, STOP_PENDING),
    "DC": (DISCONTINUED, STOP_PENDING),
    "RP": (REPLACED, REPLACE_PENDING),
}
_STATE_OF_STATUS: Final[dict[str, str]] = {  # ORC-5, table 0038
    "CA": CANCELLED,
    "DC": DISCONTINUED,
    "CM": COMPLETED,
    "HD": ON_HOLD,
    "RP": REPLACED,
    "ER": REFUSED,
    "A": ACTIVE,
    "IP": ACTIVE,
}
REPLACES: Final = ("RP", "RU")  # with new content under the same number: some senders' way to send a change
_STATUS_DECIDES: Final = frozenset({"SC", "CA", "DC", "RP"})

CONFIRMATION_NEEDED: Final = "stop_needs_confirmation"  # flag on events of a feed whose pharmacy confirms stops


def next_state(state: str, event: MedicationOrdered) -> str:
    """Return the state after this event; `state` is "" before the first."""
    by_status = _STATE_OF_STATUS.get(event.status)
    if event.control in _STATUS_DECIDES and by_status in STOPPED | {ON_HOLD}:
        return by_status or state
    if event.control in _REQUESTS:
        decided, pending = _REQUESTS[event.control]
        return pending if CONFIRMATION_NEEDED in event.flags else decided
    if event.control == "SC":
        return by_status or state or ACTIVE
    if event.control == "OK":  # it accepts what was asked, which may be to stop: nothing starts again
        return ACTIVE if state in ("", REFUSED) else state
    return _STATE_OF_CONTROL.get(event.control, state or ACTIVE)


BADGES = frozenset({"test", "replay"})  # flags that say how a message is to be treated, not what it says
_TELLS_CONTENT = ("encoded", "request")  # a give or a dispense supplies it only when nothing better did


@dataclass(frozen=True, slots=True)
class OrderState:
    """The current order: its numbers, its state, and what is to be given."""

    key: str
    numbers: frozenset[str]  # every key it may have had
    placer: str
    filler: str
    patient_id: int
    state: str
    version: str
    stopped_at: datetime | None
    content: MedicationOrdered | None
    source: Entry | None  # where the content was read
    given: tuple[Entry, ...]  # administrations, oldest first
    badges: frozenset[str] = frozenset()  # test, replay: of its latest message
    lots: tuple[str, ...] = ()  # batch numbers sent with a give or a dispense
    held_at: datetime | None = None  # since when it is on hold

    @property
    def is_stopped(self) -> bool:
        """Nothing more will be given under it."""
        return self.state in STOPPED

    @property
    def is_administration_only(self) -> bool:
        """Known only because it was given."""
        return self.source is not None and isinstance(self.source.event, MedicationGiven)


def fold_orders(entries: Sequence[Entry]) -> list[OrderState]:
    """Return every order the entries speak of, by key; entries come oldest version first."""
    groups = _group([entry for entry in entries if isinstance(entry.event, MedicationOrdered | MedicationGiven)])
    replaced = _replacements(entries)
    return sorted((_fold(group, replaced) for group in groups), key=lambda order: order.key)


def _numbers(entry: Entry) -> list[str]:
    event = entry.event
    assert isinstance(event, MedicationOrdered | MedicationGiven)
    numbers = [f"placer:{event.keys.placer}"] if event.keys.placer else []
    if event.keys.filler:
        numbers.append(f"filler:{event.keys.filler}")
    if not numbers:
        numbers.append(f"given:{event.key}" if isinstance(event, MedicationGiven) else f"unnumbered:{entry.version}")
    return numbers


def _group(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries that share a number, directly or through others, in groups."""
    group_of: dict[str, list[Entry]] = {}
    for entry in entries:
        numbers = _numbers(entry)
        joined: list[Entry] = []
        for group in {id(group_of[number]): group_of[number] for number in numbers if number in group_of}.values():
            joined.extend(group)
        joined.append(entry)
        for number in {number for member in joined for number in _numbers(member)}:
            group_of[number] = joined
    groups = {id(group): group for group in group_of.values()}.values()
    return [sorted(group, key=lambda entry: (entry.version, entry.event.path)) for group in groups]


def _replacements(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the order numbers that a later order says it replaces, none of them its own."""
    return {
        number: entry
        for entry in entries
        if isinstance(entry.event, MedicationOrdered) and _replaces(entry.event)
        for number in (entry.event.keys.replaces, *entry.event.keys.replaces_too)
        if number and number not in (entry.event.keys.placer, entry.event.keys.filler)
    }


def _replaces(event: MedicationOrdered) -> bool:
    """Return whether it is the new order, replacing the old one; a FHIR request in error or cancelled replaces nothing.

    Some senders give the new order the code RP, with the number of the old one as its parent.
    """
    is_new = event.control == "RO" or (event.control in REPLACES and _has_product(event))
    return is_new or (event.control == "SC" and event.source == "request" and event.status != "CA")


def _unless_replaced(state: str, group: Sequence[Entry]) -> str:
    """Return a state that is `replaced` only if another order replaces this one.

    With new content under the same number (RP, RU) it continues, changed. With no content, a replacement
    was requested, and the order stands until it comes.
    """
    if state != REPLACED:
        return state
    ended = [entry.event for entry in group if isinstance(entry.event, MedicationOrdered)]
    by = next(event for event in reversed(ended) if next_state("", event) == REPLACED)
    return ACTIVE if _has_product(by) else REPLACE_PENDING


def _fold(group: list[Entry], replaced: dict[str, Entry]) -> OrderState:
    placers = sorted({entry.event.keys.placer for entry in group if entry.event.keys.placer})  # type: ignore[union-attr]  # _group keeps only orders and administrations
    fillers = sorted({entry.event.keys.filler for entry in group if entry.event.keys.filler})  # type: ignore[union-attr]  # as above
    state, stopped_at, held_at, version = "", None, None, group[0].version
    for entry in group:
        version = max(version, entry.version)
        if not isinstance(entry.event, MedicationOrdered):
            continue
        state = next_state(state, entry.event)
        stopped_at = entry.happened_at if state in STOPPED else None
        held_at = (held_at or entry.happened_at) if state == ON_HOLD else None
    if state == REPLACED and not any(number in replaced for number in (*placers, *fillers)):
        state, stopped_at = _unless_replaced(state, group), None
    for number in (*placers, *fillers):
        successor = replaced.get(number)
        if successor is not None and (state or ACTIVE) not in STOPPED:
            state, stopped_at, version = REPLACED, successor.happened_at, max(version, successor.version)
    source = _content_entry(group)
    numbers = (*placers, *fillers) or (_numbers(group[0])[0],)
    return OrderState(
        key=numbers[0],
        numbers=frozenset(numbers),
        placer=placers[0] if placers else "",
        filler=fillers[0] if fillers else "",
        patient_id=(source or group[0]).patient_id,
        state=state or ACTIVE,
        version=version,
        stopped_at=stopped_at,
        content=_content(group, source),
        source=source,
        given=tuple(entry for entry in group if isinstance(entry.event, MedicationGiven)),
        badges=BADGES & frozenset(group[-1].event.flags),
        lots=tuple(sorted({lot for entry in group for lot in entry.event.lots})),  # type: ignore[union-attr]  # as above
        held_at=held_at if state == ON_HOLD else None,
    )


def _has_product(event: MedicationOrdered) -> bool:
    return bool(event.codings or event.text)


def _ordered(group: list[Entry]) -> list[tuple[Entry, MedicationOrdered]]:
    """Return the events that say what to give or how much of it, without changes that were refused (UX, UM)."""
    contents: list[tuple[Entry, MedicationOrdered]] = []
    for entry in group:
        if not isinstance(entry.event, MedicationOrdered):
            continue
        if entry.event.control in ("UX", "UM"):
            if len(contents) > 1 and contents[-1][1].control in ("XO", *REPLACES):
                contents.pop()
        elif _has_product(entry.event) or _changes_amount(entry.event):
            contents.append((entry, entry.event))
    return contents


def _changes_amount(event: MedicationOrdered) -> bool:
    """Return whether it says how much or how often, of a drug that an earlier message names."""
    if event.source not in (*_TELLS_CONTENT, "control"):
        return False
    amounts = (event.amount, event.dose, event.course_grams, event.rate)
    return any(each is not None for each in amounts) or bool(event.timings)


def _content_entry(group: list[Entry]) -> Entry | None:
    """Return the latest entry that says what to give, else a give or dispense, else an administration."""
    contents = [(entry, event) for entry, event in _ordered(group) if _has_product(event)]
    for wanted in (_TELLS_CONTENT, ("give", "dispense")):
        matching = [entry for entry, event in contents if event.source in wanted]
        if matching:
            return matching[-1]
    given = [entry for entry in group if isinstance(entry.event, MedicationGiven)]
    return given[-1] if given else None


def _content(group: list[Entry], source: Entry | None) -> MedicationOrdered | None:
    """Return what is to be given, with what the latest message left out filled in from the earlier ones."""
    if source is None:
        return None
    if isinstance(source.event, MedicationGiven):
        return _from_administration(source.event)
    assert isinstance(source.event, MedicationOrdered)
    content = source.event
    ordered = _ordered(group)
    for _, earlier in reversed([each for each in ordered if _has_product(each[1])]):
        content = msgspec.structs.replace(
            content,
            routes=content.routes or earlier.routes,
            timings=content.timings or earlier.timings,
            indications=content.indications or earlier.indications,
            dose=content.dose or earlier.dose,
            rate=content.rate or (earlier.rate if content.dose == earlier.dose else None),
        )
    places = [entry for entry, _ in ordered]
    for _, later in ordered[places.index(source) + 1 :]:
        if not _has_product(later):
            content = _changed(content, later)
    return content


def _changed(content: MedicationOrdered, change: MedicationOrdered) -> MedicationOrdered:
    """Return the content with what a later message says of its amount and its timing, without naming the drug."""
    is_other_amount = any(each is not None for each in (change.amount, change.dose, change.course_grams))
    rates = content.rate, content.rate_mean
    if is_other_amount:
        says_rate = change.rate is not None or change.rate_mean is not None
        rates = (None, None) if says_rate else (_of_before(content.rate), _of_before(content.rate_mean))
    return msgspec.structs.replace(
        content,
        dose=(change.dose or _grams_in(change.amount, content.concentration)) if is_other_amount else content.dose,
        course_grams=change.course_grams if is_other_amount else content.course_grams,
        amount=change.amount if is_other_amount else content.amount,
        rate=change.rate or rates[0],
        rate_mean=change.rate_mean or rates[1],
        timings=change.timings or content.timings,
        starts=change.starts if change.timings else content.starts,
    )


def _of_before(rate: Quantity | None) -> Quantity | None:
    """Return the rate of an amount that was changed, which is the best that is known of the new one."""
    return None if rate is None else rate.stated(rate.unit, rate.basis, "rate_before_change")


def _grams_in(amount: Quantity | None, concentration: Quantity | None) -> Quantity | None:
    """Return the grams of a volume of a product whose strength an earlier message gave."""
    if amount is None or concentration is None or amount.unit != "mL" or concentration.unit != "mg/mL":
        return None
    return (amount * concentration / 1000).stated("g", amount.basis)


def _from_administration(given: MedicationGiven) -> MedicationOrdered:
    """Return an order that is known only because it was given."""
    return MedicationOrdered(
        patient=given.patient,
        path=given.path,
        at=given.at,
        keys=given.keys,
        control="RE",
        source="give",
        codings=given.codings,
        text=given.text,
        routes=given.routes,
        amount=given.amount,
        dose=given.grams,
        rate=given.rate,
        starts=given.started,
        flags=(*given.flags, "order_unknown"),
    )
