"""The state of a room: which event stands at each (type, state_key). Persistent: a change shares the rest."""

from typing import TypeAlias

import immutables

from bongsu.ids import EventId

StateKey: TypeAlias = tuple[str, str]
StateMap: TypeAlias = immutables.Map[StateKey, EventId]

EMPTY: StateMap = immutables.Map()
