"""What a user set for a room goes along to the room that replaces it. Spec: § Room upgrades."""

import asyncio
from typing import Any

from bongsu import limits
from bongsu.api.account_data import FAMILY, draft
from bongsu.canonical import json_bytes
from bongsu.log.record import Draft
from bongsu.push import ruleset
from bongsu.service import Service
from bongsu.view import registers
from bongsu.view.live import LiveRoom


async def follow(service: Service, user_id: str, room: LiveRoom) -> None:
    """Somebody joined a room: if it takes another's place, their tags, push rules and direct chats go over.

    The other room has to say so, too: else anybody could make a room a direct chat of somebody's.
    """
    events = service.node.context.events
    predecessor = events.body(room.state["m.room.create", ""]).content.get("predecessor")
    old_id = predecessor.get("room_id") if isinstance(predecessor, dict) else None
    old = service.node.context.live.find(old_id) if isinstance(old_id, str) else None
    tombstone = None if old is None else old.state.get(("m.room.tombstone", ""))
    if old is None or tombstone is None:
        return
    if events.body(tombstone).content.get("replacement_room") != room.room_id:
        return
    async with service.push_rules_locks.setdefault(user_id, asyncio.Lock()):
        written = _settings(service, user_id, old.room_id, room.room_id)
        if written:
            await service.node.write(*written)


def _settings(service: Service, user_id: str, old_id: str, new_id: str) -> list[Draft]:
    def stored(room_id: str, kind: str) -> Any:
        return registers.get(service.node.context, FAMILY, user_id, room_id, kind)

    changed: list[tuple[str, str, Any]] = []
    if stored(new_id, "m.tag") is None:
        changed.append((new_id, "m.tag", stored(old_id, "m.tag")))
    direct = stored("", "m.direct")
    if isinstance(direct, dict):
        changed.append(
            ("", "m.direct", {name: _with_new(each, old_id, new_id) for name, each in direct.items()})
        )
    rules = ruleset.with_successor(stored("", "m.push_rules"), old_id, new_id)
    if len(json_bytes(rules)) <= limits.PUSH_RULES_BYTES_MAX:
        changed.append(("", "m.push_rules", rules))
    return [
        draft(service, user_id, room_id, kind, value)
        for room_id, kind, value in changed
        if value is not None and value != stored(room_id, kind)
    ]


def _with_new(rooms: Any, old_id: str, new_id: str) -> Any:
    if not isinstance(rooms, list) or old_id not in rooms or new_id in rooms:
        return rooms
    return [*rooms, new_id]
