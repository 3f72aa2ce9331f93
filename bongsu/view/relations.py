"""Queries: what relates to an event. Spec: Client-Server API § Forming relationships between events."""

from dataclasses import dataclass
from typing import Any

from bongsu.canonical import json_bytes
from bongsu.view.context import Context
from bongsu.view.events import COLUMNS, EventRow


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


def having_relations(context: Context, event_ids: list[str]) -> set[str]:
    """Those of the events that something may relate to."""
    found = context.db.all(
        "SELECT DISTINCT relates_to FROM events WHERE relates_to IN (SELECT value FROM json_each(?))",
        (json_bytes(event_ids).decode(),),
    )
    return {event_id for (event_id,) in found}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which relations: from `low` to before `high`, each a (stamp, event id); `depth` 1: direct ones."""

    rel_type: str | None
    event_type: str | None
    depth: int
    low: tuple[int, str]
    high: tuple[int, str]
    backwards: bool
    limit: int


def related(context: Context, row: EventRow, asked: Asked) -> list[EventRow]:
    """The events that relate to one, in the order of history or against it."""
    order = "DESC" if asked.backwards else "ASC"
    where = [
        "room=? AND verdict=0 AND event_id IN (SELECT event_id FROM tree)",
        "(stamp, event_id) >= (?,?) AND (stamp, event_id) < (?,?)",
    ]
    parameters: list[object] = [row.event_id, row.room, asked.depth, row.room, *asked.low, *asked.high]
    for column, value in (("rel_type", asked.rel_type), ("type", asked.event_type)):
        if value is not None:
            where.append(f"{column}=?")
            parameters.append(value)
    found = context.db.all(
        "WITH RECURSIVE tree(event_id, depth) AS (SELECT ?, 0 UNION"  # noqa: S608 - SQL of this function
        " SELECT e.event_id, tree.depth + 1 FROM tree JOIN events e ON e.relates_to = tree.event_id"
        " AND e.room=? AND e.verdict=0 WHERE tree.depth < ?)"
        f" SELECT {COLUMNS} FROM events WHERE {' AND '.join(where)} AND event_id <> ?"
        f" ORDER BY stamp {order}, event_id {order} LIMIT ?",
        (*parameters, row.event_id, asked.limit),
    )
    return [EventRow(*columns) for columns in found]
