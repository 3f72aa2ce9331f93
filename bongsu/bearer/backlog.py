"""The logs of one lane of which a peer lacks something, in the order in which it came here. Pure.

Given log by log, most of a backlog would wait at its taker for what it refers to in other logs."""

import heapq
from collections.abc import Callable

from bongsu.log.record import LogName

Place = Callable[[LogName, int], int]


class Backlog:
    """Each log once, with the seq after which it goes on; first is that whose next record is oldest here."""

    def __init__(self, place: Place) -> None:
        """`place(log, seq)`: which record it was of all that arrived here."""
        self._place = place
        # Most of the time a single log is here for a moment: its place need not be looked up.
        self._new: list[tuple[LogName, int]] = []
        self._placed: list[tuple[int, LogName, int]] = []
        self._logs: set[LogName] = set()

    def __len__(self) -> int:
        return len(self._logs)

    def clear(self) -> None:
        """Nothing is lacking."""
        self._new.clear()
        self._placed.clear()
        self._logs.clear()

    def add(self, log: LogName, after: int) -> None:
        """The peer lacks the records of `log` after the seq `after`. A log that is here already stays so."""
        if log not in self._logs:
            self._logs.add(log)
            self._new.append((log, after))

    def pop(self) -> tuple[LogName, int] | None:
        """Take out the first log and its seq; None where there is none."""
        if len(self._logs) == 1 and self._new:
            log, after = self._new.pop()
        elif self.first_place() is not None:
            _, log, after = heapq.heappop(self._placed)
        else:
            return None
        self._logs.discard(log)
        return log, after

    def first_place(self) -> int | None:
        """The place of the record that is given next; None where there is none."""
        while self._new:
            log, after = self._new.pop()
            heapq.heappush(self._placed, (self._place(log, after + 1), log, after))
        return self._placed[0][0] if self._placed else None
