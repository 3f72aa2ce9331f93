"""Media ids become rows: an id is given out, later it gets its bytes; the first to give it bytes stands."""

from typing import Any

from bongsu.log.record import Record
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_media(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """MEDIA: of several records of one id those with bytes count before those without, then the earliest."""
    media_hash = None if body["hash"] is None else bytes.fromhex(body["hash"])
    mine = (media_hash is None, record.header.stamp, record.log.node)
    found = context.db.one(
        "SELECT hash IS NULL, stamp, author FROM media WHERE media_id=?", (body["media_id"],)
    )
    if found is not None and (bool(found[0]), found[1], found[2]) <= mine:
        return
    context.db.run(
        "INSERT OR REPLACE INTO media VALUES(?,?,?,?,?,?,?,?,?)",
        (
            body["media_id"],
            body["user_id"],
            media_hash,
            body["bytes"],
            body["content_type"],
            body["file_name"],
            body["created_ts"],
            record.header.stamp,
            record.log.node,
        ),
    )
    changes.media.add(body["media_id"])
