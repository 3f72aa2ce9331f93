"""Who waits for what: long polls of users, woken when something of theirs changed."""

import asyncio
from collections.abc import Iterable


class Wake:
    """Waiting requests by user. Owned by the loop thread."""

    def __init__(self) -> None:
        # Of each user in the order in which they came, which is how they are woken.
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}

    @property
    def waiting(self) -> int:
        """How many users wait."""
        return len(self._waiting)

    @property
    def everybody(self) -> list[str]:
        """All who wait."""
        return list(self._waiting)

    async def wait(self, user_id: str, timeout_s: float) -> None:
        """Return when `user_id` is notified, or after `timeout_s`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(user_id, {})[future] = None
        handle = loop.call_later(timeout_s, _set, future)
        try:
            await future
        finally:
            handle.cancel()
            futures = self._waiting.get(user_id)
            if futures is not None:
                futures.pop(future, None)
                if not futures:
                    del self._waiting[user_id]

    def notify(self, user_ids: Iterable[str]) -> None:
        """Wake the users' waiting requests."""
        if not self._waiting:
            return
        for user_id in user_ids:
            for future in self._waiting.get(user_id, ()):
                _set(future)

    def notify_all(self) -> None:
        """Wake everybody: the node is stopping."""
        self.notify(self.everybody)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
