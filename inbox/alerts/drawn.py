"""What was drawn of the list last: of a list that changes often, only the rows that changed are drawn again.

Nothing that is used again can be out of date, for it is compared first with what it would be made from now: a card with
the alert and the minute, a row with its cards, its flag and who else looks at it. A row is the same text for everybody
who reads its language; whether it is the viewer's own is one of the things that are compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2
from markupsafe import Markup

from inbox.alerts.cards import Card, ListRow
from inbox.http.notation import Notation
from store.alerts import Conclusions
from store.recent import Recent

MOST = 2_000  # cards, rows and conclusions, each; of a list longer than this every row is drawn each time


@dataclass(frozen=True, slots=True)
class RowView:
    """All that a row shows."""

    row: ListRow
    flag: str  # why its alert was opened again, "" when it was not
    along: Sequence[str]  # who else has it open
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """The conclusions, cards and rows of one inbox that were read, made and drawn last."""

    conclusions: Conclusions = field(default_factory=lambda: Conclusions(MOST))
    cards: Recent[tuple[str, int], Card] = field(default_factory=lambda: Recent(MOST))
    rows: Recent[tuple[str, int, bool], tuple[RowView, Markup]] = field(default_factory=lambda: Recent(MOST))

    def same(self, card: Card) -> Card:
        """Return the card that was made before, with what was worked out of it, where this one equals it."""
        key = card.notation.words.language, card.alert.id
        before = self.cards.get(key)
        if before == card:
            return before
        self.cards.put(key, card)
        return card

    def draw(self, templates: jinja2.Environment, views: Iterable[RowView], notation: Notation) -> dict[int, Markup]:
        """Return the text of each row by the number of its first alert, drawn anew only where it changed."""
        words, template = notation.words, templates.get_template("row.html")
        row: Any = None  # made where the first one is needed
        found: dict[int, Markup] = {}
        for view in views:
            number = view.row.card.alert.id
            key = words.language, number, view.is_mine
            before = self.rows.get(key)
            if before is not None and before[0] == view:
                found[number] = before[1]
                continue
            row = row or template.make_module({"t": words, "n": notation})
            found[number] = row.strip(view.row, view.flag, view.along, view.is_mine)
            self.rows.put(key, (view, found[number]))
        return found
