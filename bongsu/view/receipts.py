"""Queries: who has read how far."""

from typing import Any

from bongsu.view.context import Context


def receipts_since(context: Context, room: int, user_id: str, position: int) -> dict[str, Any]:
    """The content of an m.receipt event with what `user_id` has not seen; others' private ones left out."""
    found = context.db.all(
        "SELECT event_id, type, user_id, ts, thread FROM receipts WHERE room=? AND position>?"
        " AND (type<>'m.read.private' OR user_id=?)",
        (room, position, user_id),
    )
    content: dict[str, Any] = {}
    for event_id, receipt_type, reader, ts, thread in found:
        entry: dict[str, Any] = {"ts": ts}
        if thread:
            entry["thread_id"] = thread
        content.setdefault(event_id, {}).setdefault(receipt_type, {})[reader] = entry
    return content
