"""What a node tells every site of itself, in a register: once a minute at most, when it changed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bongsu import drafts, limits
from bongsu.errors import MatrixError
from bongsu.hub.power import Power
from bongsu.log.files import free_bytes
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view import registers

logger = logging.getLogger(__name__)

FAMILY = "status"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """What the node's operators know of it. `examine` takes a while; `problems` then says what it found."""

    problems: Callable[[], list[dict[str, Any]]]
    figures: Callable[[], dict[str, Any]]
    examine: Callable[[], None]


class StatusPublisher:
    """Writes the node's status, with what is wrong here and its figures, as `operate` tells them."""

    def __init__(self, node: Node, peers: Peers, power: Power, told: Told) -> None:
        self._node = node
        self._peers = peers
        self._power = power
        self._started_ms = node.now_ms()
        self._known = told
        self._examined_s: float | None = None
        self._told: dict[str, Any] = {}
        self._told_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop telling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._examine()
                await self.tell()
            except MatrixError as error:
                logger.warning("the status could not be written: %s", error.error)
            except Exception:
                logger.exception("the status could not be written")
            await asyncio.sleep(limits.STATUS_S)

    async def _examine(self) -> None:
        now_s = self._node.clock.monotonic()
        if self._examined_s is None or now_s - self._examined_s >= limits.EXAMINE_S:
            await asyncio.to_thread(self._known.examine)
            self._examined_s = now_s

    async def tell(self) -> None:
        """Write the status, if it changed or has not been told for long."""
        node = self._node
        now_s, said = node.clock.monotonic(), self.status()
        if said == self._told and now_s - self._told_s < limits.STATUS_UNCHANGED_S:
            return
        if node.revoked:
            return
        key = (FAMILY, "", "", node.log.key.node.hex())
        stamp = registers.stamp_after(node.context, node.now_ms(), *key)
        # The figures change all the time: they go along, and are no reason to tell anything.
        more = {"at": node.now_ms(), "figures": self._known.figures()}
        await node.write(drafts.register(*key, {**said, **more}, stamp))
        self._told, self._told_s = said, now_s

    def status(self) -> dict[str, Any]:
        """What is told, but for when: coarse, so that a quiet node has nothing new to say."""
        node = self._node
        certificate = node.certificate_of(node.log.key.node)
        days = None
        if certificate is not None and certificate.expires_ms is not None:
            days = max(0, (certificate.expires_ms - node.now_ms()) // 86_400_000)
        return {
            "since": self._started_ms,
            "people": node.wake.waiting,
            "linked": sorted(peer.hex() for peer in self._peers.links),
            "behind": node.log.head_position - node.position,
            "free_mib": free_bytes(node.log.path) // _MIB // 64 * 64,
            "certificate_days": days,
            "battery": self._power.as_json(),
            "problems": self._known.problems(),
        }
