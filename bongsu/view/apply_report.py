"""Reports become rows: what users tell the administrators of rooms, events and users."""

from typing import Any

from bongsu.log.record import Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_report(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """REPORT: each stands for itself."""
    row = (
        record.position,
        body["reporter"],
        body["room_id"],
        body["event_id"],
        body["user_id"],
        body["reason"],
        body["ts"],
    )
    context.db.run("INSERT OR IGNORE INTO reports VALUES(?,?,?,?,?,?,?)", row)
