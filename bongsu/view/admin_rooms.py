"""Queries for administrators: rooms, who is in them, and which of them were closed."""

from typing import Any

from bongsu import limits
from bongsu.view import directory, registers
from bongsu.view.context import Context

CLOSED = "closed_room"
ENTERED = ("join", "invite", "knock")
_JOINED = "(SELECT count(*) FROM members m WHERE m.room=r.room AND m.membership='join')"


def rooms(context: Context, wanted: str, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    """Rooms behind `after`, by id, and behind which to go on; `wanted`: a part of the name or id.

    Names are read from events, so only so many rooms are looked at: others wait for the loop meanwhile.
    """
    wanted = wanted.casefold()
    rows = context.db.all(
        f"SELECT r.room_id, r.room, {_JOINED} FROM rooms r WHERE r.room_id>? ORDER BY r.room_id LIMIT ?",  # noqa: S608
        (after, limits.ADMIN_ROOMS_LOOKED_AT),
    )
    found: list[dict[str, Any]] = []
    for room_id, room, joined in rows:
        said = _of_state(context, room_id, room)
        if wanted in f"{said['name'] or ''} {room_id}".casefold():
            found.append({"room_id": room_id, "joined": joined, **said})
        if len(found) == limit:
            return found, room_id
    return found, rows[-1][0] if len(rows) == limits.ADMIN_ROOMS_LOOKED_AT else None


def _of_state(context: Context, room_id: str, room: int) -> dict[str, Any]:
    said = directory.summary(context, room, room_id)
    return {
        "version": said["room_version"],
        "name": said.get("name"),
        "type": said.get("room_type"),
        "join_rule": said["join_rule"],
        "encrypted": "encryption" in said,
        "closed": registers.get(context, CLOSED, "", "", room_id) is not None,
    }


def room(context: Context, room_id: str, number: int, limit: int) -> dict[str, Any]:
    """A room and its members, those inside first."""
    rows = context.db.all(
        "SELECT user_id, membership, display_name FROM members WHERE room=?"
        " AND membership IN ('join', 'invite', 'knock', 'ban')"
        " ORDER BY membership<>'join', user_id LIMIT ?",
        (number, limit),
    )
    joined = context.db.value(
        "SELECT count(*) FROM members WHERE room=? AND membership='join'", (number,), default=0
    )
    names = ("user_id", "membership", "display_name")
    return {
        "room_id": room_id,
        "joined": joined,
        **_of_state(context, room_id, number),
        "topic": directory.summary(context, number, room_id).get("topic"),
        "aliases": directory.aliases(context, room_id),
        "members": [dict(zip(names, row, strict=True)) for row in rows],
    }


def present(context: Context, number: int) -> list[str]:
    """Who is in a room, is invited, or has knocked."""
    rows = context.db.all(
        "SELECT user_id FROM members WHERE room=? AND membership IN ('join', 'invite', 'knock')"
        " ORDER BY user_id",
        (number,),
    )
    return [user_id for (user_id,) in rows]


def is_closed(context: Context, room_id: str) -> bool:
    """Whether an administrator closed the room."""
    return registers.get(context, CLOSED, "", "", room_id) is not None


def inside_closed(context: Context) -> list[tuple[str, str]]:
    """(room id, user id) of who is in, is invited to, or has knocked at a room that was closed."""
    return context.db.all(
        "SELECT r.room_id, m.user_id FROM registers g JOIN rooms r ON r.room_id=g.key2"
        " JOIN members m ON m.room=r.room AND m.membership IN (?, ?, ?)"
        " WHERE g.family=? AND g.owner='' AND g.key1='' AND g.value IS NOT NULL"
        " ORDER BY r.room_id, m.user_id",
        (*ENTERED, CLOSED),
    )
