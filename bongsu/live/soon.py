"""What may wait a moment: gathered, so that it wakes a client once a second and not once an occasion."""

import asyncio
from collections.abc import Callable, Iterable

from bongsu import limits


class Soon:
    """Rooms whose members are to be woken. Has a timer only while there are some."""

    def __init__(self, notify: Callable[[set[str]], None]) -> None:
        self._notify = notify
        self._rooms: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add_rooms(self, room_ids: Iterable[str]) -> None:
        """Wake the members of these rooms within `limits.SOON_S`."""
        self._rooms.update(room_ids)
        if self._rooms and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(limits.SOON_S, self._fire)

    def _fire(self) -> None:
        self._timer = None
        rooms, self._rooms = self._rooms, set()
        self._notify(rooms)

    def stop(self) -> None:
        """The node is stopping: no more timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rooms.clear()
