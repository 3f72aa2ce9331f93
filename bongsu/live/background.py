"""Work that goes on beside the requests until the node stops."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Background:
    """One piece of work that never ends by itself. For the loop's thread."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on. A defect in the work is logged when it is closed, as asyncio does."""
        self._task = asyncio.ensure_future(self._work())

    async def close(self) -> None:
        """No more of it, once this returns."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
