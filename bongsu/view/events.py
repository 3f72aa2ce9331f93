"""Reading room events: where they are, what they say, and which state they stand on."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from bongsu.canonical import read_trusted
from bongsu.ids import EventId, RoomId
from bongsu.log.store import Damaged, LogStore
from bongsu.room.event import Event
from bongsu.room.redact import redact
from bongsu.room.resolve import resolve
from bongsu.room.state import StateMap
from bongsu.room.versions import VERSIONS, RoomVersion
from bongsu.view.cache import Cache
from bongsu.view.db import Database

logger = logging.getLogger(__name__)

ACCEPTED = 0
REJECTED = 1

COLUMNS = (
    "position, event_id, room, stamp, depth, type, sender, state_key, verdict, state_group,"
    " replaces, redacted_by"
)


class EventRow(msgspec.Struct, frozen=True):
    """What the view knows of an event without reading its body. `position`: its place in log.db."""

    position: int
    event_id: str
    room: int
    stamp: int
    depth: int
    type: str
    sender: str
    state_key: str | None
    verdict: int
    state_group: int
    replaces: str | None
    redacted_by: str | None


class Events:
    """Events by id, with their bodies read from the log."""

    def __init__(self, db: Database, log: LogStore) -> None:
        self.db = db
        self.log = log
        self._bodies: Cache[str, Event] = Cache(1024)
        # By themselves, so that messages do not drive out the few events that every check asks for.
        self._state_bodies: Cache[str, Event] = Cache(4096)
        self._rows: Cache[str, EventRow] = Cache(4096)
        self._room_ids: dict[int, str] = {}
        self._rooms: dict[str, int] = {}
        self._versions: dict[str, RoomVersion] = {}

    def room_number(self, room_id: str) -> int | None:
        """The room's row number here, or None if there is no such room."""
        number = self._rooms.get(room_id)
        if number is None:
            number = self.db.value("SELECT room FROM rooms WHERE room_id=?", (room_id,))
            if number is not None:
                self._rooms[room_id] = number
        return number

    def room_id(self, room: int) -> str:
        """The room id of a row number."""
        room_id = self._room_ids.get(room)
        if room_id is None:
            room_id = str(self.db.value("SELECT room_id FROM rooms WHERE room=?", (room,)))
            self._room_ids[room] = room_id
        return room_id

    def version(self, room_id: str) -> RoomVersion:
        """The version of a room that is here."""
        version = self._versions.get(room_id)
        if version is None:
            version = VERSIONS[self.db.value("SELECT version FROM rooms WHERE room_id=?", (room_id,))]
            self._versions[room_id] = version
        return version

    def row(self, event_id: str) -> EventRow | None:
        """The event's row, or None if it has not arrived."""
        row = self._rows.get(event_id)
        if row is None:
            found = self.db.one(f"SELECT {COLUMNS} FROM events WHERE event_id=?", (event_id,))  # noqa: S608
            if found is not None:
                row = EventRow(*found)
                self._rows.put(event_id, row)
        return row

    def rows(self, where: str, parameters: tuple[object, ...]) -> list[EventRow]:
        """The rows that match; `where` is SQL of this package, never of a client."""
        found = self.db.all(f"SELECT {COLUMNS} FROM events WHERE {where}", parameters)  # noqa: S608
        return [EventRow(*columns) for columns in found]

    def body(self, event_id: str) -> Event:
        """The event itself. The caller knows that it has arrived."""
        event = self._known(event_id)
        if event is None:
            row = self.row(event_id)
            assert row is not None, f"event {event_id} is not in the view"
            event = self.load(row.position, event_id, self.room_id(row.room))
        return event

    def load(self, position: int, event_id: str, room_id: str) -> Event:
        """Read an event from its place in the log."""
        event = self._known(event_id)
        if event is None:
            event = self._event(self._pdu(position, event_id), event_id, room_id, self.row(event_id))
        return event

    def _event(self, pdu: dict[str, Any], event_id: str, room_id: str, row: EventRow | None) -> Event:
        """The event of a body from the log, which may hold for a moment what a redaction has taken away."""
        version = self.version(room_id)
        if row is not None and row.redacted_by is not None:
            pdu = redact(pdu, version)
        event = Event.trusted(pdu, EventId(event_id), RoomId(room_id), version)
        self.remember(event)
        return event

    def _known(self, event_id: str) -> Event | None:
        return self._state_bodies.get(event_id) or self._bodies.get(event_id)

    def _pdu(self, position: int, event_id: str) -> dict[str, Any]:
        try:
            body = self.log.bodies([position])[position]
        except Damaged as damage:
            self.log.on_damaged(damage)
            # Where no other site has it, the rest of the room must stay readable: the row still knows the
            # place, the content is lost.
            logger.error("event %s is damaged in log.db, run `bongsu verify`: %s", event_id, damage)
            row = self.row(event_id)
            assert row is not None
            return _without_content(row)
        pdu: dict[str, Any] = read_trusted(body)["event"]
        return pdu

    def preload(self, rows: Sequence[EventRow]) -> None:
        """Read the bodies of many events with one statement, those that are not in memory."""
        wanted = {row.position: row for row in rows if self._known(row.event_id) is None}
        if len(wanted) < 2:
            return
        try:
            bodies = self.log.bodies(list(wanted))
        except Damaged:
            return  # each is read by itself then, and the damaged one is left out
        for position, body in bodies.items():
            row = wanted[position]
            self._event(read_trusted(body)["event"], row.event_id, self.room_id(row.room), row)

    def sent_by(self, position: int) -> dict[str, str] | None:
        """What names the request that made the event (device, path, transaction id), if it is known."""
        try:
            body = self.log.read(position).body
        except Damaged:
            return None
        found: dict[str, str] | None = None if body is None else read_trusted(body).get("sent_by")
        return found

    def remember(self, event: Event) -> None:
        """Keep an event that was just built or applied."""
        (self._bodies if event.state_key is None else self._state_bodies).put(event.event_id, event)

    def remember_row(self, row: EventRow) -> None:
        """Keep the row of an event that was just applied: the next event names it."""
        self._rows.put(row.event_id, row)

    def forget(self, event_id: str) -> None:
        """Drop what a redaction has changed."""
        self._bodies.drop(event_id)
        self._state_bodies.drop(event_id)
        self._rows.drop(event_id)

    def forget_all(self) -> None:
        """After a batch that was rolled back: what was read in it is void."""
        self._bodies.clear()
        self._state_bodies.clear()
        self._rows.clear()
        self._rooms.clear()
        self._room_ids.clear()
        self._versions.clear()

    def rejected(self, event_id: str) -> bool:
        """Whether the room's rules refused the event."""
        row = self.row(event_id)
        return row is not None and row.verdict == REJECTED


def _without_content(row: EventRow) -> dict[str, Any]:
    """What is left of an event whose body cannot be read."""
    pdu: dict[str, Any] = {
        "type": row.type,
        "sender": row.sender,
        "content": {},
        "prev_events": [],
        "auth_events": [],
        "depth": row.depth,
        "origin_server_ts": row.stamp,
    }
    if row.state_key is not None:
        pdu["state_key"] = row.state_key
    return pdu


class States:
    """State groups: the state after an event, as a delta against its predecessor's."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._maps: Cache[int, StateMap] = Cache(2048)
        self._resolved: Cache[frozenset[int], StateMap] = Cache(2048)
        # What the rules allowed under the state of a group: (group, room, sender, type, auth events).
        self.allowed: Cache[tuple[int, str, str, str, tuple[str, ...]], bool] = Cache(4096)

    def resolved(
        self,
        groups: Collection[int],
        version: RoomVersion,
        event: Callable[[EventId], Event],
        rejected: Callable[[EventId], bool],
    ) -> StateMap:
        """The resolution of the states of these groups.

        Remembered: while what two sides wrote comes together, most of it are messages, which change neither.
        """
        found = self._resolved.get(frozenset(groups))
        if found is None:
            maps = [self.group(group) for group in sorted(set(groups))]
            found = resolve(version, maps, event, rejected)
            self._resolved.put(frozenset(groups), found)
        return found

    def group(self, state_group: int) -> StateMap:
        """The whole state map of a group. One walk to the first group when nothing is cached."""
        chain: list[int] = []
        current: int | None = state_group
        base: StateMap | None = None
        while current:
            base = self._maps.get(current)
            if base is not None:
                break
            chain.append(current)
            current = self.db.value("SELECT parent FROM state_groups WHERE state_group=?", (current,))
        state = base if base is not None else StateMap()
        with_changes = state.mutate()
        for number in reversed(chain):
            for kind, state_key, event_id in self.db.all(
                "SELECT type, state_key, event_id FROM state_deltas WHERE state_group=?", (number,)
            ):
                if event_id is None:
                    with_changes.pop((kind, state_key), None)
                else:
                    with_changes[kind, state_key] = event_id
        state = with_changes.finish()
        self._maps.put(state_group, state)
        return state

    def forget_all(self) -> None:
        """After a batch that was rolled back: its groups' numbers will name others."""
        self._maps.clear()
        self._resolved.clear()
        self.allowed.clear()

    def parent(self, state_group: int) -> int | None:
        """The group a group is a delta of; None for the first of a room."""
        parent: int | None = self.db.value(
            "SELECT parent FROM state_groups WHERE state_group=?", (state_group,)
        )
        return parent

    def before(self, row: EventRow) -> StateMap:
        """The state before an event: its group's, or the parent's if the event itself made the group."""
        if row.state_key is None or row.verdict != ACCEPTED:
            return self.group(row.state_group)
        parent = self.parent(row.state_group)
        return StateMap() if parent is None else self.group(parent)

    def remember(self, state_group: int, state: StateMap) -> None:
        """Keep a map that was just computed."""
        self._maps.put(state_group, state)


class StateEvents(Mapping[tuple[str, str], Event]):
    """A state map that hands out events rather than their ids, reading each only when a rule asks for it."""

    def __init__(self, state: StateMap, events: Events) -> None:
        self._state = state
        self._events = events

    def __getitem__(self, key: tuple[str, str]) -> Event:
        return self._events.body(self._state[key])

    def __contains__(self, key: object) -> bool:
        return key in self._state

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)
