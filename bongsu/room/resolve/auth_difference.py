"""Events in the auth chain of some state but not of every state. Spec: § Definitions, auth difference."""

from collections.abc import Callable, Sequence

from bongsu.ids import EventId
from bongsu.room.event import Event
from bongsu.room.graph import auth_chain
from bongsu.room.state import StateMap


def auth_difference(
    states: Sequence[StateMap], unconflicted: StateMap, event: Callable[[EventId], Event]
) -> set[EventId]:
    """Return the auth difference. The chain of a state includes the state's own events.

    The text leaves a state's own events out of its chain, other servers count them in: an event on which
    all states agree is no difference.
    """
    agreed = set(unconflicted.values())
    disputed = [set(state.values()) - agreed for state in states]
    chains = [auth_chain(events, event) for events in disputed]
    difference = set().union(*chains) - chains[0].intersection(*chains[1:]) - agreed
    if difference.issubset(set().union(*disputed)):
        # Nothing beyond the conflicted state set, which is replayed in any case. The walk below is spared:
        # a room of 10,000 members has as many unconflicted events.
        return difference
    return difference - auth_chain(agreed, event)
