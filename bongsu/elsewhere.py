"""What other nodes have on disk and this one has not, and waiting for it within a bound."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from bongsu import limits
from bongsu.authority import CORE
from bongsu.bearer.link import Link
from bongsu.errors import MatrixError
from bongsu.log.vector import Vector
from bongsu.node import Node
from bongsu.rounds import Rounds

VECTOR = "vector"  # the topic by which nodes ask each other


def answer_vector(node: Node) -> Callable[[Link, bytes], Awaitable[bytes | None]]:
    """What this node says to who asks it: all that it has on disk."""

    async def say(link: Link, body: bytes) -> bytes | None:
        return node.log.vector().encode()

    return say


class Elsewhere:
    """The linked nodes, as those who may have what this node has not heard of."""

    def __init__(self, node: Node, links: Mapping[bytes, Link]) -> None:
        self._node = node
        self._links = links
        self._rounds = Rounds(self._catch_up)
        # Whether some peer had nothing more than this node since it started: until then a node whose disk was
        # emptied knows of no site but its own, and takes itself for all there is.
        self._has_met = False
        node.behind.held_elsewhere = self.has

    async def catch_up(self, before: Vector | None = None) -> bool:
        """Wait, within a bound, for what the linked peers have on disk.

        Whether anything was shown meanwhile, or since `before`: the answer that is asked about may have been
        looked up a moment before its ground was shown, and given a moment after.
        """
        if before is None:
            before = self._node.applied_vector
        if self._links:
            await self._rounds.join()
        return self._node.applied_vector != before

    async def has_all(self, bound_s: float) -> bool:
        """Wait, within a bound, for all that every other core site has on disk now; whether it is here."""
        deadline = asyncio.get_running_loop().time() + bound_s
        while self._links_every_site():
            if await self._rounds.join():
                return self._has_met and self._links_every_site()
            if asyncio.get_running_loop().time() > deadline:
                return False
        return False

    async def has_what_linked_hold(self) -> bool:
        """Wait, within a bound, for what the linked peers have on disk now; whether it is here."""
        return not self._links or await self._rounds.join()

    def _links_every_site(self) -> bool:
        authorities = self._node.context.authorities
        peers = [link.peer for link in self._links.values()]
        gone = authorities.revocations()
        sites = {
            each.site for each in authorities.certificates() if each.role == CORE and each.node not in gone
        }
        linked = {peer.details.site for peer in peers if peer.details.role == CORE}
        # Where nobody signed who belongs here, whoever is linked does.
        return sites <= linked | {self._node.config.site} if sites else bool(linked)

    async def _catch_up(self) -> bool:
        """Whether all linked peers said what they have, and this node has it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limits.CATCH_UP_S
        target, all_said = await self.held(limits.CATCH_UP_S)
        # Not the vector that is shown: what waits for events that are nowhere comes by no waiting here.
        while not target <= self._node.applied_vector and loop.time() < deadline:
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline - loop.time()):
                    await self._node.applied.wait()
        has_all = all_said and target <= self._node.applied_vector
        self._has_met = self._has_met or (has_all and bool(self._links))
        return has_all

    async def held(self, bound_s: float) -> tuple[Vector, bool]:
        """What the linked nodes have on disk, and whether all of them said it within the bound."""
        asks = [link.ask(VECTOR, b"", bound_s) for link in self._links.values()]
        target, said = Vector.empty(), 0
        for raw in await asyncio.gather(*asks):
            with suppress(MatrixError):
                if raw is not None:
                    target, said = target.merge(Vector.decode(raw)), said + 1
        return target, said == len(asks)

    async def has(self, vector: Vector) -> bool:
        """Whether linked nodes have all that a vector tells of; one that says nothing may."""
        held, all_said = await self.held(limits.CATCH_UP_S)
        here = self._node.log.merged(self._node.log.vector(), held)
        return bool(self._links) and (not all_said or self._node.log.merged(here, vector) == here)
