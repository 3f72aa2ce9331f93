"""Events as clients see them: serialised once, spliced into every answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from bongsu.canonical import json_bytes
from bongsu.room.event import Event
from bongsu.view import members
from bongsu.view.cache import Cache
from bongsu.view.context import Context
from bongsu.view.events import EventRow
from bongsu.view.relations import bundled, having_relations, root_of, thread
from bongsu.view.visibility import always_shared


@dataclass(frozen=True, slots=True)
class _Serialised:
    """`head` is the event's JSON up to and with `"unsigned":{`; `fixed` the unsigned fields all see alike.

    Of a thread's root, those who took part see `fixed_mine`; `bare`: without what relates to the event.
    """

    head: bytes
    fixed: bytes
    bare: bytes
    origin_server_ts: int
    took_part: frozenset[str] = frozenset()
    fixed_mine: bytes = b""


class ClientEvents:
    """A cache of serialised events. `held_here`: whether no other site is known to have a position."""

    def __init__(self, context: Context, held_here: Callable[[int], bool]) -> None:
        self._context = context
        self._held_here = held_here
        self._cache: Cache[str, _Serialised] = Cache(2048)
        self._with_room: Cache[str, _Serialised] = Cache(512)

    def forget(self, event_id: str) -> None:
        """An event was redacted, or something now relates to it. The root of its thread may show it."""
        for stale in (event_id, root_of(self._context, event_id)):
            if stale is not None:
                self._cache.drop(stale)
                self._with_room.drop(stale)

    def took_part(self, rows: Sequence[EventRow]) -> set[str]:
        """Who took part in a thread that begins with one of the events, all of them serialised just now."""
        known = (self._cache.get(row.event_id) for row in rows)
        return {user_id for each in known if each is not None for user_id in each.took_part}

    def forget_all(self) -> None:
        """The view was derived again."""
        self._cache.clear()
        self._with_room.clear()

    def prepare(self, rows: Sequence[EventRow], *, with_room: bool) -> None:
        """Read with two statements what `raw` would read with two for each event of a page."""
        cache = self._with_room if with_room else self._cache
        fresh = [row for row in rows if cache.get(row.event_id) is None]
        if len(fresh) < 2:
            return
        self._context.events.preload(fresh)
        related = having_relations(self._context, [row.event_id for row in fresh])
        for row in fresh:
            cache.put(row.event_id, self._serialise(row, with_room, related=row.event_id in related))

    def raw(
        self,
        row: EventRow,
        now_ms: int,
        *,
        with_room: bool,
        txn_id: str | None = None,
        user_id: str | None = None,
    ) -> msgspec.Raw:
        """The event's JSON. `with_room`: with its room_id, as outside /sync. `user_id`: who reads it."""
        cache = self._with_room if with_room else self._cache
        serialised = cache.get(row.event_id)
        if serialised is None:
            related = having_relations(self._context, [row.event_id])
            serialised = self._serialise(row, with_room, related=bool(related))
            cache.put(row.event_id, serialised)
        unsigned = b'"age":%d' % max(0, now_ms - serialised.origin_server_ts)
        if txn_id is not None:
            unsigned += b',"transaction_id":' + json_bytes(txn_id)
        if self._held_here(row.position):
            unsigned += b',"kr.bongsu.promise":"here"'
        fixed = serialised.fixed_mine if user_id in serialised.took_part else serialised.fixed
        if user_id is not None and serialised.bare is not serialised.fixed and not self._sees(row, user_id):
            fixed = serialised.bare
        return msgspec.Raw(serialised.head + unsigned + fixed + b"}}")

    def _sees(self, row: EventRow, user_id: str) -> bool:
        """Whether a user who may see an event may see whatever came after it, too: an edit, an answer."""
        context = self._context
        live = context.live.find(context.events.room_id(row.room))
        if live is None or user_id not in live.joined:
            return False
        found = members.member(context, row.room, user_id)
        return always_shared(context, row.room) or (found is not None and found.joined <= row.position)

    def _serialise(self, row: EventRow, with_room: bool, *, related: bool) -> _Serialised:
        """`related` False: nothing relates to the event, so that nobody need look."""
        room_id = self._context.events.room_id(row.room)
        event = self._context.events.load(row.position, row.event_id, room_id)
        fields = client_fields(event)
        if with_room:
            fields["room_id"] = room_id
        unsigned: dict[str, Any] = {}
        if row.redacted_by is not None:
            redaction = self._context.events.body(row.redacted_by)
            unsigned["redacted_because"] = {**client_fields(redaction), "room_id": room_id}
        if row.replaces is not None:
            unsigned["replaces_state"] = row.replaces
            unsigned["prev_content"] = self._context.events.body(row.replaces).content
        relations = bundled(self._context, row) if related else {}
        begun = thread(self._context, row) if related else None
        head = json_bytes(fields)[:-1] + b',"unsigned":{'
        bare = _fixed(unsigned, {})
        if begun is None:
            fixed = _fixed(unsigned, relations) if relations else bare
            return _Serialised(head, fixed, bare, event.origin_server_ts)
        latest_row, count, took_part = begun
        latest = self._context.events.load(latest_row.position, latest_row.event_id, room_id)
        shown = {**client_fields(latest), "room_id": room_id}
        nested = bundled(self._context, latest_row)
        if nested:
            shown["unsigned"] = {"m.relations": nested}
        told = {"latest_event": shown, "count": count}
        fixed, fixed_mine = (
            _fixed(unsigned, {**relations, "m.thread": {**told, "current_user_participated": mine}})
            for mine in (False, True)
        )
        return _Serialised(head, fixed, bare, event.origin_server_ts, took_part, fixed_mine)


def _fixed(unsigned: dict[str, Any], relations: dict[str, Any]) -> bytes:
    fixed = json_bytes({**unsigned, "m.relations": relations} if relations else unsigned)[1:-1]
    return b"," + fixed if fixed else b""


def client_fields(event: Event) -> dict[str, Any]:
    """The fields of an event that clients see. Spec: Client-Server API § Room event format."""
    fields: dict[str, Any] = {
        "type": event.type,
        "sender": event.sender,
        "content": event.content,
        "event_id": event.event_id,
        "origin_server_ts": event.origin_server_ts,
    }
    if event.state_key is not None:
        fields["state_key"] = event.state_key
    if event.redacts is not None:
        # Clients of either age look in their own place: both are filled, whatever the room version.
        fields["redacts"] = event.redacts
        fields["content"] = {**event.content, "redacts": event.redacts}
    return fields


def txn_id_of(context: Context, row: EventRow, device_id: str) -> str | None:
    """The transaction id under which `device_id` sent the event, so that its client knows its own echo."""
    sent_by = context.events.sent_by(row.position)
    if sent_by is None or sent_by["device_id"] != device_id:
        return None
    return str(sent_by["txn_id"])
