"""Says that an event is lost, once nobody who can be asked holds it (docs/decisions/lost-events.md).

Said too early it costs every node a derivation of its view, and no message."""

import asyncio
import logging
from contextlib import suppress

from bongsu import drafts, limits
from bongsu.authority import CORE, HUB, link_allowed
from bongsu.clock import next_stamp
from bongsu.errors import MatrixError
from bongsu.live.background import Background
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.view.waiting import Awaited, awaited

logger = logging.getLogger(__name__)


class LostEvents(Background):
    """Looks now and then what events wait for. Of linked core nodes the one with the least name says it."""

    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self._since: dict[str, float] = {}
        super().__init__(self._watch)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(limits.LOST_LOOK_S)
            waits = awaited(self._node.context)
            now_s = self._node.clock.monotonic()
            self._since = {each.event_id: self._since.get(each.event_id, now_s) for each in waits}
            ripe = [each for each in waits if now_s - self._since[each.event_id] >= self._patience_s(each)]
            if ripe and self._is_mine() and await self._holds_what_others_hold():
                await self._say(ripe)

    def _is_mine(self) -> bool:
        node = self._node
        return node.config.role == CORE and not node.revoked and self._peers.is_least_of_core()

    def _patience_s(self, awaited: Awaited) -> int:
        """How long to wait for who might still bring the event: whoever of the service is not linked."""
        node = self._node
        authorities = node.context.authorities
        revocations, now_ms = authorities.revocations(), node.now_ms()
        away = {
            certificate.role
            for certificate in authorities.certificates()
            if certificate.node not in self._peers.links and certificate.node != node.log.key.node
            if link_allowed(certificate, revocations, now_ms)
        }
        author = authorities.certificate(awaited.author)
        if HUB in away and (author is None or author.role == HUB):
            # What hubs write comes by people's hands, and in no order.
            return limits.LOST_BY_HUBS_S
        return limits.LOST_AWAY_S if away else limits.LOST_S

    async def _holds_what_others_hold(self) -> bool:
        """Whether every linked node answers, and all it has on disk is applied here within a moment."""
        target, all_said = await self._peers.elsewhere.held(limits.CALL_S_MAX)
        if not all_said:
            return False
        deadline_s = self._node.clock.monotonic() + limits.LOST_LOOK_S
        while not target <= self._node.applied_vector:
            if self._node.clock.monotonic() >= deadline_s:
                return False
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._node.applied.wait()
        return True

    async def _say(self, ripe: list[Awaited]) -> None:
        """Once more looked at: what the others had may have brought some of them."""
        still = {each.event_id for each in awaited(self._node.context)}
        rooms: dict[str, list[str]] = {}
        for each in ripe:
            if each.event_id in still:
                rooms.setdefault(each.room_id, []).append(each.event_id)
        for room_id, event_ids in rooms.items():
            logger.warning("no node holds %s of %s any more: it is gone without", event_ids, room_id)
            # On a full disk it is said later.
            with suppress(MatrixError):
                stamp = next_stamp(self._node.now_ms())
                await self._node.write(drafts.lost(room_id, event_ids, stamp))
