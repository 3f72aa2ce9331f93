"""Making room events: from what a client asks for to a record on its way to disk."""

import asyncio
from dataclasses import dataclass
from typing import Any

from bongsu import drafts, limits
from bongsu.clock import next_stamp
from bongsu.errors import forbidden
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.room import auth, auth_types, build, resolve
from bongsu.room.auth_types import CREATE
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.relief import ENCRYPTION, is_relief
from bongsu.room.state import StateMap
from bongsu.room.versions import RoomVersion
from bongsu.view.admin_rooms import is_closed
from bongsu.view.events import Events, StateEvents
from bongsu.view.live import Head, LiveRoom, Pending
from bongsu.view.transactions import event_of, transaction_key

NEVER_ENCRYPTED = (
    "This is a relief room: hubs read and pass on what is said in it, so it cannot be encrypted. Make "
    "another room for what only its members may read."
)
MEMBER = "m.room.member"
_ENTERING = ("join", "invite", "knock")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a client asks for."""

    type: str
    content: dict[str, Any]
    state_key: str | None = None
    redacts: str | None = None


def power_levels(room: LiveRoom, events: Events) -> PowerLevels:
    """The room's power levels as they are now."""
    state = StateEvents(room.state, events)
    return PowerLevels(state.get(("m.room.power_levels", "")), state[("m.room.create", "")], room.version)


class Author:
    """Builds events on the rooms in memory. Everything up to the append happens in one step of the loop."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._in_flight: dict[int, asyncio.Future[str]] = {}

    def make(
        self, room: LiveRoom, sender: str, new: NewEvent, sent_by: dict[str, str] | None = None
    ) -> tuple[Event, Draft]:
        """Build one event on the room's heads, check it, and move the heads onto it.

        Raises:
            MatrixError: 403 M_FORBIDDEN with the rule that refuses it; 413 M_TOO_LARGE.
        """
        events = self.node.context.events
        if new.type == MEMBER and new.content.get("membership") in _ENTERING:
            self._check_open(room)
        heads, before = self._base(room)
        now = self.node.now_ms()
        stamp = next_stamp(now, *(head.stamp for head in heads))
        event = build.build(
            room.version,
            room_id=room.room_id,
            sender=sender,
            type=new.type,
            content=new.content,
            state_key=new.state_key,
            prev_events=tuple(head.event_id for head in heads),
            auth_events=auth_types.select_auth_events(
                room.version, new.type, sender, new.state_key, new.content, before
            ),
            depth=1 + max(head.depth for head in heads),
            # Resolution orders state by this time. It follows all that the event follows: else somebody who
            # left, and came back at a hub whose clock had stopped, would be gone again after a merge.
            origin_server_ts=now if new.state_key is None else stamp,
            redacts=new.redacts,
        )
        auth.check(event, room.version, StateEvents(before, events))
        if new.type == ENCRYPTION and is_relief(events.body(before[CREATE]).content):
            raise forbidden(NEVER_ENCRYPTED)
        draft = drafts.event(room.room_id, stamp, event.pdu, sent_by)
        self._lead(room, event, before, heads, draft)
        return event, draft

    def _check_open(self, room: LiveRoom) -> None:
        if is_closed(self.node.context, room.room_id):
            raise forbidden("An administrator closed this room. Make another one.")

    def create(
        self, version: RoomVersion, room_id: str | None, sender: str, content: dict[str, Any]
    ) -> tuple[LiveRoom, Draft]:
        """Build a room's first event and the room in memory that stands on it."""
        now = self.node.now_ms()
        event = build.build(
            version,
            room_id=room_id,
            sender=sender,
            type="m.room.create",
            content=content,
            state_key="",
            prev_events=(),
            auth_events=(),
            depth=1,
            origin_server_ts=now,
        )
        auth.check(event, version, {})
        room = LiveRoom(0, event.room_id, version, [], StateMap(), set(), 0, 0)
        stamp = next_stamp(now)
        draft = drafts.event(room.room_id, stamp, event.pdu, None)
        self._lead(room, event, StateMap(), [], draft)
        self.node.context.live.add(room)
        return room, draft

    async def send(
        self, room_id: str, sender: str, new: NewEvent, sent_by: dict[str, str] | None = None
    ) -> str:
        """Make one event and wait until it is acknowledged. A retry with the same `sent_by` makes no second.

        Returns:
            the event id.
        """
        if sent_by is None:
            return await self._send(room_id, sender, new, None)
        key = transaction_key(sender, sent_by)
        under_way = self._in_flight.get(key)
        if under_way is not None:
            return await asyncio.shield(under_way)
        known = event_of(self.node.context, sender, sent_by)
        if known is not None:
            return known
        task = asyncio.ensure_future(self._send(room_id, sender, new, sent_by))
        self._in_flight[key] = task
        task.add_done_callback(lambda _: self._in_flight.pop(key, None))
        return await asyncio.shield(task)

    def check_redaction(self, room: LiveRoom, sender: str, target: str) -> None:
        """Refuse a redaction that would have no effect, before it is made.

        Raises:
            MatrixError: 403 M_FORBIDDEN.
        """
        events = self.node.context.events
        power = power_levels(room, events)
        if not auth.user_may_redact(sender, events.body(target), power):
            raise forbidden("You may redact only your own messages in this room.")

    async def leave(self, room_id: str, user_id: str) -> None:
        """Leave a room, refuse its invitation or take back a knock."""
        content = {"membership": "leave"}
        await self.send(room_id, user_id, NewEvent(MEMBER, content, user_id))

    async def _send(self, room_id: str, sender: str, new: NewEvent, sent_by: dict[str, str] | None) -> str:
        room = self.node.context.live.get(room_id)
        event, draft = self.make(room, sender, new, sent_by)
        await self.node.write(draft)
        return event.event_id

    def _base(self, room: LiveRoom) -> tuple[list[Head], StateMap]:
        """The heads to build on and the state they resolve to: all of them, or the newest few of too many."""
        if len(room.heads) <= limits.HEADS_MAX:
            return room.heads, room.state
        context = self.node.context
        heads = sorted(room.heads, key=lambda head: (head.stamp, head.event_id))[-limits.HEADS_MAX :]
        maps = []
        for head in heads:
            pending = context.live.pending.get(head.event_id)
            row = None if pending is not None else context.events.row(head.event_id)
            maps.append(
                pending.after if pending is not None else context.states.group(row.state_group if row else 0)
            )
        return heads, resolve.resolve(room.version, maps, context.events.body, context.events.rejected)

    def _lead(self, room: LiveRoom, event: Event, before: StateMap, heads: list[Head], draft: Draft) -> None:
        after = before
        if event.state_key is not None:
            after = before.set((event.type, event.state_key), event.event_id)
        context = self.node.context
        context.live.promise(Pending(event, before, after), draft.body)
        context.events.remember(event)
        named = {head.event_id for head in heads}
        rest = [head for head in room.heads if head.event_id not in named]
        room.heads = [*rest, Head(event.event_id, draft.stamp, event.depth)]
        if not rest:
            room.state = after
            return
        maps = [after]
        for head in rest:
            row = context.events.row(head.event_id)
            if row is not None:
                maps.append(context.states.group(row.state_group))
        room.state = resolve.resolve(room.version, maps, context.events.body, context.events.rejected)
