"""Step 3: the other events, by how far along the history of the power levels they were sent."""

from collections.abc import Callable, Iterable

from bongsu.ids import EventId
from bongsu.room.auth_types import POWER_LEVELS
from bongsu.room.event import Event


def mainline_sort(
    events: Iterable[EventId], power_levels: EventId | None, event: Callable[[EventId], Event]
) -> list[EventId]:
    """Return `events` in the mainline ordering based on `power_levels`."""
    positions: dict[EventId, float] = {}
    step = power_levels
    while step is not None:
        positions[step] = len(positions)
        step = _power_levels_of(event(step), event)

    def rank(event_id: EventId) -> tuple[float, int, EventId]:
        sorted_event = event(event_id)
        return -_position(sorted_event, positions, event), sorted_event.origin_server_ts, event_id

    return sorted(events, key=rank)


def _position(
    sorted_event: Event, positions: dict[EventId, float], event: Callable[[EventId], Event]
) -> float:
    """Return the mainline position of an event, infinite if it is not based on the mainline.

    What was learnt on the way is added to `positions`, so that each power levels event is walked once.
    """
    walked: list[EventId] = []
    step = _power_levels_of(sorted_event, event)
    while step is not None and step not in positions:
        walked.append(step)
        step = _power_levels_of(event(step), event)
    position = float("inf") if step is None else positions[step]
    positions.update(dict.fromkeys(walked, position))
    return position


def _power_levels_of(event: Event, lookup: Callable[[EventId], Event]) -> EventId | None:
    for auth_id in event.auth_events:
        auth_event = lookup(auth_id)
        if auth_event.state_key is not None and auth_event.key == POWER_LEVELS:
            return auth_id
    return None
