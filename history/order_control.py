"""What an order control code (ORC-1, table 0119) does to an order; INTERFACE 3.5 as a table."""

from typing import Final

from clinical.events import MedicationOrdered

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
_STATUS_DECIDES: Final = frozenset({"SC", "CA", "DC", "RP"})

CONFIRMATION_NEEDED: Final = "stop_needs_confirmation"  # flag on events of a feed whose pharmacy confirms stops


def next_state(state: str, event: MedicationOrdered) -> str:
    """The state after this event; `state` is "" before the first."""
    by_status = _STATE_OF_STATUS.get(event.status)
    if event.control in _STATUS_DECIDES and by_status in STOPPED | {ON_HOLD}:
        return by_status or state
    if event.control in _REQUESTS:
        decided, pending = _REQUESTS[event.control]
        return pending if CONFIRMATION_NEEDED in event.flags else decided
    if event.control == "SC":
        return by_status or state or ACTIVE
    return _STATE_OF_CONTROL.get(event.control, state or ACTIVE)
