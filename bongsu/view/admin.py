"""Queries for administrators: who they are, accounts, rooms, media, reports, and what was done."""

from typing import Any

from bongsu.view import registers
from bongsu.view.context import Context

FAMILY = "administrator"


def is_administrator(context: Context, user_id: str) -> bool:
    """Whether the operators made the user one."""
    return registers.get(context, FAMILY, "", "", user_id) is not None


def users(context: Context, after: str, limit: int) -> list[dict[str, Any]]:
    """Accounts behind `after`, by name."""
    rows = context.db.all(
        "SELECT u.user_id, u.created_ts, u.deactivated, n.site,"
        " (SELECT count(*) FROM sessions s WHERE s.user_id=u.user_id AND s.ended=0)"
        " FROM users u LEFT JOIN nodes n ON n.node=u.author WHERE u.user_id>? ORDER BY u.user_id LIMIT ?",
        (after, limit),
    )
    return [
        {
            "user_id": user_id,
            "created_ts": created_ts,
            "deactivated": bool(deactivated),
            "site": site,
            "sessions": sessions,
            "administrator": is_administrator(context, user_id),
        }
        for user_id, created_ts, deactivated, site, sessions in rows
    ]


def rooms(context: Context, after: str, limit: int) -> list[dict[str, Any]]:
    """Rooms behind `after`, by id, with how many are in them."""
    rows = context.db.all(
        "SELECT r.room_id, r.version,"
        " (SELECT count(*) FROM members m WHERE m.room=r.room AND m.membership='join'),"
        " EXISTS(SELECT 1 FROM current_state c WHERE c.room=r.room AND c.type='m.room.encryption')"
        " FROM rooms r WHERE r.room_id>? ORDER BY r.room_id LIMIT ?",
        (after, limit),
    )
    return [
        {"room_id": room_id, "version": version, "joined": joined, "encrypted": bool(encrypted)}
        for room_id, version, joined, encrypted in rows
    ]


def media(context: Context, user_id: str, after: str, limit: int) -> list[dict[str, Any]]:
    """A user's files (of everybody where the user is ""), behind `after`, by media id."""
    rows = context.db.all(
        "SELECT media_id, user_id, bytes, content_type, created_ts FROM media"
        " WHERE media_id>? AND (?='' OR user_id=?) AND hash IS NOT NULL ORDER BY media_id LIMIT ?",
        (after, user_id, user_id, limit),
    )
    names = ("media_id", "user_id", "bytes", "content_type", "created_ts")
    return [dict(zip(names, row, strict=True)) for row in rows]


def reports(context: Context, before: int, limit: int) -> list[dict[str, Any]]:
    """What users reported before a number of an earlier answer, the latest first."""
    rows = context.db.all(
        "SELECT position, reporter, room_id, event_id, user_id, reason, ts FROM reports"
        " WHERE position<? ORDER BY position DESC LIMIT ?",
        (before, limit),
    )
    names = ("number", "reporter", "room_id", "event_id", "user_id", "reason", "ts")
    return [dict(zip(names, row, strict=True)) for row in rows]


def acts(context: Context, before: int, limit: int) -> list[dict[str, Any]]:
    """What administrators did before a number of an earlier answer, the latest first."""
    rows = context.db.all(
        "SELECT position, actor, act, target, ts FROM admin_acts"
        " WHERE position<? ORDER BY position DESC LIMIT ?",
        (before, limit),
    )
    return [dict(zip(("number", "actor", "act", "target", "ts"), row, strict=True)) for row in rows]
