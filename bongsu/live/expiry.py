"""Ends typing when its time is over. Has a timer only while somebody types."""

from collections.abc import Callable

from bongsu.live.alarm import Alarm
from bongsu.live.signs import Signs


class TypingExpiry:
    """One timer, for whoever's typing ends next."""

    def __init__(
        self, signs: Signs, monotonic: Callable[[], float], notify_room: Callable[[str], None]
    ) -> None:
        self._signs = signs
        self._monotonic = monotonic
        self._notify_room = notify_room
        self.alarm = Alarm(self._ring)
        self._at = 0.0

    def watch(self) -> None:
        """Somebody began, went on or stopped typing."""
        following = self._signs.next_expiry()
        if self.alarm.is_set and following is not None and following >= self._at:
            # The timer wakes too early rather than being set anew at every stroke.
            return
        self.stop()
        if following is not None:
            self._at = following
            self.alarm.set(max(0.0, following - self._monotonic()))

    def _ring(self) -> None:
        for room_id in self._signs.expire_typing():
            self._notify_room(room_id)
        self.watch()

    def stop(self) -> None:
        """Forget the timer."""
        self.alarm.cancel()
