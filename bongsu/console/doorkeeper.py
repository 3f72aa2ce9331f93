"""Takes out of closed rooms who came in where the closing was not known yet: docs/decisions/tower.md."""

import asyncio
import logging

from bongsu.author import Author
from bongsu.authority import CORE
from bongsu.bearer.link import Link
from bongsu.errors import MatrixError
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.admin_rooms import ENTERED, inside_closed
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)


class Doorkeeper:
    """At every data centre. Of two that take the same person out, the second is refused."""

    def __init__(self, node: Node, peers: Peers, author: Author) -> None:
        self._node = node
        self._peers = peers
        self._author = author
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def start(self) -> None:
        """Look now, and whenever somebody comes in or a link changes. Hubs may not write for everybody."""
        if self._node.config.role != CORE:
            return
        self._node.listeners.append(self._applied)
        # The closing and the entry may have come from two sites in either order, and one of them is gone.
        self._peers.began.append(self._linked)
        self._peers.ended.append(self._linked)
        self._look()

    async def close(self) -> None:
        """Stop looking."""
        if self._applied in self._node.listeners:
            self._node.listeners.remove(self._applied)
            self._peers.began.remove(self._linked)
            self._peers.ended.remove(self._linked)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _applied(self, changes: Changes) -> None:
        if any(each.after in ENTERED for each in changes.members):
            self._look()

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
                    await self._leave(room_id, user_id)
        finally:
            self._task = None

    async def _leave(self, room_id: str, user_id: str) -> None:
        try:
            await self._author.leave(room_id, user_id)
        except (MatrixError, KeyError) as error:
            # They left by themselves, or another data centre was first; on a full disk it is done later.
            logger.info("somebody in a closed room was not taken out: %s", error)
