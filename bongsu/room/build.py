"""Build a new event of our own: hashes set, format checked, id computed."""

from collections.abc import Sequence
from typing import Any

from bongsu.room.event import Event, content_hash
from bongsu.room.versions import RoomVersion


def build(
    version: RoomVersion,
    *,
    room_id: str | None,
    sender: str,
    type: str,
    content: dict[str, Any],
    state_key: str | None = None,
    prev_events: Sequence[str],
    auth_events: Sequence[str],
    depth: int,
    origin_server_ts: int,
    redacts: str | None = None,
) -> Event:
    """Return the event these fields make.

    Args:
        room_id: None for the create event of a room whose id is the hash of that event (version 12).
        redacts: the target of an m.room.redaction; put where the room version wants it.
    Raises:
        MatrixError: M_TOO_LARGE or M_BAD_JSON as `Event.from_pdu`.
    """
    pdu: dict[str, Any] = {
        "type": type,
        "sender": sender,
        "content": content,
        "prev_events": list(prev_events),
        "auth_events": list(auth_events),
        "depth": depth,
        "origin_server_ts": origin_server_ts,
    }
    if room_id is not None:
        pdu["room_id"] = room_id
    if state_key is not None:
        pdu["state_key"] = state_key
    if redacts is not None:
        if version.redacts_in_content:
            pdu["content"] = {**content, "redacts": redacts}
        else:
            pdu["redacts"] = redacts
    pdu["hashes"] = {"sha256": content_hash(pdu)}
    return Event.from_pdu(pdu, version)
