"""Queries: messages to devices that these have not confirmed."""

from hashlib import sha256
from typing import Any

from bongsu.canonical import decode_urlsafe_base64, read_trusted
from bongsu.view.context import Context
from bongsu.view.touched import messages_of


def message_id(body: dict[str, Any]) -> bytes:
    """The identity of a message (DESIGN 5.3): the same for a retried request, wherever it is retried."""
    if "id" in body:
        return decode_urlsafe_base64(body["id"])
    name = "\0".join((*body["sender"], body["txn_id"], body["type"], *body["recipient"]))
    return sha256(name.encode("utf-8", "surrogatepass")).digest()[:16]


def queued(context: Context, user_id: str, device_id: str, position: int, limit: int) -> list[int]:
    """Positions beyond `position` of messages for a device, the oldest first."""
    if not context.touched.since(messages_of(user_id), position):
        return []
    found = context.db.all(
        "SELECT position FROM to_device WHERE user_id=? AND device_id=? AND position>?"
        " ORDER BY position LIMIT ?",
        (user_id, device_id, position, limit),
    )
    return [row[0] for row in found]


def ids(context: Context, positions: list[int]) -> dict[int, bytes]:
    """The identities of queued messages by their positions."""
    if not positions:
        return {}
    found = context.db.all(
        "SELECT position, id FROM to_device WHERE position BETWEEN ? AND ?", (positions[0], positions[-1])
    )
    wanted = set(positions)
    return {position: bytes(identity) for position, identity in found if position in wanted}


def copies(context: Context, positions: list[int]) -> list[tuple[int, int]]:
    """(position, position of another record of the same message) for those that have one."""
    if not positions or context.db.one("SELECT 1 FROM to_device_copies LIMIT 1") is None:
        return []
    return context.db.all(
        "SELECT m.position, c.position FROM to_device m JOIN to_device_copies c USING(id)"
        " WHERE m.position BETWEEN ? AND ?",
        (positions[0], positions[-1]),
    )


def queued_until(context: Context, user_id: str, device_id: str, position: int) -> int:
    """How many messages up to `position` are still kept for a device."""
    return int(
        context.db.value(
            "SELECT count(*) FROM to_device WHERE user_id=? AND device_id=? AND position<=?",
            (user_id, device_id, position),
        )
    )


def messages(context: Context, positions: list[int]) -> list[dict[str, Any]]:
    """The messages as a client gets them."""
    bodies = context.log.bodies(positions)
    events = []
    for position in positions:
        body = read_trusted(bodies.get(position, b"{}"))
        if "content" in body:
            events.append({"sender": body["sender"][0], "type": body["type"], "content": body["content"]})
    return events
