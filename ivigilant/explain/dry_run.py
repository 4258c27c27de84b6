"""Explain files without a database: read as by the listener and the workers, and judged with a history."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clinical.events import Reading
from history.choices import Site
from history.messages import Envelope, ReadMessage, identities_in, take_up
from history.order_answers import OrderAnswer
from history.person import judge_messages
from ivigilant.explain.conformance import SecondOpinion
from ivigilant.explain.explained import Explained, MessageExplained, OrderExplained, explain_answer
from ivigilant.explain.messages import ReceivedText, explain_any
from ivigilant.importing.files import LINES, WHOLE, files_in, found_in, kind_of_file
from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.packed import is_archive
from ivigilant.recognition import Recognition
from ivigilant.replaying import named_messages
from ivigilant.settings import Settings
from ivigilant.site import load_site
from ivigilant.site_choices import worker_site
from listener.acknowledge import ControlIds
from listener.feeds import LinkFeeds, Origin
from listener.framing import Frame
from listener.receive import Reception
from parsers.defaults import Defaults
from parsers.errors import TooManySegments, UnreadableMessage
from parsers.fhir.reading import is_resource, read_resource_header
from parsers.reading import read
from rules.knowledge import Knowledge
from store.messages import Arrival as Kept

_FHIR = {*LINES, *WHOLE}
_IMPORT = Defaults().source  # the name of a first load's feed when none is given


@dataclass(frozen=True, slots=True)
class DryRun:
    """Everything that reading and judging need; nothing is stored."""

    site: Site
    knowledge: Knowledge
    recognition: Recognition
    names: list[str]  # of feeds, by their number
    imports: int = 0  # the number of the feed that FHIR lines come by

    def received(self, raw: bytes, now: datetime) -> tuple[Kept, ...]:
        """Return what the listener, or for a FHIR line the import, would store and answer: one item a message."""
        if is_resource(raw):
            return (_line(raw, self.imports, self.site.defaults_of(self.names[self.imports]), now),)
        feeds = LinkFeeds(self.recognition, Origin(port=0, address="127.0.0.1"))
        reception = Reception(lambda _raw, _header: False, ControlIds(now, "EXPLAIN"))
        return reception.receive(Frame(raw), feeds, now).arrivals


def prepare(settings: Settings) -> DryRun:
    """Read the site file and the knowledge."""
    file = load_site(settings.site_file)
    names: list[str] = []

    def number_of(name: str) -> int:
        names.append(name)
        return len(names) - 1

    recognition, imports = Recognition(file, number_of), number_of(_IMPORT)
    return DryRun(worker_site(file, settings), site_knowledge(settings, file), recognition, names, imports)


def _line(raw: bytes, feed: int, defaults: Defaults, now: datetime) -> Kept:
    """Return it as `ivigilant history import` stores it; a file gets no answer."""
    body_hash = hashlib.sha256(raw).digest()
    try:
        header = read_resource_header(raw, defaults)
    except UnreadableMessage:
        return Kept(feed_id=feed, body_hash=body_hash, raw=raw, received_at=now, ack_code="")
    return Kept(
        feed_id=feed,
        body_hash=body_hash,
        raw=raw,
        received_at=now,
        ack_code="",
        control_id=header.control_id,
        type=header.type,
        event=header.event,
        hl7_version=header.version,
        message_time=header.sent_at.at if header.sent_at is not None else None,
    )


def _named(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Return every message, and every line of FHIR files, with its place."""
    for path in paths:
        if path.is_dir() and not any(kind_of_file(each) in _FHIR for each in path.rglob("*")):
            yield from named_messages([path])
        elif path.is_dir() or is_archive(path) or kind_of_file(path) in _FHIR:
            for found in (each for file in files_in([path]) for each in found_in(file, lambda _: None)):
                yield f"{found.file} {'line' if found.is_resource else 'message'} {found.line}", found.raw
        else:
            yield from named_messages([path])


def explain_files(
    dry_run: DryRun, paths: Sequence[Path], history: Sequence[Path], now: datetime, opinion: SecondOpinion | None
) -> Explained:
    """Explain the messages of these files, and what would be concluded about their patients."""
    before = list(_history(dry_run, history, now))
    explained: list[MessageExplained] = []
    messages: list[ReadMessage] = []
    for name, raw in _named(paths):
        for kept in dry_run.received(raw, now):
            seen = explain_any(_known(dry_run, name, kept), dry_run.knowledge, opinion)
            explained.append(seen.explained)
            if seen.reading is not None and seen.explained.state == "processed":
                messages += _taken_up(dry_run, kept, seen.reading, len(before) + len(explained))
    named = identities_in(messages)
    orders = [
        _order(answer, dry_run.knowledge)
        for each in judge_messages([*before, *messages], dry_run.knowledge, dry_run.site)
        if named.intersection(each.person.identities)
        for answer in each.answers
    ]
    return Explained(tuple(explained), len(before), tuple(orders))


def _order(answer: OrderAnswer, knowledge: Knowledge) -> OrderExplained:
    assessment = answer.assessment
    return explain_answer(
        answer.conclusion.content,
        knowledge,
        tier=assessment.tier.word,
        priority=assessment.priority.word,
        version=assessment.knowledge,
        as_of=answer.case.at,
        stream=answer.stream,
    )


def _known(dry_run: DryRun, name: str, kept: Kept) -> ReceivedText:
    feed = dry_run.names[kept.feed_id]
    return ReceivedText(
        name=name,
        raw=kept.raw,
        feed=feed,
        defaults=dry_run.site.defaults_of(feed),
        answer=kept.ack_code,
        state=kept.state,
        reason=kept.reason or "",
        detail=kept.detail or "",
        flags=kept.flags,
        body_hash=kept.body_hash,
    )


def _history(dry_run: DryRun, paths: Iterable[Path], now: datetime) -> Iterator[ReadMessage]:
    """Return what the history files add; what cannot be read adds nothing."""
    number = 0
    for _, raw in _named(paths):
        for kept in dry_run.received(raw, now):
            number += 1
            if kept.state != "received":
                continue
            try:
                reading: Reading | UnreadableMessage = read(kept.raw, dry_run.site.defaults_of(_feed(dry_run, kept)))
            except TooManySegments:
                continue
            except UnreadableMessage as error:
                reading = error
            yield from _taken_up(dry_run, kept, reading, number)


def _feed(dry_run: DryRun, kept: Kept) -> str:
    return dry_run.names[kept.feed_id]


def _taken_up(dry_run: DryRun, kept: Kept, reading: Reading | UnreadableMessage, number: int) -> Iterator[ReadMessage]:
    """Return it as the worker records it, as of when it was sent: a dry run is never a replay of old messages."""
    envelope = Envelope(
        message_id=number,
        control_id=kept.control_id,
        body_hash=kept.body_hash,
        message_time=kept.message_time,
        received_at=kept.message_time or kept.received_at,
        feed=_feed(dry_run, kept),
        test=kept.test,
    )
    found = take_up(envelope, reading, dry_run.knowledge, dry_run.site)
    if isinstance(found, ReadMessage):
        yield found
