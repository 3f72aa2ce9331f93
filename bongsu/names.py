"""Names that need one answer: a bare user name, an alias. One lock for the core, or the node's own suffix.

DESIGN 5.3. The record of a claim is the truth; the lock only keeps two from being written.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from hashlib import sha256
from typing import Protocol

from bongsu import limits
from bongsu.authority import CORE
from bongsu.node import Node
from bongsu.speakers import SEPARATOR
from bongsu.view import users


def lock_key(name: str) -> str:
    """What the lock of a name is called: names may have letters that keys may not."""
    return sha256(name.encode()).hexdigest()


class Claim(Enum):
    """What became of the wish for a name."""

    OURS = "ours"
    TAKEN = "taken"
    NOBODY_KNOWS = "nobody knows"  # the core cannot be asked now


class Locks(Protocol):
    """Compare-and-set, replicated over the core sites."""

    async def create(self, key: str, holder: bytes) -> bytes | None:
        """The holder of the lock now: `holder`, or whoever had it before. None: it cannot be reached."""
        ...


class Names:
    """Claims of names by this node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        # Set where there is a fabric between sites. Without one, this node is the whole core.
        self.locks: Locks | None = None

    async def claim(self, name: str) -> Claim:
        """Ask for a name that no record here has claimed; a claim that was not recorded may be made again."""
        if self.locks is None:
            # Several sites without a lock between them: nobody can decide.
            alone = self._is_whole_core or not self._node.config.has_several_sites
            return Claim.OURS if alone else Claim.NOBODY_KNOWS
        holder = self._node.log.key.node
        held_by = None
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.NAME_CLAIM_S):
                while held_by is None and (self._is_whole_core or not self._node.promises.alone):
                    held_by = await self.locks.create(lock_key(name), holder)
                    if held_by is None:
                        # The servers of the fabric choose a leader anew for some seconds after a fire.
                        await asyncio.sleep(limits.NAME_RETRY_S)
        if held_by is None:
            return Claim.NOBODY_KNOWS
        return Claim.OURS if held_by == holder else Claim.TAKEN

    @property
    def _is_whole_core(self) -> bool:
        """Whether this is the only core node there is: with hubs alone nobody else gives bare names."""
        authorities = self._node.context.authorities
        if len(self._node.config.nats) > 1 or authorities.root_key is None:
            return False
        gone = authorities.revocations()
        core = [
            each.node for each in authorities.certificates() if each.role == CORE and each.node not in gone
        ]
        return core == [self._node.log.key.node]

    def known(self) -> Iterator[tuple[str, bytes]]:
        """What the records have claimed: the locks are made again from this when they are lost."""
        for name, author in users.names(self._node.context):
            yield lock_key(name), author

    def own(self, localpart: str) -> str:
        """The name with this node's suffix: nobody else can have it, so nobody need be asked."""
        if self._node.config.role == "hub":
            return f"{localpart}{SEPARATOR}{self._node.config.site}"
        return f"{localpart}{SEPARATOR}{self._node.log.key.node.hex()[:6]}"
