"""Steps 2 and 4: apply events one by one, each only if the authorization rules allow it."""

from collections.abc import Callable, Iterable

from bongsu.ids import EventId
from bongsu.room.auth import check
from bongsu.room.auth_types import CREATE, auth_types
from bongsu.room.event import Event
from bongsu.room.rejected import Rejected
from bongsu.room.state import StateKey, StateMap
from bongsu.room.versions import RoomVersion


def iterative_auth_check(
    version: RoomVersion,
    start: StateMap,
    ordered: Iterable[EventId],
    event: Callable[[EventId], Event],
    rejected: Callable[[EventId], bool],
) -> StateMap:
    """Return `start` with every allowed event of `ordered` applied, in that order."""
    state = start
    for event_id in ordered:
        candidate = event(event_id)
        try:
            check(candidate, version, _auth_state(version, candidate, state, event, rejected))
        except Rejected:
            continue
        state = state.set(candidate.key, event_id)
    return state


def _auth_state(
    version: RoomVersion,
    candidate: Event,
    state: StateMap,
    event: Callable[[EventId], Event],
    rejected: Callable[[EventId], bool],
) -> dict[StateKey, Event]:
    """Return what the rules need to see: from the state, else from the event's own auth events."""
    keys = auth_types(version, candidate.type, candidate.sender, candidate.state_key, candidate.content)
    auth_state = {key: event(state[key]) for key in keys if key in state}
    for auth_id in candidate.auth_events:
        auth_event = event(auth_id)
        if auth_event.state_key is None or auth_event.key in auth_state or auth_event.key not in keys:
            continue
        if not rejected(auth_id):
            auth_state[auth_event.key] = auth_event
    if version.implicit_create_auth and candidate.type != CREATE[0]:
        # Never among the auth events there: the room id names it.
        auth_state[CREATE] = event(EventId("$" + candidate.room_id[1:]))
    return auth_state
