"""The rules' verdict on an event: a function of events and authority, the same on every node (DESIGN 3.5)."""

from bongsu.errors import MatrixError
from bongsu.log.record import Record
from bongsu.room import auth, graph
from bongsu.room.auth_types import CREATE, auth_types
from bongsu.room.event import Event
from bongsu.room.state import StateKey, StateMap
from bongsu.room.versions import RoomVersion
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, REJECTED, StateEvents

# Of these the rules look into the content; of every other message event at its sender and type alone.
_LOOKED_INTO = frozenset(
    ("m.room.create", "m.room.member", "m.room.power_levels", "m.room.third_party_invite")
)


def verdict_of(
    context: Context,
    event: Event,
    version: RoomVersion,
    before: tuple[int, StateMap],
    record: Record,
    *,
    cut: bool,
) -> int:
    """Accepted or rejected: a function of events and authority, the same on every node (DESIGN 3.5).

    Args:
        before: the state before the event, as its group and as a map.
    """
    if cut:
        return REJECTED
    if event.type == "m.room.create" and _has_create(context, event.room_id):
        return REJECTED
    try:
        if context.lost.any and any(context.events.row(event_id) is None for event_id in event.auth_events):
            return REJECTED  # lost, and with it what the author went by
        rows = [row for prev in event.prev_events if (row := context.events.row(prev)) is not None]
        places = [(row.stamp, row.depth) for row in rows]
        whole = len(rows) == len(event.prev_events)
        graph.check_place(record.header.stamp, event.depth, places, whole=whole)
        _check_rules(context, event, version, *before)
    except MatrixError:
        return REJECTED
    return ACCEPTED


def _check_rules(context: Context, event: Event, version: RoomVersion, group: int, before: StateMap) -> None:
    """Check an event against what it names and against the state before it, unless the same was allowed.

    Most events are messages of somebody who wrote the one before under the same state: the rules see no
    difference between the two, and a state group never changes.
    """
    plain = event.state_key is None and event.type not in _LOOKED_INTO and group and not context.lost.any
    same = (group, event.room_id, event.sender, event.type, event.auth_events)
    if plain and context.states.allowed.get(same):
        return
    named = [context.events.body(event_id) for event_id in event.auth_events]
    auth.check_auth_events(event, version, named, context.events.rejected)
    by_key = {named_event.key: named_event for named_event in named}
    if version.implicit_create_auth and event.type != "m.room.create":
        create = context.events.body("$" + event.room_id[1:])
        by_key[create.key] = create
    auth.check(event, version, by_key)
    if not _names_state(event, version, before, by_key):
        auth.check(event, version, StateEvents(before, context.events))
    if plain:
        context.states.allowed.put(same, True)


def _names_state(event: Event, version: RoomVersion, before: StateMap, named: dict[StateKey, Event]) -> bool:
    """Whether the auth events are the very part of the state before the event that the rules look at."""
    looked_at = {CREATE, *auth_types(version, event.type, event.sender, event.state_key, event.content)}
    ids = {key: auth_event.event_id for key, auth_event in named.items()}
    return all(before.get(key) == ids.get(key) for key in looked_at | ids.keys())


def _has_create(context: Context, room_id: str) -> bool:
    """Rooms 10 and 11 choose their id freely, so that only we can keep them to one create event."""
    sql = "SELECT 1 FROM events JOIN rooms USING(room) WHERE room_id=? AND type='m.room.create' AND verdict=0"
    return context.db.one(sql, (room_id,)) is not None
