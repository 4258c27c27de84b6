"""What a pharmacist does with a message: give it another try."""

from dataclasses import dataclass
from typing import ClassVar

import sqlalchemy as sa

from inbox.acting import Acting, Concerned, Done
from inbox.errors import MessageMissing, MessagePruned, MessageWaiting
from inbox.people.access import patients_in_message
from inbox.people.permissions import Permission
from store import message_queries
from store.message_queries import KeptMessage, find_message


@dataclass(frozen=True, slots=True)
class Reprocess:
    """Let a worker try the message again, however it ended."""

    action: ClassVar[str] = "reprocess_message"
    permission: ClassVar[Permission] = Permission.MESSAGES_REPROCESS

    message_id: int

    def concerns(self, connection: sa.Connection) -> Concerned:
        """Return the message and its patients."""
        return Concerned(f"message {self.message_id}", patients_in_message(connection, self.message_id))

    def perform(self, acting: Acting) -> Done[KeptMessage]:
        """Make the message wait for a worker again; give it as it is then."""
        waiting = message_queries.reprocess(acting.connection, [self.message_id], acting.now)
        message = find_message(acting.connection, self.message_id)
        if message is None:
            raise MessageMissing("there is no such message")
        if message.pruned_at is not None:
            raise MessagePruned("the text of the message was removed")
        if not waiting:
            raise MessageWaiting("the message already waits for a worker")
        patients = patients_in_message(acting.connection, message.id)
        return Done(message, f"message {message.id}", patients, waiting=(message.id,))
