"""Answers that are remembered: the same code, text or product is asked about for every fact of every order."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

LIMIT = 20_000  # answers of one kind; a hospital uses fewer codes and texts than this in a day


class Remembered(dict[K, V]):
    """Answers by question. It begins anew when it is full, so it never grows without end."""

    __slots__ = ()

    def keep(self, question: K, answer: V) -> V:
        """Remember an answer, and give it back."""
        if len(self) >= LIMIT:
            self.clear()
        self[question] = answer
        return answer
