"""The state section of a room in /sync: the whole state, or what changed since the token."""

from bongsu.node import Node
from bongsu.room.state import StateMap
from bongsu.sync.timeline import Timeline
from bongsu.sync.token import Since
from bongsu.view.memberships import Member


def state_at_start(node: Node, member: Member, room_id: str, found: Timeline, *, after: bool) -> StateMap:
    """The whole state at the start of the timeline, or with `after` at its end (MSC4222)."""
    if member.membership == "join" and (after or not found.rows):
        return node.context.live.current_state(member.room)
    if member.membership != "join":
        row = node.context.events.row(member.event_id)
        if row is not None and (after or not found.rows):
            return node.context.states.group(row.state_group)
    return node.context.states.before(found.rows[0]) if found.rows else StateMap()


def state_changes(node: Node, member: Member, since: Since, found: Timeline, *, after: bool) -> StateMap:
    """What the current state has changed beyond `since`; without `after`, less what the timeline shows."""
    last = 2**62 if member.membership == "join" else member.changed
    rows = node.context.db.all(
        "SELECT type, state_key, event_id, changed FROM current_state"
        " WHERE room=? AND changed>? AND changed<=?",
        (member.room, since.position, last),
    )
    shown = set() if after else {row.event_id for row in found.rows}
    return StateMap(
        {
            (kind, state_key): event_id
            for kind, state_key, event_id, changed in rows
            if event_id not in shown and not since.covers(changed)
        }
    )
