"""What a token says less of: scopes whose bodies are not here yet. docs/decisions/backlogs.md."""

from bongsu.log.record import room_scope, scope_id
from bongsu.log.vector import Vector
from bongsu.node import Node
from bongsu.sync.token import LATE_BYTES_MAX, LATE_MAX, Late, Token
from bongsu.view.unfilled import Group


def late(node: Node, user_id: str, before: Token | None, token: Token) -> tuple[Late, ...]:
    """Of which scopes somebody was shown less than `token` says, here or where they come from.

    `before`: what the client came with, if that says more than this node's order of arrival.
    """
    found = _late(node, user_id, before, token, LATE_MAX - 1)
    if sum(len(each.encode()) for each in found) <= LATE_BYTES_MAX:
        return found
    # Of a service of many nodes: a client that moves may then be told twice, and misses none.
    return _late(node, user_id, before, token, 0)


def _late(node: Node, user_id: str, before: Token | None, token: Token, apart: int) -> tuple[Late, ...]:
    groups = _groups(node, user_id, apart)
    carried = () if before is None or token.vector == node.vector else before.late
    if carried:
        # What they were not shown elsewhere, nor here, where it lacks too.
        both = frozenset(scope for group in groups for scope in group.scopes)
        least = node.vector
        for group in groups:
            least = _before(node, group, least)
        return tuple(
            Late(node.log.merged(least, each.vector), frozenset())
            if not each.scopes
            else Late.of(node.log.merged(least, each.vector), each.scopes | both)
            for each in carried
        )
    known = Vector.empty() if before is None or before.late else before.vector
    return tuple(
        Late.of(node.log.merged(_before(node, group, node.vector), known), group.scopes) for group in groups
    )


def _groups(node: Node, user_id: str, apart: int) -> list[Group]:
    if not node.unfilled:
        return []
    events = node.context.events
    mine = {scope_id(room_scope(events.room_id(room))) for room in node.context.memberships.of(user_id)}
    return node.unfilled.groups(mine, node.position, apart)


def _before(node: Node, group: Group, vector: Vector) -> Vector:
    """The vector without the first records of a group that lack, and what follows them in their logs."""
    for log, seq in group.firsts.items():
        state = node.log.held_log(log)
        assert state is not None, "a record whose body lacks is on disk"
        vector = vector.lowered(log, state.ordinal, seq - 1)
    return vector
