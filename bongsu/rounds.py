"""Work that many ask for at once and that is done once for all of them, after the last of them asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Rounds(Generic[T]):
    """One round at a time. Who asks while one runs gets the next: this one may have looked already."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._running: asyncio.Future[T] | None = None
        self._next: asyncio.Future[T] | None = None

    async def join(self) -> T:
        """What the next round gives. The round goes on when who waits for it is cancelled."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._begin(self._running))
        return await asyncio.shield(self._next)

    async def _begin(self, before: "asyncio.Future[T] | None") -> T:
        if before is not None:
            await asyncio.wait((before,))
        self._running, self._next = self._next, None
        return await self._work()
