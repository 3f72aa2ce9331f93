"""Typing and presence: told to whoever is connected, never recorded, forgotten at a restart."""

from collections import OrderedDict
from collections.abc import Callable

from bongsu.live.presence import Presences


class Signs:
    """Counts its changes, so that a sync token can say which of them a client has seen."""

    def __init__(self, monotonic: Callable[[], float], first: int) -> None:
        """`first` exceeds every count of earlier starts (the clock), since tokens outlive the process."""
        self._monotonic = monotonic
        self.count = first
        self.presences = Presences(monotonic, self._next)
        self._typing: dict[str, dict[str, float]] = {}
        # The room that changed last stands last.
        self._typing_changed: OrderedDict[str, int] = OrderedDict()

    def set_typing(self, room_id: str, user_id: str, timeout_s: float | None) -> bool:
        """Start (or stop: None) typing. True if what others see has changed."""
        typing = self._typing.setdefault(room_id, {})
        known = user_id in typing
        if timeout_s is None:
            typing.pop(user_id, None)
        else:
            typing[user_id] = self._monotonic() + timeout_s
        if not typing:
            del self._typing[room_id]
        if known == (timeout_s is not None):
            return False
        self._typing_has_changed(room_id)
        return True

    def expire_typing(self) -> list[str]:
        """Drop those whose time is over; the rooms in which that changed something."""
        now = self._monotonic()
        changed = []
        for room_id, typing in list(self._typing.items()):
            over = [user_id for user_id, until in typing.items() if until <= now]
            for user_id in over:
                del typing[user_id]
            if over:
                self._typing_has_changed(room_id)
                changed.append(room_id)
            if not typing:
                del self._typing[room_id]
        return changed

    def next_expiry(self) -> float | None:
        """The monotonic time at which somebody's typing ends next; None if nobody types."""
        times = [until for typing in self._typing.values() for until in typing.values()]
        return min(times, default=None)

    def typing_since(self, room_id: str, live: int) -> list[str] | None:
        """Who types in the room, if that has changed since `live`; else None."""
        if self._typing_changed.get(room_id, 0) <= live:
            return None
        return sorted(self._typing.get(room_id, {}))

    def typing_rooms_since(self, live: int) -> list[str]:
        """The rooms in which who types has changed since `live`."""
        found = []
        for room_id, changed in reversed(self._typing_changed.items()):
            if changed <= live:
                break
            found.append(room_id)
        return found

    def _typing_has_changed(self, room_id: str) -> None:
        self._typing_changed[room_id] = self._next()
        self._typing_changed.move_to_end(room_id)

    def _next(self) -> int:
        self.count += 1
        return self.count
