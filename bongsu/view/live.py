"""Rooms in use, in memory: where authors build on (may lead the view), and what syncs read (never leads)."""

from collections import deque
from dataclasses import dataclass, field

from bongsu import limits
from bongsu.errors import forbidden
from bongsu.room.event import Event
from bongsu.room.state import StateMap
from bongsu.room.versions import VERSIONS, RoomVersion
from bongsu.view.cache import Cache
from bongsu.view.db import Database
from bongsu.view.events import EventRow, Events, States


@dataclass(frozen=True, slots=True)
class Head:
    """An event nothing follows yet. `stamp` and `depth` bound those of the next event."""

    event_id: str
    stamp: int
    depth: int


@dataclass(slots=True)
class LiveRoom:
    """One room. `heads` and `state` are what the next local event builds on; the rest is what is applied."""

    room: int
    room_id: str
    version: RoomVersion
    heads: list[Head]
    state: StateMap
    joined: set[str]
    last_position: int
    # Every accepted event beyond tail_from, in order of arrival.
    tail_from: int
    tail: deque[EventRow] = field(default_factory=deque)

    def add_tail(self, row: EventRow) -> None:
        """Append an applied event; the oldest makes room."""
        self.tail.append(row)
        if len(self.tail) > limits.ROOM_TAIL_EVENTS:
            # One that waited for another stands behind what has a later position.
            self.tail_from = max(self.tail_from, self.tail.popleft().position)

    def since(self, position: int) -> list[EventRow] | None:
        """Accepted events beyond `position` in order of arrival; None if memory reaches less far back."""
        if position < self.tail_from:
            return None
        return [row for row in self.tail if row.position > position]


@dataclass(frozen=True, slots=True)
class Pending:
    """A local event whose record is on its way to disk. `before`, `after`: the room's state around it."""

    event: Event
    before: StateMap
    after: StateMap


class LiveRooms:
    """The rooms in memory; the least used is forgotten and read again when somebody asks."""

    def __init__(self, db: Database, events: Events, states: States) -> None:
        self.db = db
        self.events = events
        self.states = states
        self.pending: dict[str, Pending] = {}
        # The same by the record's body, so that `apply` need not hash its own node's events again.
        self._by_body: dict[bytes, Pending] = {}
        self._rooms: Cache[str, LiveRoom] = Cache(limits.LIVE_ROOMS_MAX)

    def get(self, room_id: str) -> LiveRoom:
        """The room, from memory or the view.

        Raises:
            MatrixError: 403 M_FORBIDDEN if there is no such room: the same answer as for one the
                requester is not in.
        """
        found = self.find(room_id)
        if found is None:
            raise forbidden("You are not in this room. Ask one of its members to invite you.")
        return found

    def find(self, room_id: str) -> LiveRoom | None:
        """The room, or None if there is no such room."""
        live = self._rooms.get(room_id)
        if live is None:
            room = self.events.room_number(room_id)
            if room is None:
                return None
            live = self._load(room, room_id)
            self._rooms.put(room_id, live)
        return live

    def peek(self, room_id: str) -> LiveRoom | None:
        """The room only if it is in memory already."""
        return self._rooms.get(room_id)

    def add(self, live: LiveRoom) -> None:
        """Take in a room that was just made."""
        self._rooms.put(live.room_id, live)

    def promise(self, pending: Pending, body: bytes) -> None:
        """An event with this record body is on its way to disk."""
        self.pending[pending.event.event_id] = pending
        self._by_body[body] = pending

    def kept(self, body: bytes | None) -> Pending | None:
        """The pending event whose record has arrived; it is pending no more."""
        pending = None if body is None else self._by_body.pop(body, None)
        if pending is not None:
            del self.pending[pending.event.event_id]
        return pending

    def forget(self, room_id: str, bodies: list[bytes]) -> None:
        """A room that was made in memory will not be written, nor these records of its events."""
        self._rooms.drop(room_id)
        for body in bodies:
            self.kept(body)

    def forget_all(self) -> None:
        """After a refused write: what led the view is void, so everything is read again."""
        self._rooms.clear()
        self.pending.clear()
        self._by_body.clear()

    def _load(self, room: int, room_id: str) -> LiveRoom:
        version = self.db.value("SELECT version FROM rooms WHERE room=?", (room,))
        heads = [
            Head(*columns)
            for columns in self.db.all(
                "SELECT e.event_id, e.stamp, e.depth FROM heads h JOIN events e ON e.event_id = h.event_id"
                " WHERE h.room=?",
                (room,),
            )
        ]
        joined = self.db.all("SELECT user_id FROM members WHERE room=? AND membership='join'", (room,))
        rows = self.events.rows(
            "room=? AND verdict=0 ORDER BY position DESC LIMIT ?", (room, limits.ROOM_TAIL_EVENTS)
        )
        rows.reverse()
        tail_from = rows[0].position - 1 if len(rows) == limits.ROOM_TAIL_EVENTS else 0
        return LiveRoom(
            room,
            room_id,
            VERSIONS[version],
            heads,
            self.current_state(room),
            {user_id for (user_id,) in joined},
            rows[-1].position if rows else 0,
            tail_from,
            deque(rows),
        )

    def current_state(self, room: int) -> StateMap:
        """The room's state now, as applied."""
        rows = self.db.all("SELECT type, state_key, event_id FROM current_state WHERE room=?", (room,))
        return StateMap({(kind, state_key): event_id for kind, state_key, event_id in rows})
