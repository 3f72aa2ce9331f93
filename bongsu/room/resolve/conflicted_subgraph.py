"""Events on the auth paths between conflicted events. Spec: rooms/v12 § Definitions; MSC4297."""

from collections.abc import Callable

from bongsu.ids import EventId
from bongsu.room.event import Event
from bongsu.room.graph import auth_chain


def conflicted_subgraph(conflicted: set[EventId], event: Callable[[EventId], Event]) -> set[EventId]:
    """Return the events on paths along `auth_events` from one conflicted event to another, ends included."""
    below = auth_chain(conflicted, event)
    children: dict[EventId, list[EventId]] = {}
    for event_id in below:
        for parent in event(event_id).auth_events:
            children.setdefault(parent, []).append(event_id)
    above = set(conflicted)
    waiting = list(conflicted)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in above:
                above.add(child)
                waiting.append(child)
    assert above <= below, "the walk up stays within what the walk down has seen"
    return above
