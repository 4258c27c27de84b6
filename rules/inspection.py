"""Checks beyond the forms: impossible codes, numbers without evidence, circular states, examples that prove nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from pathlib import PurePath
from typing import Any

from rules.examples import ExampleError, read_examples
from rules.forms import Source
from rules.knowledge import Rule
from rules.patterns import compiled, plain
from rules.yaml_lines import Document, Loc

_SHAPES = {
    "ATC": r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?",
    "ICD10": r"[A-Z]\d\d(\.\w{1,4})?(-[A-Z]\d[\dA-Z])?",
    "ICD10CM": r"[A-Z]\d[\dA-Z](\.\w{1,4})?(-[A-Z]\d[\dA-Z])?",
    "LOINC": r"\d{1,7}-\d",
    "SNOMED": r"\d{6,18}",
    "RXNORM": r"\d{1,8}",
    "ICPC": r"[A-Z]\d\d(\.\d\d)?",
}

_ESCAPED_OR_CHOICE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
_DEPTH = {"(": 1, ")": -1}


def inspect_codes(documents: Iterable[Document]) -> None:
    """Refuse a pattern that does not compile and a code that its system cannot have."""
    for document in documents:
        for part in ("codes", "excludes"):
            for index, line in enumerate((document.value or {}).get(part) or ()):
                _inspect_code(document, line, (part, index, "code"))


def _inspect_code(document: Document, line: Any, where: Loc) -> None:
    if not isinstance(line, dict):
        return
    system, code, match = line.get("system"), str(line.get("code")), line.get("match")
    if (system == "TEXT") != (match == "regex"):
        document.fault(where, f"{system} cannot match by {match}", "TEXT and regex belong together")
    if match == "regex":
        _inspect_pattern(document, code, where)
    elif system in _SHAPES and not re.fullmatch(_SHAPES[system], code):
        document.fault(where, f"{code!r} is not a code of {system}", "look it up in the source")


def inspect_cues(documents: Iterable[Document]) -> None:
    """Refuse a cue with a bracket left open: joined with the next it might compile, and mean something else.

    What else may be wrong with one shows when all are compiled together, which is ten times as fast as one by one.
    """
    for document, pattern, where in _cues(documents):
        if not _is_closed(pattern):
            _inspect_pattern(document, pattern, where)


def inspect_each_cue(documents: Iterable[Document]) -> None:
    """Refuse a cue that does not compile."""
    for document, pattern, where in _cues(documents):
        _inspect_pattern(document, pattern, where)


def _cues(documents: Iterable[Document]) -> Iterator[tuple[Document, str, Loc]]:
    for document in documents:
        for kind, patterns in (document.value or {}).items():
            for index, pattern in enumerate(patterns):
                yield document, str(pattern), (kind, index)


def _is_closed(pattern: str) -> bool:
    """Return whether every bracket of a pattern is closed in it, and its last character escapes nothing."""
    bare = _ESCAPED_OR_CHOICE.sub("", pattern)
    depths = list(accumulate(_DEPTH.get(sign, 0) for sign in bare))
    return "[" not in bare and "\\" not in bare and (not depths or (depths[-1] == 0 and min(depths) >= 0))


def _inspect_pattern(document: Document, pattern: str, where: Loc) -> None:
    try:
        compiled(plain(pattern))
    except re.error as error:
        document.fault(where, f"not a pattern: {error}")


def inspect_numbers(documents: Iterable[Document], sources: dict[str, Source]) -> None:
    """Refuse a number in a definitions file that no line of its evidence names."""
    for document in documents:
        evidence = document.value.get("evidence") or []
        supported = {number for line in evidence for number in line.get("numbers", ())}
        for index, line in enumerate(evidence):
            if line["source"] not in sources:
                document.fault(
                    ("evidence", index, "source"), f"no such source: {line['source']}", "add it to sources.yaml"
                )
        for where, number in numbers_in(
            {key: value for key, value in document.value.items() if key not in ("evidence", "units")}
        ):
            if number not in supported:
                document.fault(where, f"the number {number} has no evidence", f"add a line with numbers: [{number}]")


def numbers_in(value: Any, where: Loc = ()) -> Iterator[tuple[Loc, Decimal]]:
    """Yield every number below a value, with its path."""
    if isinstance(value, Decimal):
        yield where, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from numbers_in(each, (*where, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from numbers_in(each, (*where, index))


def inspect_states(document: Document) -> None:
    """Refuse states that are defined by each other."""
    names = {name: set(_named(value)) for name, value in (document.value or {}).items()}
    for name, first in names.items():
        seen: set[str] = set()
        ahead = set(first)
        while ahead:
            one = ahead.pop()
            if one == name:
                document.fault((name,), f"{name} is defined by itself", "leave one of the two out")
                break
            if one not in seen:
                seen.add(one)
                ahead |= names.get(one, set())


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("is", "is_not"):
                yield str(each)
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def inspect_rules(documents: Sequence[Document], rules: Sequence[Rule]) -> None:
    """Refuse two rules of one id, a file under another name, and examples that do not show both answers."""
    counted = Counter(rule.id for rule in rules)
    by_id = {str((document.value or {}).get("id")): document for document in documents}
    for rule in rules:
        document = by_id[rule.id]
        if counted[rule.id] > 1:
            document.fault(("id",), f"two rules are called {rule.id}")
        if PurePath(document.file).stem != rule.id.lower():
            document.fault(("id",), f"{rule.id} stands in {document.file}", f"call the file {rule.id.lower()}.yaml")
        _inspect_history(document, rule)
        _inspect_examples(document, rule)


def _inspect_history(document: Document, rule: Rule) -> None:
    """Check that the newest entry is of the rule's version, and that versions and dates descend."""
    upkeep = rule.form.upkeep
    newest = upkeep.history[0]
    if newest.version != upkeep.version:
        what = f"the newest change is of version {newest.version}, the rule has {upkeep.version}"
        document.fault(("upkeep", "history", 0, "version"), what, "write what is different, at the top")
    for index, (newer, older) in enumerate(pairwise(upkeep.history), start=1):
        if older.version >= newer.version or older.on > newer.on:
            document.fault(("upkeep", "history", index), "this is not older than the change above it", "newest first")


def _inspect_examples(document: Document, rule: Rule) -> None:
    try:
        examples = read_examples(rule.form.examples)
    except ExampleError as error:
        document.fault(("examples",), str(error))
        return
    for name, times in Counter(example.name for example in examples).items():
        if times > 1:
            document.fault(("examples",), f"two cases are called {name!r}", "say what differs")
    for silent, what in ((True, "no case in which the rule is silent"), (False, "no case in which the rule fires")):
        if not any((example.tier == "none") is silent for example in examples):
            document.fault(("examples",), what, "add one")
