"""Local codes: codes in no value set, recorded as they come, and understood once somebody maps them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
import structlog

from clinical.codes import Coding
from clinical.events import AnyEvent, Condition, MedicationGiven, MedicationOrdered
from history.messages import LONGEST_NUMBER, ReadMessage
from rules.codes import LONGEST_WORDS, coding_of_words
from rules.knowledge import Knowledge
from store import local_codes
from store.local_codes import CodeDecision, Sighting
from worker.worker import Worker

log = structlog.get_logger()

SITE_FILE = "site file"  # the decision maker when the site file or a new release contains a code
_CODE = re.compile(r"[^\W_][\w.,:;+*/()-]{0,39}")  # text typed in place of a code contains blanks
_LONGEST_DISPLAY = 120
_IMMUNOGLOBULIN = ("ivig", "possible_ivig")
_LETTERS = re.compile(r"[^\W\d_].*[^\W\d_]")  # two at least: one letter or a number says nothing


@dataclass(frozen=True, slots=True)
class _Thing:
    """The meaning of one or more codes."""

    kind: Literal["product", "diagnosis"]
    codings: tuple[Coding, ...]
    text: str
    path: str
    routes: tuple[Coding, ...] = ()


def knowledge_now(worker: Worker, connection: sa.Connection, mappings: int | None = None) -> Knowledge:
    """Return the knowledge with what people mapped so far; made anew when either changed.

    `mappings` is the number of changes to mappings so far, where it was just read.
    """
    key = worker.knowledge.version, local_codes.version(connection) if mappings is None else mappings
    knowledge = worker.mapped.get(key)
    if knowledge is None:
        knowledge = with_mapped(worker.knowledge, connection)
        worker.mapped.clear()
        worker.mapped[key] = knowledge
    return knowledge  # not looked up again: another thread may have cleared it


def with_mapped(knowledge: Knowledge, connection: sa.Connection) -> Knowledge:
    """this knowledge with the current mappings."""
    mapped = local_codes.mapped(connection)
    members = {name: [Coding(system, code) for system, code in codes] for name, codes in mapped.items()}
    return knowledge.with_local_codes(members)


def sightings(knowledge: Knowledge, arrivals: Iterable[ReadMessage]) -> list[Sighting]:
    """Return every code that the knowledge can make nothing of: the one without mappings, for a mapping may change."""
    return [
        _sighting(knowledge, thing, coding, arrival.message_id)
        for arrival in arrivals
        for event in arrival.reading.events
        for thing in _things(event)
        if (coding := _unknown(knowledge, thing)) is not None
    ]


def _things(event: AnyEvent) -> Iterator[_Thing]:
    if isinstance(event, Condition):
        yield _Thing("diagnosis", event.codings, event.text, event.path)
    elif isinstance(event, MedicationOrdered | MedicationGiven):
        yield _Thing("product", event.codings, event.text, event.path, event.routes)
    if isinstance(event, MedicationOrdered):
        for part in event.components:
            yield _Thing("product", part.codings, part.text, part.path, event.routes)


def _unknown(knowledge: Knowledge, thing: _Thing) -> Coding | None:
    """Return the first code, if no value set has any, and all its systems are unknown or its text names immunoglobulin.

    Without any code the text itself, of a product that may be IVIg and of a diagnosis that no value set names.
    """
    ours = thing.codings
    if not any(_is_code(knowledge, coding) for coding in ours):
        return _words(knowledge, thing)
    if any(knowledge.sets_of(coding) for coding in ours):
        return None
    unspoken = [
        read for read, coding in zip(thing.codings, ours, strict=True) if not knowledge.speaks(thing.kind, coding)
    ]
    if len(unspoken) == len(ours) or _is_immunoglobulin(knowledge, thing, ours):
        candidates = (*unspoken, *thing.codings)
        return next((read for read in candidates if _is_code(knowledge, Coding(read.system, read.code))), None)
    return None


def _is_immunoglobulin(knowledge: Knowledge, thing: _Thing, ours: tuple[Coding, ...]) -> bool:
    return thing.kind == "product" and knowledge.classify(ours, thing.text).product_class in _IMMUNOGLOBULIN


def _words(knowledge: Knowledge, thing: _Thing) -> Coding | None:
    is_unresolved = _may_be_ivig if thing.kind == "product" else _is_unnamed
    words = coding_of_words(thing.text)
    if not words.code or not is_unresolved(knowledge, thing):
        return None
    return Coding(system=words.system, code=words.code, display=thing.text)


def _may_be_ivig(knowledge: Knowledge, thing: _Thing) -> bool:
    return knowledge.classify(thing.codings, thing.text, thing.routes).product_class == "possible_ivig"


def _is_unnamed(knowledge: Knowledge, thing: _Thing) -> bool:
    """Return whether words short enough to be a diagnosis name no value set: in another language, or private."""
    if len(thing.text) > LONGEST_WORDS or _LETTERS.search(thing.text) is None:
        return False
    return not knowledge.stands_for_nothing(Coding("", thing.text)) and not knowledge.terms.words.sets_named(thing.text)


def _is_code(knowledge: Knowledge, coding: Coding) -> bool:
    is_written_as_one = len(coding.system) <= LONGEST_NUMBER and _CODE.fullmatch(coding.code) is not None
    return is_written_as_one and not knowledge.stands_for_nothing(coding)


def _sighting(knowledge: Knowledge, thing: _Thing, coding: Coding, message_id: int) -> Sighting:
    named = knowledge.terms.words.sets_named(coding.display) if coding.display else frozenset()
    return Sighting(
        kind=thing.kind,
        system=coding.system,
        code=coding.code,
        display=coding.display[:_LONGEST_DISPLAY],
        likely=min(named, default=""),
        message_id=message_id,
        path=thing.path,
    )


def settle(worker: Worker) -> Sequence[int]:
    """Check the open codes again after a start: the site file or the release may have added or dropped some.

    Every message with such a code is processed again. Returns the codes that changed.
    """
    with worker.engine.begin() as connection:
        local_codes.begin_change(connection)
        changed = []
        for row in local_codes.with_states(connection, ("open", "known")):
            sets = worker.knowledge.sets_of(Coding(row.system, row.code))
            state = "known" if sets else "open"
            if state != row.state:
                decision = CodeDecision(state, SITE_FILE, worker.clock(), value_set=min(sets, default=None))
                local_codes.decide(connection, row.id, decision)
                changed.append(row.id)
        again = local_codes.process_again(connection, changed) if changed else []
    if changed:
        log.info("local_codes.settled", codes=len(changed), messages=len(again))
    return changed
