"""By which room version an event is read, and so what its id is, also before the first event is here."""

from typing import Any

from bongsu.room.event import Event
from bongsu.room.versions import VERSIONS, RoomVersion
from bongsu.view.context import Context


def version_of(context: Context, pdu: dict[str, Any]) -> RoomVersion | None:
    """The room version an event is read by; None if this node does not know it (carried unread)."""
    if pdu.get("type") == "m.room.create":
        return VERSIONS.get(pdu.get("content", {}).get("room_version", "1"))
    room_id = pdu.get("room_id")
    if not isinstance(room_id, str) or context.events.room_number(room_id) is None:
        # The create event is not here yet, so the version is unknown; every version we know reads
        # prev_events alike, and the event waits for them. A room without a server's name is of version 12.
        return VERSIONS["10" if isinstance(room_id, str) and ":" in room_id else "12"]
    return context.events.version(room_id)


def possible_ids(context: Context, event: Event, pdu: dict[str, Any]) -> tuple[str, ...]:
    """The event's id; two of them where the room's version is not known, which decides what is hashed."""
    if event.type == "m.room.create" or context.events.room_number(event.room_id) is not None:
        return (event.event_id,)
    return tuple(dict.fromkeys((event.event_id, Event.from_pdu(pdu, VERSIONS["11"]).event_id)))
