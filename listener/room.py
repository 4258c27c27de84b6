"""Room for large messages: how many links may hold one at a time, so that memory has a limit however many there are.

What is small is never held up. A link that must wait is not read meanwhile; TCP holds its sender back.
"""

from typing import Protocol


class Guest(Protocol):
    """Who may have to wait for a place."""

    def admitted(self) -> None:
        """There is a place now."""


class Room:
    """Some places, and a queue before them."""

    def __init__(self, places: int, small: int) -> None:
        self.small = small  # bytes that anybody may hold
        self._places = places
        self._inside: set[Guest] = set()
        self._waiting: dict[Guest, None] = {}  # in the order in which they came

    def enter(self, guest: Guest) -> bool:
        """Take a place, or keep the one it has; False: it is told when there is one."""
        if guest in self._inside:
            return True
        if len(self._inside) < self._places and not self._waiting:
            self._inside.add(guest)
            return True
        self._waiting[guest] = None
        return False

    def leave(self, guest: Guest) -> None:
        """Give the place, or the place in the queue, to whoever waits; nothing when it had none."""
        self._waiting.pop(guest, None)
        if guest in self._inside:
            self._inside.remove(guest)
            if self._waiting:
                following = next(iter(self._waiting))
                del self._waiting[following]
                self._inside.add(following)
                following.admitted()
