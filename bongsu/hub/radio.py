"""Thin links: another site by radio, when no other link reaches it. DESIGN 7, docs/protocol/thin.md.

What goes by them: the urgent lane, then text. Never the bulk lane, media, or questions between nodes.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bongsu import __version__, limits
from bongsu.authority import CORE, link_refusal
from bongsu.bearer.hello import Details, Peer
from bongsu.bearer.link import THIN, Link
from bongsu.bearer.thin.line import Line
from bongsu.bearer.thin.talk import Lacks, Wired
from bongsu.hub.keeping import Keeping
from bongsu.log.record import SERVICE, Lane, Record, node_id
from bongsu.node import Node
from bongsu.peers import Calls, Peers

logger = logging.getLogger(__name__)

LANES = frozenset((Lane.URGENT, Lane.TEXT))


class Radio:
    """The thin links of one node."""

    def __init__(self, node: Node, peers: Peers, keeping: Keeping) -> None:
        self._node, self._peers, self._keeping = node, peers, keeping
        config = node.config
        self.lines = [
            Line(each, node.log.key, config.server_name, self._known, node.log.vector)
            for each in config.thin_links
        ]
        self._of: dict[Link, Line] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Use the modems from now on."""
        for line in self.lines:
            self._tasks += [asyncio.ensure_future(line.run()), asyncio.ensure_future(self._serve(line))]

    async def close(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ways(self, record: Record) -> list[dict[str, Any]]:
        """The sites that get a record by radio now: whether they have it, and how long it may take."""
        found = []
        for link, line in self._of.items():
            if record.log.lane in LANES and self._gives(link, record.header.scope):
                has = link.has(record.log) >= record.header.seq
                left_s = 0.0 if has else line.air.send_s(line.waiting_bytes or limits.THIN_TEXT_BYTES)
                site = link.peer.details.site
                found.append({"site": site, "has": has, "reached": line.reached, "seconds": round(left_s, 1)})
        return found

    def cost(self) -> dict[str, Any] | None:
        """What sending costs where radio is in use: seconds of a text, and of a byte more."""
        for link, line in self._of.items():
            waits_s = line.air.send_s(line.waiting_bytes) if line.waiting_bytes else 0.0
            return {
                "site": link.peer.details.site,
                "reached": line.reached,
                "waits_s": round(waits_s, 1),
                "text_s": round(line.air.send_s(limits.THIN_TEXT_BYTES), 1),
                "byte_s": round(line.air.byte_s, 4),
            }
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """How each stands, for operators."""
        return [self._line_json(line) for line in self.lines]

    def to(self, node: bytes) -> dict[str, Any] | None:
        """How the line to a node stands; None: there is none."""
        for line in self.lines:
            if line.peer is not None and node_id(line.peer) == node:
                return self._line_json(line)
        return None

    def _line_json(self, line: Line) -> dict[str, Any]:
        peer = None if line.peer is None else self._peer(line.peer)
        heard_s = line.heard_s()
        return {
            "modem": line.link.text.partition("?")[0],
            "problem": line.problem or None,
            "site": None if peer is None else peer.details.site,
            "in_use": peer is not None and peer.node in self._peers.thin,
            "heard_ms": None if heard_s is None else self._node.now_ms() - int(1_000 * heard_s),
            "reached": line.reached,
            "bits_per_second": line.air.bits_per_second,
            "bytes_per_minute": line.air.bytes_per_minute,
            "frame_bytes": line.air.frame_bytes_max,
            "sent_bytes": line.station.sent_bytes,
            "heard_bytes": line.station.heard_bytes,
            "waiting_bytes": line.waiting_bytes,
            "text_s": round(line.air.send_s(limits.THIN_TEXT_BYTES), 1),
        }

    def _known(self, node: bytes) -> bytes | None:
        """The key of a node of this service that is not shut out."""
        certificate = self._node.certificate_of(node)
        if certificate is None or not certificate.public_key:
            return None
        revocations = self._node.context.authorities.revocations()
        if link_refusal(certificate, revocations, self._node.now_ms()) is not None:
            return None
        return certificate.public_key

    def _peer(self, public_key: bytes) -> Peer | None:
        peer = Peer(public_key, Details(self._node.config.server_name, "", "", "", __version__, "", ""))
        certificate = self._node.certificate_of(peer.node)
        if certificate is None:
            return None
        details = Details(
            self._node.config.server_name, certificate.site, certificate.role, "", "", "", certificate.text
        )
        return Peer(public_key, details)

    async def _serve(self, line: Line) -> None:
        """Run a link with whoever is at the other end, while nothing wider leads there."""
        said: tuple[int, bool] | None = None
        running: asyncio.Task[None] | None = None
        try:
            while True:
                changed = self._peers.changed
                line.told.clear()
                if line.peer is not None and said != (line.sessions, self._wired()):
                    said = (line.sessions, self._wired())
                    line.say(Wired(said[1]))
                peer = self._wanted(line)
                if running is None and peer is not None:
                    running = asyncio.ensure_future(self._run(line, peer))
                elif running is not None and peer is None:
                    line.end()
                await _first(changed.wait(), line.told.wait(), running)
                if running is not None and running.done():
                    running = None
        finally:
            if running is not None:
                running.cancel()

    def _wired(self) -> bool:
        """Whether a data centre is reached from here by something wider, or is here."""
        return self._node.config.role == CORE or any(link.is_core for link in self._peers.links.values())

    def _wanted(self, line: Line) -> Peer | None:
        """Whom to run a link with; None: nobody, or the same comes and goes by wire."""
        peer = None if line.peer is None else self._peer(line.peer)
        if peer is None or line.wired is None or self._peers.isolated:
            return None
        wider = peer.node in self._peers.links or (line.wired and self._wired())
        return None if wider or self._known(peer.node) is None else peer

    async def _run(self, line: Line, peer: Peer) -> None:
        link = Link(
            self._node.log,
            line.open(),
            peer,
            relays=True,
            acknowledged=self._peers.acknowledged,
            called=Calls(),
            over_fabric=False,
            gives=self._gives,
            lanes=LANES & self._peers.lanes,
            pace=THIN,
            is_counted=self._node.config.role == CORE,
        )
        self._of[link] = line
        self._peers.thin[peer.node] = link
        logger.info("linked by radio with site %s", peer.details.site)
        self._say_lacks(line)
        try:
            await link.run()
        finally:
            del self._of[link]
            self._peers.thin_ended(link)
            logger.info("the radio link with site %s is not used", peer.details.site)
        # One that ends at once is not begun again without a pause.
        await asyncio.sleep(1)

    def _say_lacks(self, line: Line) -> None:
        """Which bodies cannot be used here yet: records on them would hold back what stands behind them."""
        own = self._keeping.own
        scopes = self._node.log.withheld().scopes()
        lacking = frozenset(each for each in scopes if own is None or each in own.scopes)
        if len(lacking) <= limits.THIN_SCOPES_LACKING_MAX:
            line.say(Lacks(lacking))

    def _gives(self, link: Link, scope: bytes) -> bool:
        line = self._of.get(link)
        if line is None or line.lacks is None:
            return scope == SERVICE
        if scope in line.lacks:
            return False
        return link.is_core or self._keeping.interests.allows(link.peer.node, scope)


async def _first(*waits: "Coroutine[Any, Any, object] | asyncio.Task[None] | None") -> None:
    """Return when one of these has come; what was only waited for is let go."""
    tasks = [asyncio.ensure_future(each) for each in waits if each is not None]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task, each in zip(tasks, (each for each in waits if each is not None), strict=True):
            if task is not each:
                task.cancel()
