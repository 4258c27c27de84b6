"""What people make of a code that no value set holds. Every message it was seen in is then processed again."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from inbox.errors import ActRefused, CodeChanged, CodeMissing
from rules.knowledge import Knowledge
from store import local_code_lists, local_codes
from store.local_code_lists import SeenCode
from store.local_codes import CodeDecision
from store.message_queries import Waiting

LONGEST_REASON = 400
_ROUTES = "route-"  # value sets that are about neither a product nor a diagnosis


@dataclass(frozen=True, slots=True)
class CodeAct:
    """Who decides on which code, when, and how many decisions she knew of; without `seen` on the code as it is."""

    code_id: int
    actor: str
    now: datetime
    seen: int | None = None


def map_code(connection: sa.Connection, act: CodeAct, knowledge: Knowledge, value_set: str) -> list[Waiting]:
    """Count the code as one of this value set; give the messages that wait again because of it."""
    if value_set not in value_sets(knowledge):
        raise ActRefused("value_set", "unknown" if value_set else "required")
    code = _held(connection, act)
    if code.state == "mapped" and code.value_set == value_set:
        return []
    return _decide(connection, act, CodeDecision("mapped", act.actor, act.now, value_set=value_set))


def dismiss_code(connection: sa.Connection, act: CodeAct, reason: str) -> list[Waiting]:
    """Say that the code has no bearing; give the messages that wait again because it was mapped before."""
    if not reason.strip():
        raise ActRefused("reason", "missing")
    if len(reason) > LONGEST_REASON:
        raise ActRefused("reason", "too_long")
    was_mapped = _held(connection, act).state == "mapped"
    decision = CodeDecision("dismissed", act.actor, act.now, reason=reason.strip())
    if was_mapped:
        return _decide(connection, act, decision)
    local_codes.decide(connection, act.code_id, decision)
    return []


def value_sets(knowledge: Knowledge) -> list[str]:
    """Give the value sets that a product or a diagnosis may belong to."""
    return sorted(name for name in knowledge.terms.codes.names if not name.startswith(_ROUTES))


def _held(connection: sa.Connection, act: CodeAct) -> SeenCode:
    """Give the code as it is while nobody notes or changes one."""
    local_codes.begin_change(connection)
    code = local_code_lists.one(connection, act.code_id)
    if code is None:
        raise CodeMissing("there is no such code")
    if act.seen is not None and act.seen != code.decisions:
        raise CodeChanged(code.state, code.decided_by or "", code.decided_at)
    return code


def _decide(connection: sa.Connection, act: CodeAct, decision: CodeDecision) -> list[Waiting]:
    local_codes.decide(connection, act.code_id, decision)
    return local_codes.process_again(connection, [act.code_id])
