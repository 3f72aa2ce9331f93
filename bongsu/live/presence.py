"""Who is there: told to whoever shares a room, never recorded, forgotten at a restart."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ONLINE, UNAVAILABLE, OFFLINE = "online", "unavailable", "offline"
_SWEEP_S = 1.0
_ACTIVE_S = 60.0


@dataclass(slots=True)
class Presence:
    """What a user shows. Times are monotonic seconds; `changed`: the live count at the last change."""

    state: str = OFFLINE
    status: str | None = None
    last_active: float = 0.0
    online_until: float = 0.0
    idle_until: float = 0.0
    changed: int = 0


class Presences:
    """Users by their last change. Nobody keeps a clock: who has gone is noticed when somebody asks."""

    def __init__(self, monotonic: Callable[[], float], next_count: Callable[[], int]) -> None:
        self._monotonic = monotonic
        self._next_count = next_count
        self._users: OrderedDict[str, Presence] = OrderedDict()
        self._swept = 0.0
        self.changed = 0

    def get(self, user_id: str) -> Presence:
        """What a user shows, as of the last sweep."""
        return self._users.get(user_id, Presence())

    def active_ago_ms(self, presence: Presence) -> int:
        """How long ago the user did something."""
        return max(0, int((self._monotonic() - presence.last_active) * 1000))

    def active(self, presence: Presence) -> bool:
        """Whether the user did something just now."""
        return presence.state == ONLINE and self._monotonic() - presence.last_active < _ACTIVE_S

    def seen(self, user_id: str, state: str, until_s: float) -> bool:
        """A client of the user syncs and will be there for `until_s` seconds. True if others should hear.

        A client that is idle does not hide another that is not.
        """
        now = self._monotonic()
        known = self._users.get(user_id) or Presence()
        if state == ONLINE:
            known.online_until = max(known.online_until, now + until_s)
        elif state == UNAVAILABLE:
            known.idle_until = max(known.idle_until, now + until_s)
        return self._settle(user_id, known, now)

    def set(self, user_id: str, state: str, status: str | None, until_s: float) -> bool:
        """The user says what to show. True if others should hear."""
        now = self._monotonic()
        known = self._users.get(user_id) or Presence()
        known.online_until = now + until_s if state == ONLINE else 0.0
        known.idle_until = now + until_s if state == UNAVAILABLE else 0.0
        if state == ONLINE:
            known.last_active = now
        other_status = known.status != status
        known.status = status
        if other_status and known.state == state:
            self._change(user_id, known)
            return True
        return self._settle(user_id, known, now)

    def sweep(self) -> list[str]:
        """Mark those whose clients have gone; at most once a second. The users that changed."""
        now = self._monotonic()
        if now - self._swept < _SWEEP_S:
            return []
        self._swept = now
        return [user_id for user_id, known in list(self._users.items()) if self._settle(user_id, known, now)]

    def since(self, live: int) -> Iterator[tuple[str, Presence]]:
        """Users who changed beyond the live count, the last first."""
        for user_id in reversed(self._users):
            presence = self._users[user_id]
            if presence.changed <= live:
                return
            yield user_id, presence

    def _settle(self, user_id: str, known: Presence, now: float) -> bool:
        state = ONLINE if known.online_until > now else UNAVAILABLE if known.idle_until > now else OFFLINE
        if state == known.state:
            return False
        if state == ONLINE:
            known.last_active = now
        known.state = state
        self._change(user_id, known)
        return True

    def _change(self, user_id: str, known: Presence) -> None:
        known.changed = self.changed = self._next_count()
        # In the order of changes: a user who never changed has no place.
        self._users[user_id] = known
        self._users.move_to_end(user_id)
