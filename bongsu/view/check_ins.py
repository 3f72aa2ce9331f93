"""Queries: who said how they are, who may know it, and who asked (DESIGN 8)."""

from dataclasses import dataclass
from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes, read_trusted
from bongsu.tower.check_in import CheckIn, standing
from bongsu.view.context import Context

_READ = "SELECT user_id, answer, body, stamp, changed FROM check_ins"
_ORDER = " ORDER BY stamp, author, answer, body, user_id"


@dataclass(frozen=True, slots=True)
class Request:
    """A user's question to people they know."""

    id: str
    user_id: str
    users: tuple[str, ...]
    room_id: str | None
    text: str
    stamp: int


def friends(context: Context, user_id: str) -> set[str]:
    """Those who see the user's check-ins: who shares a room with them that is small enough to know people."""
    found: set[str] = set()
    for room, member in context.memberships.of(user_id).items():
        if member.membership != "join" or not _is_small(context, room):
            continue
        rows = context.db.all("SELECT user_id FROM members WHERE room=? AND membership='join'", (room,))
        found.update(each for (each,) in rows)
    return found - {user_id}


def are_friends(context: Context, one: str, other: str) -> bool:
    """Whether they see each other's check-ins."""
    mine, theirs = context.memberships.of(one), context.memberships.of(other)
    return any(
        mine[room].membership == theirs[room].membership == "join" and _is_small(context, room)
        for room in mine.keys() & theirs.keys()
    )


def _is_small(context: Context, room: int) -> bool:
    return context.memberships.counts(room).get("join", 0) <= limits.CHECK_IN_ROOM_MEMBERS_MAX


def last_stamp(context: Context, user_id: str) -> int:
    """The stamp of what the user said last; 0: nothing."""
    return int(context.db.value("SELECT max(stamp) FROM check_ins WHERE user_id=?", (user_id,)) or 0)


def all_of(context: Context) -> list[CheckIn]:
    """What everybody said last to each question, the latest last."""
    return [_check_in(row) for row in context.db.all(_READ + _ORDER)]


def seen_by(context: Context, user_id: str) -> list[CheckIn]:
    """What stands of what the user and their friends said."""
    return _standing(context, friends(context, user_id) | {user_id})


def changed_since(context: Context, position: int) -> list[CheckIn]:
    """What stands, of that which was said beyond a position."""
    rows = context.db.all("SELECT DISTINCT user_id FROM check_ins WHERE changed>?", (position,))
    return [each for each in _standing(context, {user for (user,) in rows}) if each.changed > position]


def _standing(context: Context, users: set[str]) -> list[CheckIn]:
    named = json_bytes(sorted(users)).decode()
    rows = context.db.all(f"{_READ} WHERE user_id IN (SELECT value FROM json_each(?)){_ORDER}", (named,))  # noqa: S608
    return standing([_check_in(row) for row in rows], context.tower.exercises())


def requests(context: Context, user_id: str, position: int = 0) -> list[tuple[int, Request]]:
    """(position, request) of requests that the user made or is asked by, beyond a position."""
    rows = context.db.all(
        "SELECT changed, id, user_id, users, room_id, text, stamp FROM check_requests"
        " WHERE changed>? ORDER BY changed",
        (position,),
    )
    found = []
    for changed, name, asker, users, room_id, text, stamp in rows:
        asked = read_trusted(users)
        if user_id == asker or user_id in asked:
            found.append((changed, Request(name, asker, tuple(asked), room_id, text, stamp)))
    return found


def _check_in(row: Any) -> CheckIn:
    user_id, answer, text, stamp, changed = row
    said = read_trusted(text)
    place = said.get("where")
    return CheckIn(
        user_id,
        answer,
        tuple(said.get("with", ())),
        tuple(place) if isinstance(place, list) else place,
        said.get("request", ""),
        stamp,
        changed,
    )
