"""Which records waited for others, and were applied later than their position says.

docs/decisions/waiting-events.md."""

from collections import deque
from collections.abc import Iterable
from itertools import takewhile

from bongsu import limits


class Released:
    """Owned by the loop thread; of one start of the node, and of that no more than fits."""

    def __init__(self, position: int) -> None:
        """`position`: up to where the view had got at the start."""
        self._known_from = position
        # (position of the record after which it was applied, its own), in this order.
        self._records: deque[tuple[int, int]] = deque()

    def note(self, at: int, positions: Iterable[int]) -> None:
        """Records that waited were applied by the batch that ends at position `at`."""
        self._records.extend((at, position) for position in positions)
        while len(self._records) > limits.RELEASED_RECORDS_MAX:
            self._known_from = self._records.popleft()[0]

    def beyond(self, position: int) -> frozenset[int] | None:
        """What waited when the view had got to `position` and does not now; None: not known any more."""
        if position < self._known_from:
            return None
        later = takewhile(lambda each: each[0] > position, reversed(self._records))
        return frozenset(own for _, own in later if own <= position)
