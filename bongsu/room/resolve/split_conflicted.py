"""What the states agree on, and the events about which they do not. Spec: § Definitions."""

from collections.abc import Sequence

from bongsu.ids import EventId
from bongsu.room.state import StateKey, StateMap


def split_conflicted(states: Sequence[StateMap]) -> tuple[StateMap, set[EventId]]:
    """Return the unconflicted state map and the conflicted state set."""
    first = states[0]
    others = [state for state in states[1:] if state != first]
    disputed: set[StateKey] = set()
    for other in others:
        disputed |= {key for key, event_id in other.items() if first.get(key) != event_id}
        disputed |= {key for key in first if key not in other}
    conflicted = {state[key] for key in disputed for state in (first, *others) if key in state}
    unconflicted = first.mutate()
    for key in disputed:
        unconflicted.pop(key, None)
    return unconflicted.finish(), conflicted
