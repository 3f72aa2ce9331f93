"""Step 1: the events that may take away a permission, in reverse topological power ordering."""

import heapq
from collections.abc import Callable, Iterable

from bongsu.ids import EventId
from bongsu.room.auth_types import CREATE, POWER_LEVELS
from bongsu.room.event import Event
from bongsu.room.graph import auth_chain
from bongsu.room.power import PowerLevels
from bongsu.room.versions import RoomVersion

_POWER_KEYS = (POWER_LEVELS, ("m.room.join_rules", ""))


def is_power_event(event: Event) -> bool:
    """Whether the event may remove someone's ability to do something in the room."""
    if event.state_key is None:
        return False
    if event.key in _POWER_KEYS:
        return True
    return event.membership in ("leave", "ban") and event.sender != event.state_key


def power_events_and_chains(full: set[EventId], event: Callable[[EventId], Event]) -> set[EventId]:
    """Return the power events of the full conflicted set, with what of their chains is in that set."""
    power_events = {event_id for event_id in full if is_power_event(event(event_id))}
    return auth_chain(power_events, event) & full


def power_sort(
    version: RoomVersion, events: Iterable[EventId], event: Callable[[EventId], Event]
) -> list[EventId]:
    """Return `events` in reverse topological power ordering: Kahn's algorithm, smallest candidate first."""
    chosen = set(events)
    children: dict[EventId, list[EventId]] = {event_id: [] for event_id in chosen}
    parents_left: dict[EventId, int] = {}
    for event_id in chosen:
        parents = chosen.intersection(event(event_id).auth_events)
        parents_left[event_id] = len(parents)
        for parent in parents:
            children[parent].append(event_id)
    candidates = [
        _rank(version, event(event_id), event) for event_id, left in parents_left.items() if not left
    ]
    heapq.heapify(candidates)
    ordered: list[EventId] = []
    while candidates:
        event_id = heapq.heappop(candidates)[2]
        ordered.append(event_id)
        for child in children[event_id]:
            parents_left[child] -= 1
            if not parents_left[child]:
                heapq.heappush(candidates, _rank(version, event(child), event))
    assert len(ordered) == len(chosen), "auth events form no cycle: an id is a hash over them"
    return ordered


def _rank(
    version: RoomVersion, event: Event, lookup: Callable[[EventId], Event]
) -> tuple[float, int, EventId]:
    return -_sender_level(version, event, lookup), event.origin_server_ts, event.event_id


def _sender_level(version: RoomVersion, event: Event, lookup: Callable[[EventId], Event]) -> float:
    """Return the sender's power level when looking at the event's own auth events."""
    named = {auth_event.key: auth_event for auth_event in map(lookup, event.auth_events)}
    if event.type == CREATE[0]:
        create = event
    elif version.implicit_create_auth:
        create = lookup(EventId("$" + event.room_id[1:]))
    else:
        assert CREATE in named, "rule 2.4: an event that stands names its create event"
        create = named[CREATE]
    return PowerLevels(named.get(POWER_LEVELS), create, version).user_level(event.sender)
