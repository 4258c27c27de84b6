"""The figures as tables in a reader's words: the page draws them, a file holds them, programs read them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clinical.words import ALERT_TIERS
from inbox.figures.counts import CHANNELS, AlertFigures
from inbox.figures.review import Review
from inbox.http.notation import Notation
from inbox.http.words import Words

Value = int | None


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One day, week, tier, reason or rule, and its values."""

    label: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class FigureTable:
    """One table: its name in addresses, and in words its title and heads; `of` heads the labels."""

    name: str
    title: str
    of: str
    heads: tuple[str, ...]
    rows: tuple[FigureRow, ...]
    in_time: bool = False
    drawn: int = 1  # how many of the first values are drawn, on top of each other


def tables_of(
    figures: AlertFigures, review: Review, titles: Mapping[str, str], notation: Notation
) -> list[FigureTable]:
    """Return every table, in the order of the page."""
    words = notation.words
    return [
        _in_time(figures, words, notation, "channels", CHANNELS, "filter.channels"),
        _in_time(figures, words, notation, "tiers", ALERT_TIERS, "tier"),
        FigureTable(
            "answers",
            words("figures.answers"),
            words("filter.tier"),
            tuple(words(f"figures.{name}") for name in ("median", "p90", "answered", "waiting")),
            tuple(
                FigureRow(words.code("tier", each.tier), (each.median, each.p90, each.answered, each.waiting))
                for each in figures.answers
            ),
        ),
        FigureTable(
            "reasons",
            words("figures.reasons"),
            words("figures.reason"),
            (words("figures.alerts"),),
            tuple(FigureRow(words.code("reason", reason), (count,)) for reason, count in review.reasons.items()),
        ),
        FigureTable(
            "rules",
            words("figures.rules"),
            words("figures.rule"),
            tuple(words(f"figures.{name}") for name in ("kept", "overridden", "intervened", "cases")),
            tuple(
                FigureRow(
                    f"{titles.get(each.rule, each.rule)} ({each.rule})",
                    (each.kept, each.overridden, each.intervened.count, each.cases),
                )
                for each in review.rules
            ),
            drawn=2,
        ),
    ]


def _in_time(
    figures: AlertFigures, words: Words, notation: Notation, name: str, codes: Sequence[str], under: str
) -> FigureTable:
    rows = tuple(
        FigureRow(
            f"{each.begins.day} {notation.month(each.begins.month)}",
            tuple((each.by_channel if name == "channels" else each.by_tier).get(code, 0) for code in codes),
        )
        for each in figures.counts
    )
    heads = tuple(words.code(under, code) for code in codes)
    return FigureTable(
        name, words(f"figures.{name}"), words("figures.from"), heads, rows, in_time=True, drawn=len(heads)
    )


def as_csv(table: FigureTable) -> str:
    """Return a table as comma-separated values; an empty field where there is no value."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([table.of, *table.heads])
    writer.writerows([row.label, *row.values] for row in table.rows)
    return file.getvalue()
