"""Queries: who is in which room."""

from dataclasses import dataclass

from bongsu.view.context import Context
from bongsu.view.touched import MEMBERS


@dataclass(frozen=True, slots=True)
class Member:
    """A user's membership of a room as the current state has it. `changed`, `joined`: positions."""

    user_id: str
    room: int
    membership: str
    event_id: str
    changed: int
    joined: int
    display_name: str | None


_COLUMNS = "user_id, room, membership, event_id, changed, joined, display_name"


def member(context: Context, room: int, user_id: str) -> Member | None:
    """The user's membership, or None if they never had one."""
    found = context.db.one(f"SELECT {_COLUMNS} FROM members WHERE user_id=? AND room=?", (user_id, room))  # noqa: S608
    return None if found is None else Member(*found)


def rooms_of(context: Context, user_id: str) -> list[Member]:
    """Every membership of a user."""
    found = context.db.all(f"SELECT {_COLUMNS} FROM members WHERE user_id=? ORDER BY room", (user_id,))  # noqa: S608
    return [Member(*columns) for columns in found]


def joined_rooms(context: Context, user_id: str) -> list[str]:
    """The ids of the rooms a user is in."""
    found = context.db.all(
        "SELECT room_id FROM members JOIN rooms USING(room)"
        " WHERE user_id=? AND membership='join' ORDER BY room",
        (user_id,),
    )
    return [room_id for (room_id,) in found]


def counts(context: Context, room: int) -> dict[str, int]:
    """How many members a room has, by membership."""
    found = context.db.all(
        "SELECT membership, count(*) FROM members WHERE room=? GROUP BY membership", (room,)
    )
    return {str(membership): int(count) for membership, count in found}


def heroes(context: Context, room: int, but: str) -> list[str]:
    """Up to five others by whom a room without a name is known. Spec: § m.heroes."""
    for memberships in ("'join','invite'", "'leave','ban'"):
        found = context.db.all(
            f"SELECT user_id FROM members WHERE room=? AND membership IN ({memberships}) AND user_id<>?"  # noqa: S608
            " ORDER BY joined, user_id LIMIT 5",
            (room, but),
        )
        if found:
            return [user_id for (user_id,) in found]
    return []


def sharing(context: Context, user_id: str) -> set[str]:
    """Everybody who is joined to a room the user is joined to, the user included."""
    found = context.db.all(
        "SELECT DISTINCT other.user_id FROM members mine JOIN members other ON other.room = mine.room"
        " AND other.membership='join' WHERE mine.user_id=? AND mine.membership='join'",
        (user_id,),
    )
    return {other for (other,) in found} | {user_id}


def changed_since(context: Context, position: int) -> list[Member]:
    """Every membership, of anybody, that changed beyond `position`."""
    if not context.touched.since(MEMBERS, position):
        return []
    found = context.db.all(f"SELECT {_COLUMNS} FROM members WHERE changed>?", (position,))  # noqa: S608
    return [Member(*columns) for columns in found]


def joined_members(context: Context, room: int) -> set[str]:
    """Who is in a room."""
    found = context.db.all("SELECT user_id FROM members WHERE room=? AND membership='join'", (room,))
    return {user_id for (user_id,) in found}


def shared_since(context: Context, user_id: str, other: str | None) -> dict[str, int]:
    """By user (`other` alone if given): the position since which some room has them both."""
    mine = "SELECT room, joined FROM members WHERE user_id=? AND membership='join'"
    only, parameters = ("", (user_id,)) if other is None else (" AND o.user_id=?", (user_id, other))
    found = context.db.all(
        f"SELECT o.user_id, min(max(o.joined, m.joined)) FROM ({mine}) m JOIN members o ON o.room=m.room"  # noqa: S608
        f" AND o.membership='join'{only} GROUP BY o.user_id",
        parameters,
    )
    return {str(name): int(position) for name, position in found}
