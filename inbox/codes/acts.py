"""What people make of a code that no value set holds. Every message it was seen in is then processed again."""

from dataclasses import dataclass
from typing import ClassVar

import sqlalchemy as sa

from inbox.acting import Acting, Concerned, Done
from inbox.errors import ActRefused, CodeChanged, CodeMissing
from inbox.people.permissions import Permission
from rules.knowledge import Knowledge
from store import local_codes
from store.local_codes import CodeDecision, SeenCode

LONGEST_REASON = 400
_ROUTES = "route-"  # value sets that are about neither a product nor a diagnosis


@dataclass(frozen=True, slots=True)
class MapCode:
    """Count the code as one of this value set; `seen`: how many decisions on it the reader knew of."""

    action: ClassVar[str] = "map_code"
    permission: ClassVar[Permission] = Permission.CODES_DECIDE

    code_id: int
    value_set: str
    seen: int | None = None

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return the code; it is about nobody."""
        return Concerned(f"code {self.code_id}")

    def perform(self, acting: Acting) -> Done[int]:
        """Map it, and give how many messages are processed again because of it."""
        if self.value_set not in value_sets(acting.knowledge()):
            raise ActRefused("value_set", "unknown" if self.value_set else "required")
        code = _held(acting, self.code_id, self.seen)
        what = f"code {self.code_id} {self.value_set}"
        if code.state == "mapped" and code.value_set == self.value_set:
            return Done(0, what)
        return _decide(acting, code, CodeDecision("mapped", acting.actor, acting.now, value_set=self.value_set), what)


@dataclass(frozen=True, slots=True)
class DismissCode:
    """Record that the code is not relevant."""

    action: ClassVar[str] = "dismiss_code"
    permission: ClassVar[Permission] = Permission.CODES_DECIDE

    code_id: int
    reason: str
    seen: int | None = None

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return the code; it is about nobody."""
        return Concerned(f"code {self.code_id}")

    def perform(self, acting: Acting) -> Done[int]:
        """Dismiss it, and give how many messages are processed again because it was mapped before."""
        if not self.reason.strip():
            raise ActRefused("reason", "missing")
        if len(self.reason) > LONGEST_REASON:
            raise ActRefused("reason", "too_long")
        code = _held(acting, self.code_id, self.seen)
        decision = CodeDecision("dismissed", acting.actor, acting.now, reason=self.reason.strip())
        if code.state == "mapped":
            return _decide(acting, code, decision, f"code {self.code_id}")
        local_codes.decide(acting.connection, code.id, decision)
        return Done(0, f"code {self.code_id}")


def value_sets(knowledge: Knowledge) -> list[str]:
    """Return the value sets that a product or a diagnosis may belong to."""
    return sorted(name for name in knowledge.terms.codes.names if not name.startswith(_ROUTES))


def _held(acting: Acting, code_id: int, seen: int | None) -> SeenCode:
    """Return the code as it is while nobody notes or changes one."""
    local_codes.begin_change(acting.connection)
    code = local_codes.one(acting.connection, code_id)
    if code is None:
        raise CodeMissing("there is no such code")
    if seen is not None and seen != code.decisions:
        raise CodeChanged(code.state, code.decided_by or "", code.decided_at)
    return code


def _decide(acting: Acting, code: SeenCode, decision: CodeDecision, what: str) -> Done[int]:
    local_codes.decide(acting.connection, code.id, decision)
    waiting = [each.id for each in local_codes.process_again(acting.connection, [code.id])]
    return Done(len(waiting), what, waiting=waiting)
