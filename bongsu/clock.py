"""Clocks: what time it is, and the stamp of a new value. No clock decides what is true (DESIGN 5.3)."""

import time
from typing import Protocol

from bongsu import limits


class Clock(Protocol):
    """Where a node's time comes from; tests and the simulator bring their own."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, never before the build date."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...


class SystemClock:
    """The machine's clock. One before the build date counts as absent: many hubs have no battery for it."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, at least `limits.BUILD_DATE_MS`."""
        return max(time.time_ns() // 1_000_000, limits.BUILD_DATE_MS)

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()


def next_stamp(now_ms: int, *replaced: int) -> int:
    """The stamp of a value that replaces those stamped `replaced`: later than each of them, and than now."""
    # Beyond the bound no other node would take the record, nor any behind it in this node's log.
    return min(max(now_ms, max(replaced, default=0) + 1), limits.SEQ_MAX)
