"""Writers that wait until their record is shown: another site has it, or the bound has passed."""

import asyncio
from bisect import insort
from collections import deque


class Waiters:
    """Futures by position, in order."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def wait(self, position: int) -> None:
        """Wait for the record at `position`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        insort(self._waiting, (position, future), key=lambda waiting: waiting[0])
        await future

    def reached(self, position: int) -> None:
        """All up to `position` is shown."""
        while self._waiting and self._waiting[0][0] <= position:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Nothing will be shown any more."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
