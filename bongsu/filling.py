"""Whether this node holds what its peers hold: after a start it may lack even what it wrote itself.

A restored image and an emptied disk look whole from inside; only a peer can tell (DESIGN 5.1)."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct

from bongsu import limits
from bongsu.bearer.link import Link
from bongsu.live.background import Background
from bongsu.log.record import Lane, LogName, Record
from bongsu.node import Node
from bongsu.peers import Peers

logger = logging.getLogger(__name__)

TOPIC = "held"
# The answer: how many records are held, then (epoch, lane, seq) of each log of the node that asks.
TOTAL, LOG = Struct(">Q"), Struct(">QBQ")
LANES = {int(lane): lane for lane in Lane}


@dataclass(slots=True)
class _Wait:
    """For what a peer said it holds of this node's own logs; how much was held here when more came last."""

    link: Link
    theirs: dict[LogName, int]
    held: int
    deadline_s: float


class Filling(Background):
    """Asks each peer once how much it holds, and says how far this node is until it holds as much."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self._asked: dict[bytes, Link] = {}
        self._waits: dict[bytes, _Wait] = {}
        super().__init__(self._watch)
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
        """Whether linked peers hold much that is not here yet. A site that is cut off is not."""
        return self.target > 0 and bool(self._peers.links)

    async def _watch(self) -> None:
        shown_s = 0.0
        while True:
            changed = self._peers.changed
            for node, link in list(self._peers.links.items()):
                again = not self._node.confirmed and self._asked.get(node) is not link
                if node not in self._asked or again:
                    await self._ask(node, link)
            self._confirm()
            if not self.behind and not self._waits:
                # A peer that could not confirm is asked again; else nothing is to do until a link changes.
                again_s = limits.FILLING_CONFIRM_S if self._peers.links and not self._node.confirmed else None
                with suppress(TimeoutError):
                    async with asyncio.timeout(again_s):
                        await changed.wait()
                continue
            await self._more()
            now_s = self._node.clock.monotonic()
            if self.behind and now_s - shown_s >= limits.FILLING_SHOWN_S:
                shown_s = now_s
                self._show(now_s)

    async def _ask(self, node: bytes, link: Link) -> None:
        found = await self._held_there(link)
        if found is None:
            return  # an older release does not know the question
        self._asked[node] = link
        self._aim(found[0])
        deadline_s = self._node.clock.monotonic() + limits.FILLING_CONFIRM_S
        self._waits[node] = _Wait(link, found[1], self.held, deadline_s)

    async def _held_there(self, link: Link) -> tuple[int, dict[LogName, int]] | None:
        """How many records the peer holds, and how far it holds this node's own logs."""
        raw = await link.ask(TOPIC, b"")
        if raw is None or len(raw) % LOG.size != TOTAL.size:
            return None
        node = self._node.log.key.node
        logs = {
            LogName(node, epoch, LANES[lane]): seq
            for epoch, lane, seq in LOG.iter_unpack(raw[TOTAL.size :])
            if lane in LANES
        }
        return TOTAL.unpack_from(raw)[0], logs

    def _aim(self, theirs: int) -> None:
        held = self.held
        if theirs - held > limits.FILLING_RECORDS_MIN and theirs > self.target:
            if self.target == 0:
                self.began_s = self._node.clock.monotonic()
                logger.warning("a peer holds %d records, this node %d: it fills", theirs, held)
            self.target = theirs

    def _confirm(self) -> None:
        """Look whether what a peer holds of this node's earlier starts is here. A vector does not tell: it
        leaves out what later starts name, and those may be what is gone."""
        now_s, held = self._node.clock.monotonic(), self._node.log.held()
        for node, wait in list(self._waits.items()):
            if self._node.confirmed or self._peers.links.get(node) is not wait.link:
                del self._waits[node]
            elif all(log in held and held[log].seq >= seq for log, seq in wait.theirs.items()):
                self._node.confirmed = True
                del self._waits[node]
            elif self.behind and self.held > wait.held:
                # A backlog comes in the order in which it arrived there, and these may be its last.
                wait.held, wait.deadline_s = self.held, now_s + limits.FILLING_CONFIRM_S
            elif now_s > wait.deadline_s:
                # What was asked for on this link was lost, and nothing shows that: a new one asks anew.
                del self._waits[node]
                wait.link.end()

    async def _more(self) -> None:
        """Return once more is applied, or after a moment: a link may be cut."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limits.FILLING_SHOWN_S):
                await self._node.applied.wait()

    def _show(self, now_s: float) -> None:
        held, took_s = self.held, now_s - self.began_s
        share = min(100, 100 * held // self.target)
        bar = "#" * (share // 5)
        logger.warning("[%-20s] %d %%: %d of %d records, %.0f s", bar, share, held, self.target, took_s)
        if held >= self.target:
            self.target = 0
            logger.warning("this node holds what its peers held; filling took %.1f s", took_s)

    async def _say(self, link: Link, body: bytes) -> bytes | None:
        own = [
            LOG.pack(log.epoch, int(log.lane), seq)
            for log, seq in self._node.log.held_of(link.peer.node)[-limits.FILLING_LOGS_MAX :]
        ]
        return TOTAL.pack(self.held) + b"".join(own)

    def _committed(self, records: list[Record]) -> None:
        log = records[0].log
        if log.node == self._node.log.key.node and log.epoch != self._node.log.epoch:
            if self.returned == 0:
                logger.warning("records of this node's earlier starts come back: its disk was rolled back")
            self.returned += len(records)
