"""A decision on a code, carried out: recorded with who made it, and its messages on their way to the workers."""

from inbox.codes.code_acts import CodeAct, dismiss_code, map_code
from inbox.http.parts import Parts
from inbox.people.access import record
from inbox.people.viewer import Viewer
from store.message_queries import Waiting

_AT_ONCE = 100  # messages that are queued here; of more, the sweep queues the rest within seconds


def decide_to_map(parts: Parts, viewer: Viewer, code_id: int, value_set: str, seen: int | None) -> int:
    """Map the code, and give how many messages are processed again."""
    act = CodeAct(code_id, viewer.name, parts.clock(), seen)
    with parts.engine.begin() as connection:
        waiting = map_code(connection, act, parts.knowledge, value_set)
        record(connection, viewer, "map_code", act.now, what=f"code {code_id} {value_set}")
    return _process_again(parts, waiting)


def decide_to_dismiss(parts: Parts, viewer: Viewer, code_id: int, reason: str, seen: int | None) -> int:
    """Dismiss the code, and give how many messages are processed again because it was mapped."""
    act = CodeAct(code_id, viewer.name, parts.clock(), seen)
    with parts.engine.begin() as connection:
        waiting = dismiss_code(connection, act, reason)
        record(connection, viewer, "dismiss_code", act.now, what=f"code {code_id}")
    return _process_again(parts, waiting)


def _process_again(parts: Parts, waiting: list[Waiting]) -> int:
    if waiting:
        parts.requeue([each.id for each in waiting[:_AT_ONCE]])  # should the queue lose them, the sweep finds them
    return len(waiting)
