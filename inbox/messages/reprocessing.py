"""A message that gets another try."""

from inbox.errors import MessageMissing, MessagePruned, MessageWaiting
from inbox.http.parts import Parts
from inbox.people.access import patients_in_message, record
from inbox.people.viewer import Viewer
from store import message_queries
from store.inbox_queries import KeptMessage, find_message


def reprocess(parts: Parts, viewer: Viewer, message_id: int) -> KeptMessage:
    """Make the message wait for a worker again, commit, then queue it; give the message as it is now."""
    with parts.engine.begin() as connection:
        waiting = message_queries.reprocess(connection, [message_id], parts.clock())
        row = find_message(connection, message_id)
        if row is None:
            raise MessageMissing("there is no such message")
        if row.pruned_at is not None:
            raise MessagePruned("the text of the message was removed")
        if not waiting:
            raise MessageWaiting("the message already waits for a worker")
        patients = patients_in_message(connection, message_id)
        what = f"message {message_id}"
        record(connection, viewer, "reprocess_message", parts.clock(), patients=patients, what=what)
    parts.requeue([message_id])  # should the queue lose it, the sweep finds it
    return row
