"""Says memberships again that a merge undid and nobody ended (docs/decisions/state-resets.md).

Too early it would speak over what is still on its way; so it waits until a room's merge is over."""

import asyncio
import logging

from bongsu import limits
from bongsu.author import MEMBER, Author, NewEvent
from bongsu.authority import CORE, Certificate
from bongsu.errors import MatrixError
from bongsu.live.background import Background
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.changes import Changes
from bongsu.view.state_resets import StateReset, state_resets

logger = logging.getLogger(__name__)


class StateResets:
    """Of linked core nodes the one with the least name does it; without one a hub, for its residents."""

    def __init__(self, node: Node, peers: Peers, author: Author) -> None:
        self._node = node
        self._peers = peers
        self._author = author
        # Rooms to be looked at, and when (monotonic seconds) they were merged last.
        self._merged: dict[int, float] = {}
        self._background = Background(self._watch)

    def start(self) -> None:
        """From now on. Every room once: this node may have ended between a merge and its mending."""
        now_s = self._node.clock.monotonic()
        self._merged = {room: now_s for (room,) in self._node.context.db.all("SELECT room FROM rooms")}
        self._node.listeners.append(self._applied)
        self._background.start()

    async def close(self) -> None:
        """Look no more."""
        if self._applied in self._node.listeners:
            self._node.listeners.remove(self._applied)
        await self._background.close()

    def _applied(self, changes: Changes) -> None:
        if changes.merged:
            self._merged.update(dict.fromkeys(changes.merged, self._node.clock.monotonic()))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(limits.STATE_RESET_LOOK_S)
            until_s = self._node.clock.monotonic() - limits.STATE_RESET_S
            ripe = [room for room, at_s in self._merged.items() if at_s <= until_s]
            if not ripe or not await self._peers.elsewhere.has_what_linked_hold():
                continue
            for room in ripe:
                if self._merged.get(room, until_s + 1) <= until_s:
                    del self._merged[room]
                    await self._mend(room)

    async def _mend(self, room: int) -> None:
        node = self._node
        mine = node.certificate_of(node.log.key.node)
        if mine is None or not self._is_mine(mine):
            return
        residencies = node.context.residencies
        for reset in state_resets(node.context, room):
            if all(residencies.of(mine, event.sender).lasts for event in reset.path):
                await self._restate(reset)
        await asyncio.sleep(0)  # after a start there may be thousands of rooms

    def _is_mine(self, mine: Certificate) -> bool:
        """Two who did it would only say the same twice."""
        if self._node.revoked:
            return False
        if mine.role == CORE:
            return self._peers.is_least_of_core()
        return not any(link.is_core for link in self._peers.links.values())

    async def _restate(self, reset: StateReset) -> None:
        who = (reset.user_id, reset.room_id)
        logger.warning("a merge undid the membership of %s in %s: it is said again", *who)
        try:
            for event in reset.path:
                new = NewEvent(MEMBER, event.content, event.state_key)
                await self._author.send(reset.room_id, event.sender, new)
        except (MatrixError, KeyError) as error:
            # Somebody changed the room meanwhile, an administrator closed it, or the disk is full.
            logger.warning("the membership of %s in %s was not said again: %s", *who, error)
