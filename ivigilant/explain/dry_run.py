"""Explain files without a database: read as by the listener and the workers, and judged with a history."""

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
from ivigilant.importing.arrivals import resource_arrival
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
from store.messages import Arrival

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

    def received(self, raw: bytes, now: datetime) -> tuple[Arrival, ...]:
        """Return what the listener, or for a FHIR line the import, would store and answer: one item a message."""
        if is_resource(raw):
            return (_resource(raw, self.imports, self.site.defaults_of(self.names[self.imports]), now),)
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


def _resource(raw: bytes, feed: int, defaults: Defaults, now: datetime) -> Arrival:
    """Return it as `ivigilant history import` stores it."""
    try:
        header = read_resource_header(raw, defaults)
    except UnreadableMessage:
        return resource_arrival(raw, None, feed, now)
    return resource_arrival(raw, header, feed, now)


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
        for arrival in dry_run.received(raw, now):
            seen = explain_any(_known(dry_run, name, arrival), dry_run.knowledge, opinion)
            explained.append(seen.explained)
            if seen.reading is not None and seen.explained.state == "processed":
                messages += _taken_up(dry_run, arrival, seen.reading, len(before) + len(explained))
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


def _known(dry_run: DryRun, name: str, arrival: Arrival) -> ReceivedText:
    feed = dry_run.names[arrival.feed_id]
    return ReceivedText(
        name=name,
        raw=arrival.raw,
        feed=feed,
        defaults=dry_run.site.defaults_of(feed),
        answer=arrival.ack_code,
        state=arrival.state,
        reason=arrival.reason or "",
        detail=arrival.detail or "",
        flags=arrival.flags,
        body_hash=arrival.body_hash,
    )


def _history(dry_run: DryRun, paths: Iterable[Path], now: datetime) -> Iterator[ReadMessage]:
    """Return what the history files add; what cannot be read adds nothing."""
    number = 0
    for _, raw in _named(paths):
        for arrival in dry_run.received(raw, now):
            number += 1
            if arrival.state != "received":
                continue
            try:
                reading: Reading | UnreadableMessage = read(
                    arrival.raw, dry_run.site.defaults_of(_feed(dry_run, arrival))
                )
            except TooManySegments:
                continue
            except UnreadableMessage as error:
                reading = error
            yield from _taken_up(dry_run, arrival, reading, number)


def _feed(dry_run: DryRun, arrival: Arrival) -> str:
    return dry_run.names[arrival.feed_id]


def _taken_up(
    dry_run: DryRun, arrival: Arrival, reading: Reading | UnreadableMessage, number: int
) -> Iterator[ReadMessage]:
    """Return it as the worker records it, as of when it was sent: a dry run is never a replay of old messages."""
    envelope = Envelope(
        message_id=number,
        control_id=arrival.control_id,
        body_hash=arrival.body_hash,
        message_time=arrival.message_time,
        received_at=arrival.message_time or arrival.received_at,
        feed=_feed(dry_run, arrival),
        test=arrival.test,
    )
    found = take_up(envelope, reading, dry_run.knowledge, dry_run.site)
    if isinstance(found, ReadMessage):
        yield found
