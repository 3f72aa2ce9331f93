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
    """The bundled aggregations of an event, that of a thread aside."""
    if row.redacted_by is not None:
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


_IN_THREAD = "relates_to=? AND rel_type='m.thread' AND verdict=0 AND room=?"


def thread(context: Context, row: EventRow) -> tuple[EventRow, int, frozenset[str]] | None:
    """A thread by its root, a redacted one, too: its latest event, how many it has, and who took part."""
    counted = context.db.all(
        f"SELECT sender, count(*) FROM events WHERE {_IN_THREAD} GROUP BY sender",  # noqa: S608
        (row.event_id, row.room),
    )
    if not counted:
        return None
    latest = context.events.rows(
        f"{_IN_THREAD} ORDER BY stamp DESC, event_id DESC LIMIT 1", (row.event_id, row.room)
    )
    took_part = frozenset({row.sender, *(sender for sender, _ in counted)})
    return latest[0], sum(count for _, count in counted), took_part


def root_of(context: Context, event_id: str) -> str | None:
    """The root of the thread that an event is in."""
    found = context.db.value(
        "SELECT relates_to FROM events WHERE event_id=? AND rel_type='m.thread'", (event_id,)
    )
    return None if found is None else str(found)


def thread_roots(
    context: Context, room: int, before: tuple[int, str], limit: int, user_id: str | None
) -> list[tuple[int, EventRow]]:
    """(stamp of its latest event, its root) of the threads of a room, the latest first, from `before` on.

    `user_id`: only those in which they took part.
    """
    columns = ", ".join(f"r.{name.strip()}" for name in COLUMNS.split(","))
    found = context.db.all(
        "SELECT t.last, "  # noqa: S608 - SQL of this function
        f"{columns} FROM (SELECT relates_to, max(stamp) AS last, max(sender=?1) AS mine FROM events"
        " WHERE room=?2 AND rel_type='m.thread' AND verdict=0 GROUP BY relates_to) t"
        " JOIN events r ON r.event_id=t.relates_to AND r.room=?2 AND r.verdict=0"
        " WHERE (t.last, r.event_id) < (?3, ?4) AND (?1 IS NULL OR t.mine OR r.sender=?1)"
        " ORDER BY t.last DESC, r.event_id DESC LIMIT ?5",
        (user_id, room, *before, limit),
    )
    return [(last, EventRow(*columns)) for last, *columns in found]


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
