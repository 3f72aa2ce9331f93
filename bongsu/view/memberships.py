"""Memberships in memory: who is in which rooms, how many a room has, by whom it is known.

Everything here can be read again from the table `members`; `apply` drops what a member event has changed.
"""

import msgspec

from bongsu import limits
from bongsu.view.cache import Cache
from bongsu.view.db import Database

COLUMNS = "user_id, room, membership, event_id, changed, joined, display_name"


class Member(msgspec.Struct, frozen=True):
    """A user's membership of a room as the current state has it. `changed`, `joined`: positions."""

    user_id: str
    room: int
    membership: str
    event_id: str
    changed: int
    joined: int
    display_name: str | None


class Memberships:
    """Caches over the table of members. Owned by the loop thread."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rooms: Cache[str, dict[int, Member]] = Cache(limits.USERS_IN_MEMORY_MAX)
        self._counts: Cache[int, dict[str, int]] = Cache(limits.LIVE_ROOMS_MAX)
        self._heroes: Cache[int, list[str]] = Cache(limits.LIVE_ROOMS_MAX)

    def of(self, user_id: str) -> dict[int, Member]:
        """Every membership of a user by room, in the order of room numbers. Not to be changed."""
        known = self._rooms.get(user_id)
        if known is None:
            found = self._db.all(f"SELECT {COLUMNS} FROM members WHERE user_id=? ORDER BY room", (user_id,))  # noqa: S608
            known = {member.room: member for member in (Member(*columns) for columns in found)}
            if len(known) <= limits.MEMBERSHIPS_IN_MEMORY_MAX:
                self._rooms.put(user_id, known)
        return known

    def counts(self, room: int) -> dict[str, int]:
        """How many members a room has of each membership. Not to be changed."""
        known = self._counts.get(room)
        if known is None:
            found = self._db.all(
                "SELECT membership, count(*) FROM members WHERE room=? GROUP BY membership", (room,)
            )
            known = {str(membership): int(count) for membership, count in found}
            self._counts.put(room, known)
        return known

    def heroes(self, room: int, but: str) -> list[str]:
        """Up to five others by whom a room without a name is known. Spec: § m.heroes."""
        known = self._heroes.get(room)
        if known is None:
            # One more than are shown: any of them may be the one who asks.
            known = self._first(room, "'join','invite'", limits.HEROES_MAX + 1)
            self._heroes.put(room, known)
        if known in ([], [but]):
            known = self._first(room, "'leave','ban'", limits.HEROES_MAX + 1)
        others = [user_id for user_id in known if user_id != but]
        return others[: limits.HEROES_MAX]

    def _first(self, room: int, memberships: str, limit: int) -> list[str]:
        found = self._db.all(
            f"SELECT user_id FROM members WHERE room=? AND membership IN ({memberships})"  # noqa: S608
            " ORDER BY joined, user_id LIMIT ?",
            (room, limit),
        )
        return [user_id for (user_id,) in found]

    def changed(self, room: int, user_id: str) -> None:
        """A member event took effect."""
        self._rooms.drop(user_id)
        self._counts.drop(room)
        self._heroes.drop(room)

    def forget_all(self) -> None:
        """A batch was rolled back: what was read in it is void."""
        self._rooms.clear()
        self._counts.clear()
        self._heroes.clear()
