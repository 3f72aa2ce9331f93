"""Queries: what relates to an event. Spec: Client-Server API § Forming relationships between events."""

from typing import Any

from bongsu.view.context import Context
from bongsu.view.events import EventRow


def replacement(context: Context, row: EventRow) -> EventRow | None:
    """The newest valid edit of an event: by its own sender, of its own type, not a state event."""
    if row.state_key is not None:
        return None
    found = context.events.rows(
        "relates_to=? AND rel_type='m.replace' AND verdict=0 AND room=? AND sender=? AND type=?"
        " AND state_key IS NULL ORDER BY stamp DESC, event_id DESC LIMIT 1",
        (row.event_id, row.room, row.sender, row.type),
    )
    return found[0] if found else None


def bundled(context: Context, row: EventRow) -> dict[str, Any]:
    """The bundled aggregations of an event; {} if nothing relates to it."""
    if row.redacted_by is not None:
        return {}
    if context.db.one("SELECT 1 FROM events WHERE relates_to=? LIMIT 1", (row.event_id,)) is None:
        return {}
    relations: dict[str, Any] = {}
    edit = replacement(context, row)
    if edit is not None:
        event = context.events.load(edit.position, edit.event_id, context.events.room_id(edit.room))
        relations["m.replace"] = {
            "event_id": event.event_id,
            "origin_server_ts": event.origin_server_ts,
            "sender": event.sender,
            "type": event.type,
            "content": event.content,
            "room_id": event.room_id,
        }
    references = context.db.all(
        "SELECT event_id FROM events WHERE relates_to=? AND rel_type='m.reference' AND verdict=0 AND room=?"
        " ORDER BY stamp, event_id LIMIT 50",
        (row.event_id, row.room),
    )
    if references:
        relations["m.reference"] = {"chunk": [{"event_id": event_id} for (event_id,) in references]}
    return relations
