"""A memory of so many values and no more."""

import threading
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The values that were put in last, by key, up to so many; several threads may use it."""

    def __init__(self, most: int) -> None:
        """Hold at most so many values."""
        self._most = most
        self._held: dict[Key, Value] = {}
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """Return the value of a key, None where it was never put in or had to go."""
        return self._held.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Hold a value instead of that of before; where there are too many, the one that was put in first goes."""
        with self._lock:
            self._held.pop(key, None)
            self._held[key] = value
            if len(self._held) > self._most:
                del self._held[next(iter(self._held))]
