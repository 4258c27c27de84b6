"""What the layout of a text says, written as sentences before it is read: ticked columns, the mark behind a code."""

import re
from collections.abc import Iterator, Sequence

from rules.patterns import Language, choice_of, compiled

# What a German sender puts behind a code: excluded, suspected, a state after, assured.
_MARK_SAYS = {"A": "ausgeschlossen: ", "V": "V.a. ", "Z": "Z.n. ", "G": ""}
_MARKED_CODE = re.compile(r"(?<![\w.])([A-Z]\d\d(?:\.\d{1,2})?)[-!*+\s]{0,2}([AGVZ])(?![\w.])")
_ITEM = re.compile(r"[^;,\n]+[;,\n]?")
_LEFT_EMPTY = re.compile(r"[-–.☐□\[\]\s]*")
_LEAST_COLUMNS = 3
_BETWEEN = re.compile(r"\s[/|]\s")
KINDS = ("yes_words", "no_words", "never_words", "yes_initials", "no_initials", "asks", "replies")


class Layout:
    """The words of every language in which a form is answered; they are compared with a text as it was sent."""

    def __init__(self, languages: Sequence[Language]) -> None:
        yes, no, never = (choice_of(languages, kind) for kind in ("yes_words", "no_words", "never_words"))
        short_yes = choice_of(languages, "yes_initials")
        self._yes, self._no = compiled(rf"{yes}|{short_yes}"), compiled(rf"{no}|{choice_of(languages, 'no_initials')}")
        self._tick = compiled(rf"^(?:[xv✓✔☒☑]|\[x\]|{yes})(?!\w)\s*")
        self._lettered = compiled(  # two boxes written as letters: "X ja O nee"
            rf"\s*:?\s*(?<!\w)(?P<one>[oO0xX])\s+(?P<first>{yes}|{no})\W{{1,3}}"
            rf"(?P<other>[oO0xX])\s+(?P<second>{yes}|{no})(?!\w)"
        )
        # A dialogue: "V: Ooit trombose? A: Nee." Its questions begin with a capital, so that case counts.
        self._asked = re.compile(rf"(?<![^\s.!?;|])(?:{choice_of(languages, 'asks')})\s?[.:]\s+(?=[^?\n]{{2,120}}\?)")
        self._answered = compiled(
            rf"\?\s*(?:{choice_of(languages, 'replies')})\s?[.:]\s*"
            rf"(?P<word>{yes}|{short_yes}|{no}|(?P<never>{never}))(?!\w)"
        )

    def in_sentences(self, text: str) -> str:
        """Return a text with what its layout says in words."""
        return _marks_in_words(self._rows_in_words(self._dialogue_in_words(self._letters_in_words(text))))

    def _letters_in_words(self, text: str) -> str:
        """Write two boxes of letters as the answer that is ticked: "trombose X ja O nee" is "trombose: ja"."""
        said, found = self._lettered.subn(_ticked_letter, text)
        return _BETWEEN.sub("; ", said) if found else text

    def _dialogue_in_words(self, text: str) -> str:
        """Write questions with their answers behind them: "V: Ooit trombose? A: Nooit" is "Ooit trombose? nee"."""
        if self._answered.search(text) is None:
            return text
        return self._asked.sub(
            "", self._answered.sub(lambda found: f"? {'nee' if found['never'] else found['word']}", text)
        )

    def _rows_in_words(self, text: str) -> str:
        """Write a table with a column for yes and one for no as lines: "DVT | | x" below "ja | nee" is "DVT: nee"."""
        if "|" not in text:
            return text
        return "\n".join(self._lines([line.split("|") for line in text.split("\n")]))

    def _lines(self, rows: Sequence[Sequence[str]]) -> Iterator[str]:
        heads: list[str] = []
        for row in rows:
            cells = [cell.strip() for cell in row]
            if (
                len(cells) >= _LEAST_COLUMNS
                and any(map(self._yes.fullmatch, cells))
                and any(map(self._no.fullmatch, cells))
            ):
                heads = cells
            elif heads and len(cells) >= _LEAST_COLUMNS:
                yield self._answer(heads, cells)
            else:
                yield "|".join(row)

    def _answer(self, heads: Sequence[str], cells: Sequence[str]) -> str:
        """Return one row as its name and the head of the column that is ticked, with what stands beside the tick."""
        label = next((cell for cell in cells if cell), "")
        for head, cell in zip(heads, cells, strict=False):
            if (self._yes.fullmatch(head) or self._no.fullmatch(head)) and not _LEFT_EMPTY.fullmatch(cell):
                answer = "ja" if self._yes.fullmatch(head) else "nee"
                return f"{label}: {answer} {self._tick.sub('', cell)}".rstrip() + "."
        return f"{label}: niet ingevuld."


def _ticked_letter(found: re.Match[str]) -> str:
    ticked = [found[answer] for box, answer in (("one", "first"), ("other", "second")) if found[box] in "xX"]
    return f": {ticked[0]}" if len(ticked) == 1 else found.group()


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
