"""What the members of a room are told alike, made once while nothing is written: answers are spliced from it.

Holds only what is true at one position; losing it costs that it is made again.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from bongsu.log.vector import Vector

T = TypeVar("T")

# The age of events is part of what is shared.
_KEPT_MS = 1_000
_ENTRIES_MAX = 1_000
_BYTES_MAX = 16 * 1024 * 1024


class Shared:
    """Values by key, forgotten when a record is applied, and after a second."""

    def __init__(self) -> None:
        self._position = -1
        self._until_ms = 0
        self._values: dict[Hashable, Any] = {}
        self._bytes = 0
        self._token: tuple[tuple[bytes, int, int], Vector, str] | None = None

    def get(self, position: int, now_ms: int, key: Hashable, make: Callable[[], tuple[T, int]]) -> T:
        """The value for `key` as of `position`; made if nobody has asked for it yet.

        The key names everything that the value depends on besides the tables. `make` returns the value and
        about how many bytes it holds.
        """
        full = len(self._values) >= _ENTRIES_MAX or self._bytes >= _BYTES_MAX
        if position != self._position or now_ms >= self._until_ms or full:
            self._values.clear()
            self._bytes = 0
            self._position, self._until_ms = position, now_ms + _KEPT_MS
        if key in self._values:
            found: T = self._values[key]
            return found
        made, size = make()
        self._values[key] = made
        self._bytes += size
        return made

    def forget_all(self) -> None:
        """The view was derived again: the same position may say something else."""
        self._position = -1

    def token(self, head: tuple[bytes, int, int], vector: Vector, encode: Callable[[], str]) -> str:
        """The text of a token: members who are told at once are given the same one."""
        known = self._token
        if known is not None and known[0] == head and known[1] is vector:
            return known[2]
        text = encode()
        self._token = (head, vector, text)
        return text
