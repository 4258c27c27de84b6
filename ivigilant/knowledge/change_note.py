"""What a knowledge folder changes against another, as a pharmacist reads it: what decides differently comes first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clinical.words import FALLBACK, in_language
from ivigilant.knowledge.differences import Difference, differences, example_rows
from rules.load import Files

_DECIDES = ("condition", "raised", "tier", "status", "title", "stream")  # how a line about a decision begins
_SHOWN = 6  # codes or words of a value set that are named; the rest are counted
_FOLDERS = {"value_sets": "Codes and names", "cues": "Words around a disease", "definitions": "Definitions"}
_BOOKKEEPING = ("upkeep", "evidence", "source", "checked", "note", "does ")


class Note(NamedTuple):
    """One heading of the note, and its lines."""

    heading: str
    lines: tuple[str, ...]


def change_note(old: Files, new: Files, language: str) -> list[Note]:
    """Return the note: rules that decide differently, rules that say something else, then what they rest on."""
    found = differences(old, new)
    rules = [each for each in found if each.name.startswith("IG-")]
    texts = [_rule(each, _of(old, each.name), _of(new, each.name), language) for each in rules]
    deciding = [note for note, decides, _ in texts if decides]
    saying = [note for note, decides, says in texts if says and not decides]
    still = [each.name for each, (_, decides, says) in zip(rules, texts, strict=True) if not decides and not says]
    notes = [Note(_summary(rules, deciding, saying), ())] if rules else []
    notes += _under("Decides differently", deciding) + _under("Decides the same, and says it otherwise", saying)
    if still:
        notes.append(Note("Unchanged but for evidence, examples and upkeep", (", ".join(still),)))
    others = [each for each in found if not each.name.startswith("IG-")]
    return notes + [note for each in others for note in _other(each, old, new, language)]


def _summary(rules: Sequence[Difference], deciding: Sequence[Note], saying: Sequence[Note]) -> str:
    added, removed = (sum(each.kind == kind for each in rules) for kind in ("added", "removed"))
    return (
        f"{len(rules)} rules differ: {added} new, {removed} gone; {len(deciding)} decide differently, "
        f"{len(saying)} only say it otherwise."
    )


def _under(title: str, notes: Sequence[Note]) -> list[Note]:
    return [Note(title, ()), *notes] if notes else []


def _of(files: Files, rule: str) -> Mapping[str, Any]:
    for name, document in files.documents.items():
        if name.startswith("library/") and isinstance(document.value, Mapping) and document.value.get("id") == rule:
            return document.value
    return {}


def _rule(
    found: Difference, before: Mapping[str, Any], after: Mapping[str, Any], language: str
) -> tuple[Note, bool, bool]:
    """Return the note of one rule; whether it decides differently; whether it says something else."""
    rule = after or before
    title = rule.get("title", {}).get(language, found.title)
    if found.kind != "changed":
        status = f", {after['status']}" if after.get("status") else ""
        because = rule.get("alert", {}).get("because", {}).get(language, "")
        return Note(f"{found.name}  {title}: {found.kind}{status}", (because,) if because else ()), True, True
    decides = [line for line in found.lines if line.startswith(_DECIDES) and not line.startswith("title")]
    decides += list(_answers(before.get("examples", ""), after.get("examples", "")))
    says = [*_wording(before, after, language), *_advice(before, after, language)]
    versions = [each.get("upkeep", {}).get("version", "?") for each in (before, after)]
    why = list(_history(before, after))
    lines = [*why, *decides, *says, *_evidence(before, after), *_examples(before, after)]
    heading = f"{found.name}  {title} (version {versions[0]} → {versions[1]})"
    return Note(heading, tuple(lines)), bool(decides), bool(says)


def _history(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    known = before.get("upkeep", {}).get("history", [])
    for line in after.get("upkeep", {}).get("history", []):
        if line not in known:
            yield f"why, {line.get('on')}: {line.get('what')}"


def _wording(before: Mapping[str, Any], after: Mapping[str, Any], language: str) -> Iterator[str]:
    was, now = (each.get("alert", {}).get("because", {}).get(language, "") for each in (before, after))
    if was != now:
        yield f"said “{was}”"
        yield f"says “{now}”"


def _advice(before: Mapping[str, Any], after: Mapping[str, Any], language: str) -> Iterator[str]:
    was, now = (
        [line.get(language, "") for line in each.get("alert", {}).get("advice", [])] for each in (before, after)
    )
    yield from (f"no longer advises “{line}”" for line in was if line not in now)
    yield from (f"advises “{line}”" for line in now if line not in was)


def _evidence(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    was, now = ([_cited(line) for line in each.get("evidence", [])] for each in (before, after))
    yield from (f"rests on {line}" for line in dict.fromkeys(now) if line not in was)
    yield from (f"no longer rests on {line}" for line in dict.fromkeys(was) if line not in now)


def _cited(line: Mapping[str, Any]) -> str:
    says = line.get("says")
    return f"{line.get('source')}: {in_language(says, FALLBACK) if isinstance(says, Mapping) else says}"


def _answers(before: str, after: str) -> Iterator[str]:
    """Return the worked examples that are in both and answered differently."""
    was, now = example_rows(before), example_rows(after)
    for name, row in now.items():
        if name in was and name != "case" and was[name][-1] != row[-1]:
            yield f"example “{name}”: {was[name][-1]} → {row[-1]}"


def _examples(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    was, now = (example_rows(each.get("examples", "")) for each in (before, after))
    added, removed = len(now.keys() - was.keys()), len(was.keys() - now.keys())
    if added or removed:
        yield f"worked examples: {added} new, {removed} gone"


def _other(found: Difference, old: Files, new: Files, language: str) -> Iterator[Note]:
    """Return the note of a file that is not a rule."""
    before, after = (files.documents[found.name].value if found.name in files.documents else {} for files in (old, new))
    folder = found.name.partition("/")[0]
    name = found.name.rpartition("/")[2].removesuffix(".yaml")
    title = (after or before or {}).get("title", {}) if isinstance(after or before, Mapping) else {}
    heading = f"{_FOLDERS.get(folder, 'Shared')}: {title.get(language, name) if isinstance(title, Mapping) else name}"
    if folder == "value_sets":
        lines = [*_codes(before, after, "codes", ""), *_codes(before, after, "excludes", "no longer in it")]
    elif folder == "cues":
        lines = list(_cues(before, after))
    else:
        lines = [line for line in found.lines if not _is_bookkeeping(line, language)]
    if found.kind != "changed":
        heading += f" ({found.kind})"
    if lines or found.kind != "changed":
        yield Note(heading, tuple(lines))


def _is_bookkeeping(line: str, language: str) -> bool:
    """Whether a line is of evidence, upkeep or another language."""
    place = line.partition(":")[0]
    other = "nl" if language == "en" else "en"
    words = place.split()
    return any(each in place for each in _BOOKKEEPING) or other in words


def _codes(before: Any, after: Any, part: str, where: str) -> Iterator[str]:
    was, now = ({_code(line): line for line in (each or {}).get(part) or ()} for each in (before, after))
    what = f" {where}" if where else ""
    yield from _counted(f"codes added{what}", [key for key in now if key not in was])
    yield from _counted(f"codes removed{what}", [key for key in was if key not in now])


def _code(line: Mapping[str, Any]) -> str:
    if line.get("system") == "TEXT":
        return f"“{line.get('display')}” in words"
    display = f" ({line['display']})" if line.get("display") else ""
    return f"{line.get('system')} {line.get('code')}{display}"


def _cues(before: Any, after: Any) -> Iterator[str]:
    for kind in dict.fromkeys([*(before or {}), *(after or {})]):
        was, now = (list((each or {}).get(kind) or ()) for each in (before, after))
        yield from _counted(f"{kind}: added", [each for each in now if each not in was])
        yield from _counted(f"{kind}: removed", [each for each in was if each not in now])


def _counted(what: str, names: Sequence[str]) -> Iterable[str]:
    if not names:
        return ()
    shown = "; ".join(map(str, names[:_SHOWN]))
    more = f"; and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (f"{what} ({len(names)}): {shown}{more}",)
