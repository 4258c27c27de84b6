"""YAML with line numbers: plain values, and the line of every path in them."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from rules.errors import Fault

Loc = tuple[str | int, ...]
# The C parser reads the library ten times faster; not every build of PyYAML has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(slots=True)
class Document:
    """One file: its values, the line of each, and the faults found while reading."""

    file: str
    value: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    languages: tuple[str, ...] = ()  # in which its texts must be written

    def line(self, where: Loc) -> int:
        """Return the line of a path, or of the nearest path above it."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def fault(self, where: Loc, what: str, instead: str = "") -> None:
        """Record one fault at a path."""
        self.faults.append(Fault(self.file, self.line(where), what, instead))


def read_document(path: Path, name: str) -> Document:
    """Read one file; what cannot be read is a fault, not an exception."""
    document = Document(name)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        document.faults.append(Fault(name, line, f"not YAML: {getattr(error, 'problem', error)}", "check the indents"))
        return document
    except (OSError, UnicodeDecodeError) as error:
        document.faults.append(Fault(name, 1, f"cannot be read: {error}"))
        return document
    document.value = _plain(node, (), document) if node is not None else None
    return document


def _plain(node: yaml.Node, where: Loc, document: Document) -> Any:
    document.lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, document)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, index), document) for index, item in enumerate(node.value)]
    return _scalar(node, where, document)


def _mapping(node: yaml.MappingNode, where: Loc, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in values:
            document.faults.append(Fault(document.file, line, f"the key {key!r} stands here twice", "keep one of them"))
        document.lines[(*where, key)] = line
        values[key] = _plain(value_node, (*where, key), document)
    return values


def _scalar(node: yaml.Node, where: Loc, document: Document) -> Any:
    tag, text = node.tag.rsplit(":", 1)[-1], node.value
    if tag == "null":
        return None
    if tag == "bool":
        return _WORDS[text.lower()]
    if tag in ("int", "float"):
        try:
            return Decimal(text)  # the digits as written: 2.0 keeps its tenth
        except ArithmeticError:
            document.fault(where, f"{text!r} is not a plain number", "write digits, a point, digits")
            return None
    return text
