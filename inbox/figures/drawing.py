"""Figures drawn as SVG: columns in time, and a line for each of several things. Patterns tell series apart."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from inbox.figures.tables import FigureRow, FigureTable

WIDE, NARROW = 1120, 340
LETTER = 6.6  # pixels of one letter, roughly
_FILLS = ("given", "planned", "advised")  # filled, hatched, outlined
_TOP, _HEIGHT = 18, 130  # of the columns


def drawn(table: FigureTable) -> Markup:
    """Draw a table twice, for a wide screen and for a narrow one; "" when it counts nothing."""
    if not any(value for row in table.rows for value in row.values[: table.drawn]):
        return Markup()
    shapes = _columns if table.in_time else _bars
    return Markup("").join(shapes(table, width) for width in (WIDE, NARROW))


def _columns(table: FigureTable, width: int) -> Markup:
    most = max(_total(table, row) for row in table.rows)
    step = width / len(table.rows)
    longest = max(len(row.label) for row in table.rows) * LETTER
    every = -(-int(longest * 1.5 + 8) // int(step)) if step < 90 else 1  # the outer ones stand beside their column
    parts = [Markup('<path class="base" d="M0 {0}H{1}"/>').format(_TOP + _HEIGHT, width)]
    for at, row in enumerate(table.rows):
        left, foot = at * step, float(_TOP + _HEIGHT)
        middle = left + step / 2
        for fill, value in zip(_FILLS, row.values[: table.drawn], strict=False):
            high = _HEIGHT * (value or 0) / most
            foot -= high
            parts.append(_box(fill, left + step * 0.2, foot, step * 0.6, high))
        if total := _total(table, row):
            parts.append(_text("mid strong", middle, foot - 4, str(total)))
        if (len(table.rows) - 1 - at) % every == 0:
            anchor, x = ("mid", middle) if step >= 90 or 0 < at < len(table.rows) - 1 else _edge(at, width)
            parts.append(_text(anchor, x, _TOP + _HEIGHT + 16, row.label))
    return _svg(table, width, _TOP + _HEIGHT + 24, parts)


def _total(table: FigureTable, row: FigureRow) -> int:
    return sum(value or 0 for value in row.values[: table.drawn])


def _edge(at: int, width: int) -> tuple[str, float]:
    return ("", 0.0) if at == 0 else ("fin", float(width))


def _bars(table: FigureTable, width: int) -> Markup:
    most = max(_total(table, row) for row in table.rows)
    parts = []
    for at, row in enumerate(table.rows):
        top, left = at * 36, 0.0
        parts.append(_text("lbl", 0, top + 12, _cut(row.label, int(width / LETTER))))
        for fill, value in zip(_FILLS, row.values[: table.drawn], strict=False):
            wide = (width - 70) * (value or 0) / most
            parts.append(_box(fill, left, top + 17, wide, 11))
            left += wide
        values = row.values[: table.drawn]
        said = " + ".join(str(value) for value in values if value) or (
            "0" if any(each is not None for each in values) else "–"
        )
        parts.append(_text("strong", left + (6 if left else 0), top + 27, said))
    return _svg(table, width, len(table.rows) * 36, parts)


def _cut(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _box(fill: str, x: float, y: float, wide: float, high: float) -> Markup:
    if wide <= 0 or high <= 0:
        return Markup()
    box = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
    return Markup(box).format(fill, x, y, wide, high)  # noqa: S704  # the text is ours


def _text(kind: str, x: float, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, text)


def _svg(table: FigureTable, width: int, height: int, parts: Sequence[Markup]) -> Markup:
    opening = Markup('<svg class="tl {}" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        "wide" if width == WIDE else "narrow", width, height, table.title
    )
    return opening + Markup("").join(parts) + Markup("</svg>")


def legend(table: FigureTable) -> Iterator[tuple[str, str]]:
    """Yield the fill of each series with its name."""
    return zip(_FILLS, table.heads[: table.drawn], strict=False)
