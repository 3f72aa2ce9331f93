"""A dictionary that forgets what was used longest ago."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """At most `entries_max` values; losing one costs a read, never a fact."""

    def __init__(self, entries_max: int) -> None:
        assert entries_max > 0
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._entries_max = entries_max

    def get(self, key: K) -> V | None:
        """The value, marked as used just now."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember a value; the one used longest ago makes room."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget a value that is no longer true."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def keys_of(self, wanted: Callable[[K], bool]) -> list[K]:
        """The keys that `wanted` says yes to."""
        return [key for key in self._entries if wanted(key)]
