"""Which events of a room a user may see. Spec: Client-Server API § Room History Visibility."""

from collections.abc import Iterable

from bongsu.room.state import StateMap
from bongsu.room.visibility import visible
from bongsu.view.context import Context
from bongsu.view.events import EventRow
from bongsu.view.memberships import Member

VISIBILITY = ("m.room.history_visibility", "")


def history_visibility(context: Context, state: StateMap) -> str:
    """The room's history visibility in a state; "shared" where none is set."""
    event_id = state.get(VISIBILITY)
    if event_id is None:
        return "shared"
    value = context.events.body(event_id).content.get("history_visibility")
    return value if value in ("invited", "joined", "shared", "world_readable") else "shared"


def always_shared(context: Context, room: int) -> bool:
    """Whether every setting the room ever had shows all history to members: nothing need be looked up."""
    known = context.always_shared.get(room)
    if known is None:
        found = context.db.all(
            "SELECT event_id FROM events WHERE room=? AND type='m.room.history_visibility' AND verdict=0",
            (room,),
        )
        known = all(
            context.events.body(event_id).content.get("history_visibility") in ("shared", "world_readable")
            for (event_id,) in found
        )
        context.always_shared.put(room, known)
    return known


def visible_rows(
    context: Context, rows: Iterable[EventRow], user_id: str, member: Member | None
) -> list[EventRow]:
    """The events among `rows` (all of one room) that the user may see, in the same order."""
    found = list(rows)
    if not found:
        return []
    joined_now = member is not None and member.membership == "join"
    if joined_now and always_shared(context, found[0].room):
        return found
    return [row for row in found if _visible(context, row, user_id, member)]


def _visible(context: Context, row: EventRow, user_id: str, member: Member | None) -> bool:
    before = context.states.before(row)
    then = membership_in(context, before, user_id)
    setting = history_visibility(context, before)
    if row.state_key is not None:
        after = context.states.group(row.state_group)
        if row.type == "m.room.member" and row.state_key == user_id:
            # A user sees both sides of their own membership's changes.
            now = membership_in(context, after, user_id)
            then = now if now == "join" or then is None else then
        if row.type == "m.room.history_visibility":
            setting = _widest(setting, history_visibility(context, after))
    now_membership = None if member is None else member.membership
    joined_since = (member is not None and member.joined > row.position) or now_membership == "join"
    return visible(setting, then, now_membership, joined_since)


def _widest(first: str, second: str) -> str:
    order = ("joined", "invited", "shared", "world_readable")
    return max(first, second, key=order.index)


def membership_in(context: Context, state: StateMap, user_id: str) -> str | None:
    """A user's membership in a state."""
    event_id = state.get(("m.room.member", user_id))
    return None if event_id is None else context.events.body(event_id).membership
