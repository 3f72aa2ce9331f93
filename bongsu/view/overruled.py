"""What a merge undid in a room: changes that one side made and that do not hold beside the other side's."""

from collections.abc import Iterable
from dataclasses import dataclass

from bongsu.room.state import StateMap
from bongsu.view.context import Context
from bongsu.view.events import REJECTED, EventRow

SHOWN_MAX = 100
LOOKED_AT_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Overruled:
    """A change that does not hold. `winner`: what holds in its place, None if nothing does."""

    row: EventRow
    winner: str | None


def overruled(context: Context, room: int, state: StateMap) -> tuple[list[Overruled], bool]:
    """State events that neither hold nor led to what does, latest first; if there are more.

    A change that follows another replaces it. What was changed on two sides at once, and what rules refuse
    beside the other side's bans and levels, is left over.
    """
    rows = context.events.rows(
        "room=? AND state_key IS NOT NULL ORDER BY stamp DESC LIMIT ?", (room, LOOKED_AT_MAX + 1)
    )
    more = len(rows) > LOOKED_AT_MAX
    found = _left_over(rows[:LOOKED_AT_MAX], state)
    return found[:SHOWN_MAX], more or len(found) > SHOWN_MAX


def _left_over(rows: Iterable[EventRow], state: StateMap) -> list[Overruled]:
    standing: set[str] = set()
    found = []
    for row in rows:
        winner = state.get((row.type, row.state_key or ""))
        # The latest first: what replaces another comes before it.
        if row.verdict != REJECTED and (row.event_id == winner or row.event_id in standing):
            if row.replaces is not None:
                standing.add(row.replaces)
        else:
            found.append(Overruled(row, winner))
    return found
