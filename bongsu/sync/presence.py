"""The presence section of /sync: who of those one shares a room with has come or gone."""

from typing import Any

import msgspec

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.node import Node
from bongsu.sync.request import SyncRequest
from bongsu.sync.token import Since
from bongsu.view import members


def presence_events(node: Node, request: SyncRequest, since: Since | None) -> list[msgspec.Raw]:
    """Changes since the token, or who is there now. One comparison while nobody comes or goes."""
    if not node.config.presence:
        return []
    seen = 0 if since is None else since.live
    presences = node.live.presences
    if presences.changed <= seen:
        return []

    def make() -> tuple[tuple[dict[str, msgspec.Raw], set[str]], int]:
        found = dict(presences.since(seen))
        raw = {user_id: _raw(node, user_id) for user_id in found}
        gone = {user_id for user_id, presence in found.items() if presence.state == "offline"}
        return (raw, gone), 200 * len(raw)

    filter_ = request.filter.presence
    changed, gone = node.shared.get(node.position, node.now_ms(), ("presence", seen, presences.changed), make)
    shared: set[str] = set()
    for member in node.context.memberships.of(request.user_id).values():
        live = None
        if member.membership == "join":
            live = node.context.live.find(node.context.events.room_id(member.room))
        if live is not None:
            shared |= changed.keys() & live.joined
    shared.discard(request.user_id)
    if since is None:
        shared -= gone
    return [changed[user_id] for user_id in sorted(shared) if filter_.passes("m.presence", user_id)]


def _raw(node: Node, user_id: str) -> msgspec.Raw:
    content = presence_content(node, user_id)
    return msgspec.Raw(json_bytes({"type": "m.presence", "sender": user_id, "content": content}))


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
