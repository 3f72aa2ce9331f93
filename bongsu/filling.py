"""Whether this node holds what its peers hold: after a start it may lack even what it wrote itself.

A restored image and an emptied disk look whole from inside; only a peer can tell (DESIGN 5.1)."""

import asyncio
import logging
from contextlib import suppress

from bongsu import limits
from bongsu.bearer.link import Link
from bongsu.errors import MatrixError
from bongsu.log.record import Record
from bongsu.log.vector import Vector, prefix_of
from bongsu.node import Node
from bongsu.peers import VECTOR, Peers

logger = logging.getLogger(__name__)

TOPIC = "held"


class Filling:
    """Asks each peer once how much it holds, and says how far this node is until it holds as much."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self._asked: set[bytes] = set()
        self._task: asyncio.Task[None] | None = None
        self.target = 0
        self.began_s = 0.0
        # Records of this node's earlier starts that came back from peers: it was rolled back.
        self.returned = 0
        peers.calls.answers[TOPIC] = self._say
        node.committed_listeners.append(self._committed)

    @property
    def held(self) -> int:
        """How many records are on disk here."""
        return sum(held.seq for held in self._node.log.held().values())

    @property
    def behind(self) -> bool:
        """Whether peers are known to hold much that is not here yet."""
        return self.target > 0

    def start(self) -> None:
        """Ask whoever is linked from now on."""
        self._task = asyncio.ensure_future(self._watch())

    async def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        shown_s = 0.0
        while True:
            changed = self._peers.changed
            if not self._node.confirmed:
                self._asked.clear()
            for node, link in list(self._peers.links.items()):
                if node not in self._asked:
                    await self._ask(node, link)
            if not self.behind:
                await changed.wait()
                continue
            await self._more()
            now_s = self._node.clock.monotonic()
            if now_s - shown_s >= limits.FILLING_SHOWN_S:
                shown_s = now_s
                self._show(now_s)

    async def _ask(self, node: bytes, link: Link) -> None:
        raw = await link.ask(TOPIC, b"")
        if raw is None or len(raw) != 8:
            return  # an older release does not know the question
        self._asked.add(node)
        await self._confirm(link)
        theirs, held = int.from_bytes(raw, "big"), self.held
        if theirs - held > limits.FILLING_RECORDS_MIN and theirs > self.target:
            if not self.behind:
                self.began_s = self._node.clock.monotonic()
                logger.warning("a peer holds %d records, this node %d: it fills", theirs, held)
            self.target = theirs

    async def _confirm(self, link: Link) -> None:
        """Whether the peer holds nothing of this node's earlier starts that this node lacks."""
        deadline_s = self._node.clock.monotonic() + limits.FILLING_CONFIRM_S
        mine = prefix_of(self._node.log.key.node)
        while not self._node.confirmed and self._node.clock.monotonic() < deadline_s:
            raw = await link.ask(VECTOR, b"")
            if raw is None:
                return
            with suppress(MatrixError):
                gaps = self._node.log.vector().missing(Vector.decode(raw))
                self._node.confirmed = not any(gap.prefix == mine for gap in gaps)
            if not self._node.confirmed:
                await self._more()

    async def _more(self) -> None:
        """Return once more is applied, or after a moment: a link may be cut."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._node.applied.wait(), limits.FILLING_SHOWN_S)

    def _show(self, now_s: float) -> None:
        held, took_s = self.held, now_s - self.began_s
        share = min(100, 100 * held // self.target)
        bar = "#" * (share // 5)
        logger.warning("[%-20s] %d %%: %d of %d records, %.0f s", bar, share, held, self.target, took_s)
        if held >= self.target:
            self.target = 0
            logger.warning("this node holds what its peers held; filling took %.1f s", took_s)

    async def _say(self, link: Link, body: bytes) -> bytes | None:
        return self.held.to_bytes(8, "big")

    def _committed(self, records: list[Record]) -> None:
        log = records[0].log
        if log.node == self._node.log.key.node and log.epoch != self._node.log.epoch:
            if self.returned == 0:
                logger.warning("records of this node's earlier starts come back: its disk was rolled back")
            self.returned += len(records)
