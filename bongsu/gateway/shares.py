"""Which core node tells which phone: each knows it from who is linked, and one at least does. DESIGN 5.4."""

import asyncio
from contextlib import suppress
from hashlib import sha256

from bongsu import limits
from bongsu.authority import CORE
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.pushers import Pusher


class Shares:
    """A pusher belongs to the live core node whose name gives the largest hash with it.

    Nodes that see each other agree; the one that is largest of all leaves it to nobody, whatever others see.
    """

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self.peers = peers

    def others(self) -> frozenset[bytes]:
        """The other core nodes that live, as far as this one sees."""
        return frozenset(
            name for name, link in self.peers.links.items() if link.is_core and link.parting_at is None
        )

    def is_mine(self, pusher: Pusher) -> bool:
        """Whether this node tells it. A hub does while no data centre is linked."""
        own, others = self._node.log.key.node, self.others()
        if self._node.config.role != CORE:
            return not others
        place = "\0".join((pusher.user_id, pusher.app_id, pusher.pushkey)).encode()
        return max((own, *others), key=lambda name: sha256(name + place).digest()) == own

    async def linked(self) -> None:
        """Wait, within a bound, until another core node is linked, where there is one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.PUSH_LINK_S):
                while self._node.config.has_several_sites and not self.others():
                    await self.peers.changed.wait()
