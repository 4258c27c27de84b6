"""What can go wrong between a pharmacist and an alert."""

from datetime import datetime


class InboxError(Exception):
    """The inbox cannot do what was asked; the message is safe to log."""


class AccountRefused(InboxError):
    """An account cannot be made as asked; the message says what to change."""


class TokenRefused(InboxError):
    """A signed token of another system proves nothing; the message says why, and holds nothing of the token."""


class AlertMissing(InboxError):
    """There is no such alert; answer that it was not found."""


class AlertSettled(InboxError):
    """Somebody was first; show who, and leave the alert as they left it."""

    def __init__(self, status: str, by: str, at: datetime | None) -> None:
        super().__init__(f"the alert is {status} already")
        self.status = status
        self.by = by
        self.at = at


class AlertChanged(InboxError):
    """The alert is no longer what the reader had before her; show it anew before she decides."""


class ActRefused(InboxError):
    """What was filled in is not enough; `field` and `fault` name a word of the catalogue."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}")
        self.field = field
        self.fault = fault


class MessageMissing(InboxError):
    """There is no such message; answer that it was not found."""


class MessageWaiting(InboxError):
    """The message waits for a worker already; there is nothing to do."""


class MergeMissing(InboxError):
    """Nothing was ever said of these two; answer that it was not found."""


class MergeChanged(InboxError):
    """Something else was said of these two meanwhile; show it, and leave it as it is."""


class TrialFindingMissing(InboxError):
    """A rule on trial holds for no such order, or is not on trial; show what there is now."""


class MessagePruned(InboxError):
    """The text of the message was removed; it cannot be read again."""


class CodeMissing(InboxError):
    """There is no such code; answer that it was not found."""


class CodeChanged(InboxError):
    """Somebody decided on this code meanwhile; show what, and leave it as it is."""

    def __init__(self, state: str, by: str, at: datetime | None) -> None:
        super().__init__(f"the code is {state} by now")
        self.state = state
        self.by = by
        self.at = at
