"""What may wait a moment: gathered, so that it wakes a client once a second and not once an occasion."""

from collections.abc import Callable, Iterable

from bongsu import limits
from bongsu.live.alarm import Alarm


class Soon:
    """Rooms whose members are to be woken. Has a timer only while there are some."""

    def __init__(self, notify: Callable[[set[str]], None]) -> None:
        self._notify = notify
        self._rooms: set[str] = set()
        self._alarm = Alarm(self._fire)

    def add_rooms(self, room_ids: Iterable[str]) -> None:
        """Wake the members of these rooms within `limits.SOON_S`."""
        self._rooms.update(room_ids)
        if self._rooms and not self._alarm.is_set:
            self._alarm.set(limits.SOON_S)

    def _fire(self) -> None:
        rooms, self._rooms = self._rooms, set()
        self._notify(rooms)

    def stop(self) -> None:
        """The node is stopping: no more timers."""
        self._alarm.cancel()
        self._rooms.clear()
