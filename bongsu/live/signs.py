"""Typing and presence: told to whoever is connected, never recorded, forgotten at a restart."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Presence:
    """What a user shows. `last_active`: monotonic seconds. `changed`: the live count at the last change."""

    state: str
    status: str | None
    last_active: float
    changed: int


class Signs:
    """Counts its changes, so that a sync token can say which of them a client has seen."""

    def __init__(self, monotonic: Callable[[], float], first: int) -> None:
        """`first` exceeds every count of earlier starts (the clock), since tokens outlive the process."""
        self._monotonic = monotonic
        self.count = first
        self.presence: dict[str, Presence] = {}
        self._typing: dict[str, dict[str, float]] = {}
        self._typing_changed: dict[str, int] = {}

    def set_typing(self, room_id: str, user_id: str, timeout_s: float | None) -> bool:
        """Start (or stop: None) typing. True if what others see has changed."""
        typing = self._typing.setdefault(room_id, {})
        known = user_id in typing
        if timeout_s is None:
            typing.pop(user_id, None)
        else:
            typing[user_id] = self._monotonic() + timeout_s
        if known == (timeout_s is not None):
            return False
        self._changed_typing(room_id)
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
                self._changed_typing(room_id)
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

    def set_presence(self, user_id: str, state: str, status: str | None) -> bool:
        """Store what a user shows. True if others should hear of it."""
        now = self._monotonic()
        known = self.presence.get(user_id)
        if known is not None and (known.state, known.status) == (state, status):
            known.last_active = now
            return False
        self.count += 1
        self.presence[user_id] = Presence(state, status, now, self.count)
        return True

    def _changed_typing(self, room_id: str) -> None:
        self.count += 1
        self._typing_changed[room_id] = self.count
