"""Queries for administrators: who they are, accounts, media, reports, and what was done."""

from hashlib import sha256
from typing import Any

from bongsu.canonical import json_bytes
from bongsu.view import registers
from bongsu.view.context import Context
from bongsu.view.media import QUARANTINE

FAMILY = "administrator"
REPORT_DONE = "report_done"


def is_administrator(context: Context, user_id: str) -> bool:
    """Whether the operators made the user one."""
    return registers.get(context, FAMILY, "", "", user_id) is not None


def users(context: Context, wanted: str, after: str, limit: int) -> list[dict[str, Any]]:
    """Accounts behind `after`, by name; `wanted`: a part of their id or display name."""
    rows = context.db.all(
        "SELECT u.user_id, json_extract(p.value, '$'), u.created_ts, u.deactivated, n.site,"
        " (SELECT count(*) FROM sessions s WHERE s.user_id=u.user_id AND s.ended=0)"
        " FROM users u LEFT JOIN nodes n ON n.node=u.author"
        " LEFT JOIN registers p ON p.family='profile' AND p.owner=u.user_id AND p.key1='' AND"
        "  p.key2='displayname'"
        " WHERE u.user_id>? AND (?='' OR instr(lower(u.user_id), ?) OR"
        "  instr(lower(coalesce(json_extract(p.value, '$'), '')), ?)) ORDER BY u.user_id LIMIT ?",
        (after, *3 * (wanted.lower(),), limit),
    )
    return [
        {
            "user_id": user_id,
            "display_name": display_name,
            "created_ts": created_ts,
            "deactivated": bool(deactivated),
            "site": site,
            "sessions": sessions,
            "administrator": is_administrator(context, user_id),
        }
        for user_id, display_name, created_ts, deactivated, site, sessions in rows
    ]


def media(context: Context, user_id: str, after: str, limit: int) -> list[dict[str, Any]]:
    """A user's files (of everybody where the user is ""), behind `after`, by media id."""
    rows = context.db.all(
        "SELECT media_id, user_id, bytes, content_type, created_ts FROM media"
        " WHERE media_id>? AND (?='' OR user_id=?) AND hash IS NOT NULL ORDER BY media_id LIMIT ?",
        (after, user_id, user_id, limit),
    )
    names = ("media_id", "user_id", "bytes", "content_type", "created_ts")
    held = {name for name, _ in registers.under(context, QUARANTINE, "", "")}
    return [{**dict(zip(names, row, strict=True)), "quarantined": row[0] in held} for row in rows]


def reports(context: Context, before: int, limit: int) -> list[dict[str, Any]]:
    """What users reported before a number of an earlier answer, the latest first.

    `number` means something at this node alone; `id` is the same everywhere. `done`: who looked at it.
    """
    rows = context.db.all(
        "SELECT position, reporter, room_id, event_id, user_id, reason, ts FROM reports"
        " WHERE position<? ORDER BY position DESC LIMIT ?",
        (before, limit),
    )
    names = ("number", "reporter", "room_id", "event_id", "user_id", "reason", "ts")
    found = []
    for row in rows:
        name = sha256(json_bytes(list(row[1:]))).hexdigest()[:32]
        done = registers.get(context, REPORT_DONE, "", "", name)
        found.append({**dict(zip(names, row, strict=True)), "id": name, "done": done})
    return found


def acts(context: Context, before: int, limit: int) -> list[dict[str, Any]]:
    """What administrators did before a number of an earlier answer, the latest first."""
    rows = context.db.all(
        "SELECT position, actor, act, target, ts FROM admin_acts"
        " WHERE position<? ORDER BY position DESC LIMIT ?",
        (before, limit),
    )
    return [dict(zip(("number", "actor", "act", "target", "ts"), row, strict=True)) for row in rows]
