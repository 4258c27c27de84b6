"""What the layout of a text says, written as sentences before it is read: ticked columns, the mark behind a code."""

import re
from collections.abc import Iterator, Sequence

# What a German sender puts behind a code: excluded, suspected, a state after, assured.
_MARK_SAYS = {"A": "ausgeschlossen: ", "V": "V.a. ", "Z": "Z.n. ", "G": ""}
_MARKED_CODE = re.compile(r"(?<![\w.])([A-Z]\d\d(?:\.\d{1,2})?)[-!*+\s]{0,2}([AGVZ])(?![\w.])")
_ITEM = re.compile(r"[^;,\n]+[;,\n]?")
_YES = re.compile(r"ja|yes|oui|s[ií]|sim|y|j", re.IGNORECASE)
_NO = re.compile(r"nee|neen|no|non|nein|não|n", re.IGNORECASE)
_TICK = re.compile(r"^(?:[xv✓✔☒☑]|\[x\]|ja|yes|oui|s[ií])(?!\w)\s*", re.IGNORECASE)
_LEFT_EMPTY = re.compile(r"[-–.☐□\[\]\s]*")
_LEAST_COLUMNS = 3
# Two boxes written as letters: "X ja O nee"; and a dialogue: "V: Ooit trombose? A: Nee."
_LETTERED = re.compile(
    r"\s*:?\s*(?<!\w)(?P<one>[oO0xX])\s+(?P<first>ja|yes|oui|s[ií]|nee|neen|no|non|nein)\W{1,3}"
    r"(?P<other>[oO0xX])\s+(?P<second>ja|yes|oui|s[ií]|nee|neen|no|non|nein)(?!\w)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s[/|]\s")
_ASKED = re.compile(r"(?<![^\s.!?;|])(?:Q|V|F|P|Vraag|Frage|Question|Pregunta)\s?[.:]\s+(?=[^?\n]{2,120}\?)")
_ANSWERED = re.compile(
    r"\?\s*(?:A|R|Antw|Antwoord|Antwort|Answer|R[eé]ponse|Respuesta|Pt|Pat|Pte)\s?[.:]\s*"
    r"(?P<word>ja|j|yes|oui|s[ií]|nee|neen|no|non|nein|(?P<never>nooit|never|nie|niemals|jamais|nunca))(?!\w)",
    re.IGNORECASE,
)


def in_sentences(text: str) -> str:
    """Return a text with what its layout says in words."""
    return _marks_in_words(_rows_in_words(_dialogue_in_words(_letters_in_words(text))))


def _letters_in_words(text: str) -> str:
    """Write two boxes of letters as the answer that is ticked: "trombose X ja O nee" is "trombose: ja"."""
    said, found = _LETTERED.subn(_ticked_letter, text)
    return _BETWEEN.sub("; ", said) if found else text


def _ticked_letter(found: re.Match[str]) -> str:
    ticked = [found[answer] for box, answer in (("one", "first"), ("other", "second")) if found[box] in "xX"]
    return f": {ticked[0]}" if len(ticked) == 1 else found.group()


def _dialogue_in_words(text: str) -> str:
    """Write questions and their answers one behind the other: "V: Ooit trombose? A: Nooit" is "Ooit trombose? nee"."""
    if _ANSWERED.search(text) is None:
        return text
    return _ASKED.sub("", _ANSWERED.sub(lambda found: f"? {'nee' if found['never'] else found['word']}", text))


def _rows_in_words(text: str) -> str:
    """Write a table with a column for yes and one for no as lines: "DVT | | x" below "ja | nee" is "DVT: nee"."""
    if "|" not in text:
        return text
    return "\n".join(_lines([line.split("|") for line in text.split("\n")]))


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    heads: list[str] = []
    for row in rows:
        cells = [cell.strip() for cell in row]
        if len(cells) >= _LEAST_COLUMNS and any(map(_YES.fullmatch, cells)) and any(map(_NO.fullmatch, cells)):
            heads = cells
        elif heads and len(cells) >= _LEAST_COLUMNS:
            yield _answer(heads, cells)
        else:
            yield "|".join(row)


def _answer(heads: Sequence[str], cells: Sequence[str]) -> str:
    """Return one row as its name and the head of the column that is ticked, with what stands beside the tick."""
    label = next((cell for cell in cells if cell), "")
    for head, cell in zip(heads, cells, strict=False):
        if (_YES.fullmatch(head) or _NO.fullmatch(head)) and not _LEFT_EMPTY.fullmatch(cell):
            answer = "ja" if _YES.fullmatch(head) else "nee"
            return f"{label}: {answer} {_TICK.sub('', cell)}".rstrip() + "."
    return f"{label}: niet ingevuld."


def _marks_in_words(text: str) -> str:
    """Return a list of codes with their marks in words, a sentence for each: "Lungenembolie (I26.9 V)" is suspected."""
    if _MARKED_CODE.search(text) is None:
        return text
    return "".join(_in_words(item) for item in _ITEM.findall(text))


def _in_words(item: str) -> str:
    found = _MARKED_CODE.findall(item)
    if len(found) != 1:
        return item
    bare = _MARKED_CODE.sub(r"\1", item).strip(" ;,\n")
    return f"{_MARK_SAYS[found[0][1]]}{bare}. "
