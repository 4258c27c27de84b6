"""Writes what became of each sender's messages: `python -m tests.corpus.table docs/corpus.md`."""

import asyncio
import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from clinical.events import AnyEvent
from history.messages import kind_of
from parsers.defaults import Defaults
from parsers.errors import UnreadableMessage
from parsers.reading import read
from rules.load import load_knowledge
from store import migrate
from store.engine import connect
from tests.corpus import Source, corpus, holds_msh, sources
from tests.corpus.replay import Ended, Endings, Sent, endings, process_all, send_all

KINDS = ("order", "administration", "condition", "procedure", "allergy", "observation", "patient", "merge")

HEAD = """# Messages of real senders

Every file of a corpus of public test messages that nobody of this project wrote, sent as it is (one file, one MLLP
frame) through the real listener and processed by the real workers: `tests/corpus/test_replay.py`. The corpus is not
part of the project; where it lies beside it (`../shared/corpus`, or `IVIGILANT_TEST_CORPUS`) the tests use it, and
`python -m tests.corpus.table docs/corpus.md` writes this page.

*Read*: its events are part of the history. *Ignored*: a type that is not used, an acknowledgement, or nothing that a
rule could use about somebody without a number. *Parked*: left to a human, with the reason. *Refused*: answered with AR
or CR. Nothing was left unanswered that wanted an answer, and nothing was lost.
[Others](other-senders.md) were tried once.
"""


def main(page: Path) -> None:
    """Replay every sender by itself, and write the page."""
    knowledge = load_knowledge()
    licences = _licences()
    rows: list[list[str]] = []
    parked: list[list[str]] = []
    total: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    doubts: Counter[str] = Counter()
    for source in sources():
        with tempfile.TemporaryDirectory() as folder:
            engine = connect(f"sqlite:///{folder}/corpus.db", durable=False)
            migrate.upgrade(engine)
            sent = asyncio.run(send_all(engine, source.files))
            process_all(engine, knowledge)
            kept = endings(engine)
            engine.dispose()
        messages = [ended for each in sent for raw in each.messages if (ended := kept.of(raw)) is not None]
        events = list(_events(messages))
        parked += _parked(source, sent, kept)
        rows.append([source.name.replace("+", "/"), licences.get(source.name, ""), *_counts(source, messages, events)])
        for column, value in zip(
            ("files", "messages", "read", "ignored", "parked", "refused"), rows[-1][2:8], strict=True
        ):
            total[column] += int(value)
        reasons.update((ended.state, ended.reason) for ended in messages if ended.reason)
        kinds.update(_kind(ended) for ended in messages)
        doubts.update(flag for event in events for flag in event.flags)
    page.write_text("\n".join(_lines(rows, parked, total, reasons, kinds, doubts)) + "\n")


def _licences() -> dict[str, str]:
    folder = corpus()
    if folder is None:
        return {}
    with (folder / "manifest.csv").open(newline="") as file:
        return {row["file"].split("/")[0]: row["license"] for row in csv.DictReader(file)}


def _counts(source: Source, messages: Sequence[Ended], events: Sequence[AnyEvent]) -> list[str]:
    states = Counter(ended.state for ended in messages if holds_msh(ended.raw))
    refused = sum(ended.ack_code in ("AR", "CR") for ended in messages)
    told = Counter(kind_of(event) for event in events)
    numbers = [len(source.files), len(messages), states["processed"], states["ignored"], states["parked"], refused]
    return [str(number) for number in (*numbers, *(told[kind] for kind in KINDS))]


def _events(messages: Iterable[Ended]) -> Iterator[AnyEvent]:
    for ended in messages:
        if ended.state == "processed":
            try:
                yield from read(ended.raw, Defaults()).events
            except UnreadableMessage as error:
                yield from error.reading.events


def _kind(ended: Ended) -> tuple[str, str]:
    """The type, of what was ignored its first part only."""
    return ("read", ended.type) if ended.state == "processed" else (ended.state, ended.type.split("^")[0] or "(none)")


def _parked(source: Source, sent: Sequence[Sent], kept: Endings) -> Iterator[list[str]]:
    """Each message that is left to a human, so that a human can agree."""
    for each in sent:
        for raw in each.messages:
            ended = kept.of(raw)
            if ended is not None and ended.state == "parked":
                yield [source.name.replace("+", "/"), str(each.file.relative_to(source.folder)), ended.reason]


def _lines(
    rows: Sequence[Sequence[str]],
    parked: Sequence[Sequence[str]],
    total: Counter[str],
    reasons: Counter[tuple[str, str]],
    kinds: Counter[tuple[str, str]],
    doubts: Counter[str],
) -> Iterator[str]:
    yield HEAD
    with_msh = total["read"] + total["ignored"] + total["parked"]
    share = 100 * (total["read"] + total["ignored"]) / with_msh
    yield f"{total['messages']} messages, {with_msh} with an MSH: {total['read']} read, {total['ignored']} ignored,"
    yield f"{total['parked']} parked. {share:.1f} % need no human."
    yield "\n## By sender\n"
    yield from _table(["sender", "licence", "files", "messages", "read", "ignored", "parked", "refused", *KINDS], rows)
    yield "\n## Why something was not read\n"
    yield from _table(["state", "reason", "messages"], [[*key, str(count)] for key, count in reasons.most_common()])
    yield "\n## What a human is asked to look at\n"
    yield from _table(["sender", "file", "reason"], parked)
    yield "\n## What was read, and what was ignored, by type\n"
    for state in ("read", "ignored"):
        told = ", ".join(f"{kind} {count}" for (of, kind), count in kinds.most_common() if of == state)
        yield f"- **{state}**: {told}"
    yield "\n## What was doubtful in what was read\n"
    yield from _table(["doubt", "events"], [[flag, str(count)] for flag, count in doubts.most_common()])


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
