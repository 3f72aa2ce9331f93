"""What is kept in memory of who is told of what: rules, names, recent outcomes, unread counts.

Everything here can be read again from the tables.
"""

from collections import deque
from dataclasses import dataclass, field

from bongsu import limits
from bongsu.push.rules import Ruleset
from bongsu.view.cache import Cache

Counts = dict[str, tuple[int, int]]  # by thread: notifications, and those of them that are highlights


@dataclass(frozen=True, slots=True)
class Rules:
    """A user's rules. `own`: they differ from the defaults, so that events are judged one by one."""

    own: bool
    ruleset: Ruleset


@dataclass(frozen=True, slots=True)
class Notice:
    """One event as the default rules judge it. `thread`: its root's id, or "main"."""

    position: int
    event_id: str
    sender: str
    outcome: int
    highlights: frozenset[str]
    thread: str


@dataclass(slots=True)
class Recent:
    """The newest notices of a room, in order of arrival: all those beyond `start`."""

    start: int
    notices: deque[Notice] = field(default_factory=deque)


@dataclass(slots=True)
class Counted:
    """Unread counts that hold up to `position`, for a membership that began at `joined`."""

    position: int
    joined: int
    recent: Recent
    counts: Counts


@dataclass(frozen=True, slots=True)
class Name:
    """A member's display name in lower case, and the member event that holds it."""

    name: str
    user_id: str
    event_id: str


class Notices:
    """Caches, emptied where what they hold is no longer true."""

    def __init__(self) -> None:
        self.rules: Cache[str, Rules] = Cache(5_000)
        self.names: Cache[int, dict[str, list[Name]]] = Cache(500)
        self.counts: Cache[tuple[str, int], Counted] = Cache(50_000)
        self._recent: Cache[int, Recent] = Cache(limits.LIVE_ROOMS_MAX)

    def recent(self, room: int) -> Recent | None:
        """The room's newest notices, if any are held."""
        return self._recent.get(room)

    def begin(self, room: int, position: int) -> Recent:
        """Hold the room's notices from now on; everything up to `position` is applied."""
        begun = Recent(position)
        self._recent.put(room, begun)
        return begun

    def add(self, room: int, notice: Notice) -> None:
        """An event was applied."""
        recent = self._recent.get(room)
        if recent is None:
            return
        if notice.position < (recent.notices[-1].position if recent.notices else recent.start):
            # It waited for another, so that counts which hold beyond its place lack it.
            self.forget_room(room)
            return
        recent.notices.append(notice)
        if len(recent.notices) > limits.RECENT_NOTICES_MAX:
            recent.start = recent.notices.popleft().position

    def forget_room(self, room: int) -> None:
        """An event of the room counts differently now. Counts that stand on the old `Recent` are void."""
        self._recent.drop(room)

    def forget_rules(self, user_id: str) -> None:
        """A user's rules have changed, and so what counts for them."""
        self.rules.drop(user_id)
        for key in self.counts.keys_of(lambda key: key[0] == user_id):
            self.counts.drop(key)

    def clear(self) -> None:
        """Forget everything: a batch was rolled back."""
        self.rules.clear()
        self.names.clear()
        self.counts.clear()
        self._recent.clear()
