"""Who lost a membership by a merge alone: a state reset (docs/decisions/state-resets.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

from bongsu import limits
from bongsu.ids import EventId
from bongsu.room.event import Event
from bongsu.room.state_reset import memberships_undone, restatement
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, StateEvents


@dataclass(frozen=True, slots=True)
class StateReset:
    """The memberships to be said again in a room, in this order, so that somebody is joined again."""

    room_id: str
    user_id: str
    path: Sequence[Event]


def state_resets(context: Context, room: int) -> list[StateReset]:
    """Of a room whose state was merged. Looks at those alone whose membership in force is not the latest."""
    rows = context.db.all(
        "SELECT m.user_id, m.event_id FROM members m WHERE m.room=? AND m.membership<>'join' AND EXISTS("
        " SELECT 1 FROM events e WHERE e.room=m.room AND e.type='m.room.member' AND e.state_key=m.user_id"
        " AND e.verdict=0 AND e.stamp>ifnull((SELECT stamp FROM events WHERE event_id=m.event_id), 0))"
        " ORDER BY m.user_id",
        (room,),
    )
    found = (
        _reset(context, room, user_id, EventId(event_id) if event_id else None) for user_id, event_id in rows
    )
    return [reset for reset in found if reset is not None]


def _reset(context: Context, room: int, user_id: str, standing: EventId | None) -> StateReset | None:
    events = context.events

    def find(event_id: str) -> Event | None:
        return None if events.row(event_id) is None else events.body(event_id)

    rows = events.rows(
        "room=? AND type='m.room.member' AND state_key=? AND verdict=? ORDER BY stamp, event_id",
        (room, user_id, ACCEPTED),
    )
    memberships = [events.body(row.event_id) for row in rows]
    path = memberships_undone(memberships, standing, find, limits.STATE_RESET_EVENTS_MAX)
    live = context.live.get(events.room_id(room))
    may_stand = restatement(path, live.version, StateEvents(live.state, events))
    return StateReset(live.room_id, user_id, may_stand) if may_stand else None
