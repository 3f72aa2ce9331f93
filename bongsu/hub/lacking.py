"""What is kept here and lacks bodies, as it changes: tokens say less of that (view/unfilled.py)."""

from collections.abc import Iterable, Sequence

from bongsu.hub.interest import rooms_known
from bongsu.log.record import BodyState, Record
from bongsu.node import Node


class Lacking:
    """Keeps `unfilled` of a node of a hub."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def found(self, scopes: Iterable[bytes]) -> None:
        """These scopes are kept, and lack bodies, perhaps of before they were kept."""
        unfilled, withheld = self._node.unfilled, self._node.log.withheld()
        new = [scope for scope in scopes if scope not in unfilled]
        if new:
            unfilled.rooms = rooms_known(self._node.context)
        for scope in new:
            unfilled.lacks(scope, withheld.firsts(scope))

    def came_without(self, records: Sequence[Record], scopes: set[bytes]) -> None:
        """Records are on disk without their bodies; `scopes`: what of those is kept."""
        for record in records:
            if record.header.scope in scopes:
                self._node.unfilled.lacks(record.header.scope, {record.log: record.header.seq})

    def filled(self, records: Sequence[Record]) -> None:
        """Records are on disk, some of them with bodies that lacked."""
        unfilled, withheld = self._node.unfilled, self._node.log.withheld()
        unfilled.shown(self._node.position)
        concerned = [record for record in records if record.header.scope in unfilled]
        for record in concerned:
            if record.state != BodyState.WITHHELD:
                unfilled.came(record)
        for scope in {record.header.scope for record in concerned}:
            if not withheld.of(scope):
                # The disk may be ahead of what this is told of.
                unfilled.whole(scope, self._node.log.placed_position)
