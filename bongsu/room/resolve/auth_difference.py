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

    What an unconflicted event reaches is in every chain. The text leaves those events themselves out of
    the chains, other servers count them in; an event on which all states agree is no difference.
    """
    agreed = set(unconflicted.values())
    chains = [auth_chain(set(state.values()) - agreed, event) for state in states]
    difference = set().union(*chains) - chains[0].intersection(*chains[1:]) - agreed
    if not difference:
        return difference
    # Walked only here: a room of 10,000 members has as many unconflicted events.
    return difference - auth_chain(agreed, event)
