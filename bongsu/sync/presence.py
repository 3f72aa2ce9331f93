"""The presence section of /sync: who of those one shares a room with has come or gone."""

from typing import Any

from bongsu import limits
from bongsu.node import Node
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import Since
from bongsu.view import members


def presence_events(node: Node, request: SyncRequest, since: Since | None) -> list[dict[str, Any]]:
    """Changes since the token, or who is there now. One comparison while nobody comes or goes."""
    if not node.config.presence:
        return []
    seen = 0 if since is None else since.live
    presences = node.live.presences
    if presences.changed <= seen:
        return []
    filter_ = request.filter.presence
    changed = {
        user_id: presence
        for user_id, presence in presences.since(seen)
        if user_id != request.user_id and (since is not None or presence.state != "offline")
    }
    shared: set[str] = set()
    for room_id in members.joined_rooms(node.context, request.user_id) if changed else ():
        live = node.context.live.find(room_id)
        if live is not None:
            shared |= changed.keys() & live.joined
    return [
        {"type": "m.presence", "sender": user_id, "content": presence_content(node, user_id)}
        for user_id in sorted(shared)
        if filter_.passes("m.presence", user_id)
    ]


def presence_content(node: Node, user_id: str) -> dict[str, Any]:
    """The content of an m.presence event."""
    presences = node.live.presences
    presence = presences.get(user_id)
    content: dict[str, Any] = {"presence": presence.state}
    if presence.last_active:
        content["last_active_ago"] = presences.active_ago_ms(presence)
    if presence.state == "online":
        content["currently_active"] = presences.active(presence)
    if presence.status is not None:
        content["status_msg"] = presence.status
    return content


def tell(node: Node, user_ids: list[str]) -> None:
    """Wake, soon, whoever shares a room with users who came or went."""
    for user_id in user_ids:
        node.soon.add_rooms(members.joined_rooms(node.context, user_id))


def note_sync(node: Node, request: SyncRequest) -> None:
    """A client syncs: its user is there. Notices who has gone meanwhile."""
    if not node.config.presence:
        return
    presences = node.live.presences
    changed = presences.sweep()
    if request.set_presence != "offline" and presences.seen(
        request.user_id, request.set_presence, request.timeout_s + limits.PRESENCE_GRACE_S
    ):
        changed.append(request.user_id)
    node.on_present(request.user_id)
    tell(node, changed)
