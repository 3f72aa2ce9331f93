"""Queries: who is in which room."""

from bongsu.view.context import Context
from bongsu.view.memberships import COLUMNS, Member
from bongsu.view.touched import MEMBERS


def member(context: Context, room: int, user_id: str) -> Member | None:
    """The user's membership, or None if they never had one."""
    found = context.db.one(f"SELECT {COLUMNS} FROM members WHERE user_id=? AND room=?", (user_id, room))  # noqa: S608
    return None if found is None else Member(*found)


def rooms_of(context: Context, user_id: str) -> list[Member]:
    """Every membership of a user."""
    return list(context.memberships.of(user_id).values())


def joined_rooms(context: Context, user_id: str) -> list[str]:
    """The ids of the rooms a user is in."""
    mine = context.memberships.of(user_id).values()
    return [context.events.room_id(each.room) for each in mine if each.membership == "join"]


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
    found = context.db.all(f"SELECT {COLUMNS} FROM members WHERE changed>?", (position,))  # noqa: S608
    return [Member(*columns) for columns in found]


def joined_members(context: Context, room: int) -> set[str]:
    """Who is in a room."""
    found = context.db.all("SELECT user_id FROM members WHERE room=? AND membership='join'", (room,))
    return {user_id for (user_id,) in found}


def banned_members(context: Context, room: int) -> dict[str, str]:
    """Who is banned from a room, and the event that says so; the latest first."""
    found = context.db.all(
        "SELECT user_id, event_id FROM members WHERE room=? AND membership='ban'"
        " ORDER BY changed DESC, user_id",
        (room,),
    )
    return {str(user_id): str(event_id) for user_id, event_id in found}


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
