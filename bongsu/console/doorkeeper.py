"""Takes out of closed rooms who came in where the closing was not known yet: docs/decisions/tower.md."""

import asyncio
import logging

from bongsu import limits
from bongsu.author import Author
from bongsu.bearer.link import Link
from bongsu.errors import MatrixError
from bongsu.live.alarm import Alarm
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.admin_rooms import ENTERED, inside_closed, is_closed
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)


class Doorkeeper:
    """At every data centre for everybody, at a hub for its residents: it may have heard of the closing alone.

    Of two that take the same person out, the second is refused.
    """

    def __init__(self, node: Node, peers: Peers, author: Author) -> None:
        self._node = node
        self._peers = peers
        self._author = author
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._late = Alarm(self._look)

    def start(self) -> None:
        """Look now, and whenever a room is closed, somebody comes into one that is, or a link changes."""
        self._node.listeners.append(self._applied)
        # The closing and the entry may have come from two sites in either order, and one of them is gone.
        self._peers.began.append(self._linked)
        self._peers.ended.append(self._linked)
        self._look()

    async def close(self) -> None:
        """Stop looking."""
        self._late.cancel()
        if self._applied in self._node.listeners:
            self._node.listeners.remove(self._applied)
            self._peers.began.remove(self._linked)
            self._peers.ended.remove(self._linked)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _applied(self, changes: Changes) -> None:
        context = self._node.context
        entered = {each.room for each in changes.members if each.after in ENTERED}
        if any(is_closed(context, context.events.room_id(room)) for room in entered):
            self._look()
        if changes.closed:
            # Whose word it was takes everybody out who was inside there.
            self._late.set(limits.CLOSED_ROOM_S)

    def _linked(self, _link: Link) -> None:
        self._look()

    def _look(self) -> None:
        self._again = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._take_out())

    async def _take_out(self) -> None:
        try:
            while self._again:
                self._again = False
                for room_id, user_id in inside_closed(self._node.context):
                    if self._may_write_for(user_id):
                        await self._leave(room_id, user_id)
        finally:
            self._task = None

    def _may_write_for(self, user_id: str) -> bool:
        mine = self._node.certificate_of(self._node.log.key.node)
        return mine is not None and self._node.context.residencies.of(mine, user_id).lasts

    async def _leave(self, room_id: str, user_id: str) -> None:
        try:
            await self._author.leave(room_id, user_id)
        except (MatrixError, KeyError) as error:
            # They left by themselves, or another data centre was first; on a full disk it is done later.
            logger.info("somebody in a closed room was not taken out: %s", error)
