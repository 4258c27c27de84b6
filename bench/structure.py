"""The shape of the code, measured from the code: `make map`, or `python -m bench.structure`.

What each figure should be and why stands in docs/architecture.md. It shows; only the import linter gates.
"""

import ast
import asyncio
import logging
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles
from types import FrameType
from typing import Any

import structlog
from rich.console import Console
from rich.table import Table

from tests.packages import PACKAGES, ROOT


@dataclass(frozen=True)
class Module:
    """One source file: its name, its text as a tree, and what of it others may use."""

    name: str
    lines: int
    tree: ast.Module

    @property
    def package(self) -> str:
        """The folder it lies in."""
        return self.name.rpartition(".")[0]

    @cached_property
    def public(self) -> tuple[str, ...]:
        """Classes and functions whose name has no leading underscore."""
        return tuple(name for name in _defined(self.tree.body) if not name.startswith("_"))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every class it defines, at whatever depth."""
        return tuple(node.name for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


def _defined(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name


class House:
    """Every module of the product, without its tests, migrations and measurements, and who imports whom."""

    def __init__(self, root: Path = ROOT) -> None:
        files = [file for package in PACKAGES for file in sorted((root / package).rglob("*.py"))]
        self.modules = {
            module.name: module
            for module in (_read(root, file) for file in files if "versions" not in file.parts)
            if module.lines
        }
        self.imports = {name: frozenset(self._imported(module)) for name, module in self.modules.items()}

    def _imported(self, module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    name = whole if whole in self.modules else node.module
                    if name in self.modules and name != module.name:
                        yield name
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.modules)

    def importers(self) -> Mapping[str, set[str]]:
        """Return for each module who imports it."""
        found: dict[str, set[str]] = defaultdict(set)
        for name, imported in self.imports.items():
            for each in imported:
                found[each].add(name)
        return found

    def used_next_door_only(self) -> list[str]:
        """Modules that one module of their own package imports, and nobody else."""
        return sorted(
            name
            for name, importers in self.importers().items()
            if len(importers) == 1
            and self.modules[next(iter(importers))].package == self.modules[name].package
            and not name.endswith("__init__")
        )

    def class_names_used_twice(self) -> dict[str, list[str]]:
        """Names that more than one class has, with their modules; a private class counts as well."""
        places: dict[str, list[str]] = defaultdict(list)
        for module in self.modules.values():
            for name in module.classes:
                places[name.lstrip("_")].append(module.name)
        return {name: where for name, where in sorted(places.items()) if len(where) > 1}

    def circles(self) -> list[list[str]]:
        """Modules that import each other, through however many others; imports for type checkers count."""
        return sorted(sorted(group) for group in _strongly_connected(self.imports) if len(group) > 1)

    def string_keys(self, columns: frozenset[str]) -> Counter[str]:
        """Reads of a column by a string key outside `store/`, per module."""
        found: Counter[str] = Counter()
        for name, module in self.modules.items():
            if name.split(".")[0] not in ("store", "synthetic"):
                found[name] += sum(_reads_column(node, columns) for node in ast.walk(module.tree))
        return +found


def _read(root: Path, file: Path) -> Module:
    text = file.read_text(encoding="utf-8")
    parts = file.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, text.count("\n"), ast.parse(text))


def _reads_column(node: ast.AST, columns: frozenset[str]) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Load)
        and isinstance(node.slice, ast.Constant)
        and node.slice.value in columns
    )


def _strongly_connected(edges: Mapping[str, frozenset[str]]) -> list[set[str]]:
    """Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges.get(name, ()):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group: set[str] = set()
            while name not in group:
                group.add(stack.pop())
            groups.append(group)

    for name in edges:
        if name not in index:
            visit(name)
    return groups


@contextmanager
def _noting_files() -> Iterator[set[Path]]:
    """Yield every source file of ours in which a function runs, in whichever thread."""
    entered: set[Path] = set()
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name not in seen:
            seen.add(name)
            if frame.f_code.co_name != "<module>":
                entered.add(Path(name))
            else:
                seen.discard(name)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def one_order() -> Mapping[str, set[str]]:
    """Send an earlier thrombosis and an IVIg order through socket, worker and pages; give the files entered by each."""
    from datetime import UTC, datetime

    from bench.messages import order, thrombosis
    from rules.load import load_knowledge
    from store.engine import connect
    from store.migrate import upgrade
    from tests.inbox.sites import Site
    from tests.journeys.hospital import Hospital
    from tests.listener.builders import a_hospital

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    now = datetime.now(UTC)
    knowledge = load_knowledge()
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/one.sqlite")
        upgrade(engine)

        async def receive() -> None:
            async with a_hospital(engine) as hospital, hospital.link() as link:
                for message in (thrombosis(1, now), order(1, now)):
                    await link.ask(message)

        entered: dict[str, set[str]] = {}
        hospital = Hospital(engine, knowledge)
        site = Site(engine, knowledge)
        site.add_user("els")
        steps: dict[str, Callable[[], Any]] = {
            "listener": lambda: asyncio.run(receive()),
            "worker": lambda: hospital.processes(hospital.waiting()),
            "pages": lambda: _look(site),
        }
        for step, act in steps.items():
            with _noting_files() as files:
                act()
            entered[step] = {str(file.relative_to(ROOT)) for file in files if _is_ours(file)}
        engine.dispose()
    return entered


def _look(site: Any) -> None:
    from tests.inbox.sites import sign_in

    with site.client() as client:
        sign_in(client, "els")
        client.get("/")
        assert client.get("/alerts/1").status_code == 200


def _is_ours(file: Path) -> bool:
    return file.is_relative_to(ROOT) and file.relative_to(ROOT).parts[0] in PACKAGES


def _alert_columns() -> frozenset[str]:
    from store import tables

    asked = (tables.alert, tables.medication_order, tables.delivery, tables.alert_event)
    return frozenset(column.name for table in asked for column in table.columns)


def measures() -> list[tuple[str, str, str]]:
    """Return each measure, its figure and its goal."""
    house = House()
    lines = [module.lines for module in house.modules.values()]
    public = sum(len(module.public) for module in house.modules.values())
    own = sum(len(imported) for imported in house.imports.values()) / len(house.modules)
    keys = house.string_keys(_alert_columns())
    order = one_order()
    together = set().union(*order.values())
    split = ", ".join(f"{step} {len(files)}" for step, files in order.items())
    return [
        ("files · lines", f"{len(lines)} · {sum(lines):,}", "about 250"),
        (
            "lines a file, median / p90 / most",
            f"{median(lines):.0f} / {quantiles(lines, n=10)[8]:.0f} / {max(lines)}",
            "",
        ),
        ("files that one order enters, socket to page", f"{len(together)} ({split})", "≤ 90"),
        ("class names used for more than one class", str(len(house.class_names_used_twice())), "0"),
        ("lines per public name", f"{sum(lines) / public:.0f}", "≥ 45"),
        ("own imports per file", f"{own:.1f}", "≤ 3"),
        ("modules with one importer, in the same package", str(len(house.used_next_door_only())), "≤ 25"),
        ("reads of an alert, order or delivery by string key", str(keys.total()), "0"),
        ("circles of imports", str(len(house.circles())), "0"),
    ]


def main() -> None:
    """Print the map; `--names` lists what the counts are made of."""
    console = Console(width=120)
    table = Table("package", "modules", "lines", "public names", "imports", title="Rooms")
    house = House()
    for package in PACKAGES:
        own = [module for name, module in house.modules.items() if name.split(".")[0] == package]
        others = sorted({each.split(".")[0] for module in own for each in house.imports[module.name]} - {package})
        names = sum(len(module.public) for module in own)
        table.add_row(package, str(len(own)), f"{sum(module.lines for module in own):,}", str(names), " ".join(others))
    console.print(table)
    figures = Table("measure", "now", "goal", title="Measures")
    for row in measures():
        figures.add_row(*row)
    console.print(figures)
    if "--names" in sys.argv:
        for name, where in house.class_names_used_twice().items():
            console.print(f"{name}: {', '.join(where)}")
        console.print("imported next door only:", ", ".join(house.used_next_door_only()))
        console.print("string keys:", dict(house.string_keys(_alert_columns()).most_common()))
        console.print("circles:", house.circles())


if __name__ == "__main__":
    main()
