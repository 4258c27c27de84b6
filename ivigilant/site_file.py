"""The site file read and checked, with each fault at its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ivigilant.errors import UnusableSite
from ivigilant.fault_words import place_of, words_of
from ivigilant.site import SiteFile


def load_site(path: Path | None) -> SiteFile:
    """Read the file, or raise UnusableSite with a line per fault; without a file the defaults hold."""
    if path is None:
        return SiteFile()
    try:
        document = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSite(f"{path} cannot be read ({type(error).__name__})") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableSite(f"{path}:{line}: {error.problem}") from None
    if document is None:
        return SiteFile()
    faults = [f"{path}:{key.start_mark.line + 1}: {key.value} is said twice" for key in _repeated_keys(document)]
    if faults:
        raise UnusableSite("\n".join(faults))
    return _validated(document, path)


def line_in(path: Path, place: tuple[int | str, ...]) -> int:
    """Tell the line of a part of a file that was loaded before."""
    document = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    return 1 if document is None else _line_of(document, place)


def _validated(document: yaml.Node, path: Path) -> SiteFile:
    loader = yaml.SafeLoader("")
    try:
        content = loader.construct_document(document)
        return SiteFile.model_validate(content)
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableSite(f"{path}:{line}: {error.problem}") from None
    except ValidationError as error:
        lines = [
            f"{path}:{_line_of(document, place_of(fault))}: {_dotted(place_of(fault))}{words_of(fault)}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise UnusableSite("\n".join(dict.fromkeys(lines))) from None  # an address is tried as IPv4 and as IPv6


def _line_of(node: yaml.Node, place: tuple[int | str, ...]) -> int:
    """Find the line of the deepest part of this place that the file has."""
    line = node.start_mark.line + 1
    for step in place:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is not None:
                line, inner = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            inner = node.value[step]
            line = inner.start_mark.line + 1
        node = inner or node  # a step that only names a kind of destination is not in the file
    return line


def _dotted(place: tuple[int | str, ...]) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place) + ": " if place else ""


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)
