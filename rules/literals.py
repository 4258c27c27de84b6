"""Letters without which a pattern cannot match, so that most patterns need not be tried on a sentence at all."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

_SHORTEST = 3  # letters: what is shorter stands in nearly every sentence
_MOST = 60  # pieces: to look for more takes longer than to try the pattern
Pieces = frozenset[str]
_NONE: Pieces = frozenset()


def letters_of(text: str) -> str:
    """Write a text as the pieces are looked for in it: a pattern without regard to case takes a dotless i for an i."""
    return text.lower().replace("\u0131", "i")


@lru_cache(maxsize=8192)
def pieces_of(pattern: str) -> Pieces:
    """Return pieces of which any text that a pattern matches has at least one; none if that cannot be told."""
    try:
        parsed = _parser().parse(pattern, re.IGNORECASE)
    except (AttributeError, ImportError):  # a later Python without it: every pattern is tried
        return _NONE
    found = _best(_pieces(parsed))
    return found if len(found) <= _MOST else _NONE


def _parser() -> Any:
    """Return the parser of `re`; it has no documented name, and what it returns is only read."""
    from re import _parser  # type: ignore[attr-defined]  # typeshed does not know it

    return _parser


def _pieces(parsed: Iterable[tuple[Any, Any]]) -> list[Pieces]:
    """Return, for each part of a sequence that must match, its pieces."""
    found: list[Pieces] = []
    run = ""
    for kind, value in parsed:
        if str(kind) == "LITERAL" and value < 128:
            run += chr(value).lower()
            continue
        found += [frozenset({run})] if run else []
        run = ""
        found += _inside(str(kind), value)
    return [*found, frozenset({run})] if run else found


def _inside(kind: str, value: Any) -> list[Pieces]:
    """Return the pieces of a group, a choice or a repetition."""
    if kind == "SUBPATTERN":
        return _pieces(value[-1])
    if kind == "BRANCH":
        branches = [_best(_pieces(branch)) for branch in value[1]]
        return [frozenset().union(*branches)] if all(branches) else []
    if kind in ("MAX_REPEAT", "MIN_REPEAT") and value[0] > 0:
        return _pieces(value[2])
    if kind == "ASSERT" and value[0] > 0:  # a lookahead: its letters stand in the text as well
        return _pieces(value[1])
    return []


def _best(choices: Sequence[Pieces]) -> Pieces:
    """Return the pieces that say most: the longest, and of those the fewest."""
    long = [each for each in choices if min(map(len, each)) >= _SHORTEST]
    return min(long, key=lambda each: (len(each), -min(map(len, each))), default=_NONE)
