"""Two knowledge folders compared: what was added, removed and changed, in words, rule by rule."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.load import Files

_NAMES = ("id", "name", "brand", "title", "set", "system")  # what distinguishes one entry of a list from another
_WORDS = {
    "when": "condition",
    "raised": "raised",
    "alert/because": "wording",
    "alert/advice": "advice",
    "alert/tier": "tier",
    "codes": "code",
    "excludes": "excluded code",
    "evidence": "evidence",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One file, or one rule, and what is different about it."""

    name: str  # IG-VTE-015, or value_sets/inr.yaml
    title: str
    kind: str  # added | removed | changed
    lines: tuple[str, ...] = ()


def differences(old: Files, new: Files) -> list[Difference]:
    """Compare every file of two folders; the rules come first, by id."""
    found = []
    for file in sorted(old.documents.keys() | new.documents.keys()):
        before = old.documents[file].value if file in old.documents else None
        after = new.documents[file].value if file in new.documents else None
        if before == after:
            continue
        name, title = _names(file, after if after is not None else before)
        if before is None or after is None:
            found.append(Difference(name, title, "added" if before is None else "removed"))
        else:
            found.append(Difference(name, title, "changed", tuple(_changes(before, after, ""))))
    return sorted(found, key=lambda each: (not each.name.startswith("IG-"), each.name))


def _names(file: str, value: Any) -> tuple[str, str]:
    if not isinstance(value, Mapping):
        return file, ""
    title = value.get("title")
    words = str(title.get("en", "")) if isinstance(title, Mapping) else ""
    return (str(value.get("id", file)), words) if file.startswith("library/") else (file, words)


def _changes(old: Any, new: Any, path: str) -> Iterator[str]:
    if old == new:
        return
    if path == "examples" and isinstance(old, str) and isinstance(new, str):
        yield from _examples(old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _of_mappings(old, new, path)
    elif isinstance(old, Sequence) and isinstance(new, Sequence) and not isinstance(old, str | bytes):
        yield from _of_lists(list(old), list(new), path)
    else:
        yield f"{_place(path)}: {_written(old)} → {_written(new)}"


def _of_mappings(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in [*old, *(key for key in new if key not in old)]:
        inner = f"{path}/{key}" if path else str(key)
        if key not in new:
            yield f"{_place(inner)} removed: {_written(old[key])}"
        elif key not in old:
            yield f"{_place(inner)} added: {_written(new[key])}"
        else:
            yield from _changes(old[key], new[key], inner)


def _of_lists(old: list[Any], new: list[Any], path: str) -> Iterator[str]:
    """Pair the entries about the same thing; the rest were added or removed."""
    gone = [each for each in old if each not in new]
    came = [each for each in new if each not in old]
    for before in list(gone):
        after = next((each for each in came if _alike(before, each)), None)
        if after is not None:
            gone.remove(before)
            came.remove(after)
            yield from _changes(before, after, f"{path}[{_label(before)}]")
    if len(gone) == len(came) == 1 and not isinstance(gone[0], Mapping):
        yield f"{_place(path)}: {_written(gone[0])} → {_written(came[0])}"
        return
    yield from (f"{_place(path)} removed: {_written(each)}" for each in gone)
    yield from (f"{_place(path)} added: {_written(each)}" for each in came)
    if all(each in new for each in old) and all(each in old for each in new):
        yield f"{_place(path)}: in another order"


def _alike(one: Any, other: Any) -> bool:
    """Return whether two entries are about the same thing: same key and subject, or same name or code."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping) or not one or not other:
        return False
    if "system" in one and "code" in one:
        return (one["system"], one["code"]) == (other.get("system"), other.get("code"))
    named = next((name for name in _NAMES if name in one), next(iter(one)))
    return bool(one.get(named) == other.get(named) and next(iter(one)) == next(iter(other)))


def _label(entry: Any) -> str:
    if isinstance(entry, Mapping):
        named = next((name for name in _NAMES if name in entry), next(iter(entry)))
        value = entry[named]
        return f"{named}: {_written(value)}" if named not in _NAMES else _written(value)
    return _written(entry)


def _place(path: str) -> str:
    """Return a place in words: `when[latest: inr].below` is "condition latest: inr, below"."""
    for name, word in _WORDS.items():
        if path == name or path.startswith((f"{name}/", f"{name}[")):
            path = word + path[len(name) :]
            break
    return path.replace("[", " ").replace("]/", ", ").replace("]", "").replace("alert/", "").replace("/", " ")


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_written(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_written, value))
    return f"“{value}”" if isinstance(value, str) and " " in value else str(value)


def _examples(old: str, new: str) -> Iterator[str]:
    before, after = example_rows(old), example_rows(new)
    yield from (f"example removed: {name}" for name in before if name not in after)
    yield from (f"example added: {name}: {after[name][-1]}" for name in after if name not in before)
    for name, row in after.items():
        if name in before and name != "case" and _cells(before[name]) != _cells(row):  # an empty column changes nothing
            yield f"example “{name}”: {_cells(before[name])} → {_cells(row)}"


def example_rows(table: str) -> dict[str, list[str]]:
    """Return the cells of each worked example by its name, its answer last."""
    lines = (line.strip().strip("|") for line in table.splitlines() if line.strip())
    rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    return {row[0]: row[1:] for row in rows if row[1:] and not set("".join(row)) <= set("-: ")}


def _cells(row: Iterable[str]) -> str:
    return ", ".join(cell for cell in row if cell)
