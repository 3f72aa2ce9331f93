"""The other nodes of the service: who is linked, what they have on disk, who is called when cut off."""

import asyncio
import logging
import os
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from bongsu import __version__, limits
from bongsu.authority import link_refusal, read_certificate
from bongsu.bearer.exchange import EVERY_LANE
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.hello import Details, Peer
from bongsu.bearer.link import CORE, Channel, ChannelClosed, Link, begin
from bongsu.bearer.websocket import dial
from bongsu.elsewhere import VECTOR, Elsewhere, answer_vector
from bongsu.errors import MatrixError
from bongsu.log.record import Lane, LogName, Record, scope_id
from bongsu.log.store import Damaged
from bongsu.node import Node
from bongsu.view.cache import Cache
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)


Dial = Callable[[str, ssl.SSLContext | None], Awaitable[Channel]]


class Calls:
    """What peers may ask and tell, by topic. Parts of the node add theirs before it is linked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Link, bytes], Awaitable[bytes | None]]] = {}
        self.news: dict[str, Callable[[Link, bytes], None]] = {}

    async def asked(self, link: Link, topic: str, body: bytes) -> bytes | None:
        """The answer of whoever knows the topic; a later release's topics get none, nor who is shut out."""
        answer = self.answers.get(topic) if link.parting_at is None else None
        return None if answer is None else await answer(link, body)

    def told(self, link: Link, topic: str, body: bytes) -> None:
        """Hand news to whoever knows the topic."""
        take = self.news.get(topic)
        if take is not None:
            take(link, body)


class Peers:
    """The links of one node: dialled here, accepted by the listener for nodes, or met on NATS."""

    def __init__(self, node: Node) -> None:
        self._node = node
        # Which process this is, to peers.
        self.session = os.urandom(8).hex()
        self.calls = Calls()
        self.calls.answers[VECTOR] = answer_vector(node)
        self._met: Cache[tuple[str, str], float] = Cache(20_000)
        self.links: dict[bytes, Link] = {}
        self.elsewhere = Elsewhere(node, self.links)
        # Links by radio, with nodes that no other link reaches: text and alerts, and nothing else.
        self.thin: dict[bytes, Link] = {}
        # Told of a link before it says anything, and after its end.
        self.began: list[Callable[[Link], None]] = []
        self.ended: list[Callable[[Link], None]] = []
        # Whether a peer gets the bodies of a scope.
        self.gives: Callable[[Link, bytes], bool] = lambda link, scope: True
        # Nodes on the LAN that say that they take links in plain text alone, so that they are not called.
        self.plain: set[bytes] = set()
        # What is exchanged; a hub whose battery is low leaves the rest for later.
        self.lanes: frozenset[Lane] = EVERY_LANE
        # When the link with a node was made or cut last, in milliseconds since 1970: for operators.
        self.changed_ms: dict[bytes, int] = {}
        self.started_ms = node.now_ms()
        self.started_at = node.position
        # Up to where a peer was known to have each log when the link with it was cut last.
        self._had: dict[bytes, dict[LogName, int]] = {}
        # Whether another core site was linked since the start.
        self._was_linked = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        # For a drill: no link is made while it is so.
        self._isolated = False
        self._off_fabric = False
        node.committed_listeners.append(self._committed)
        node.listeners.append(self._applied)

    def start(self, urls: Iterable[str], context: ssl.SSLContext | None, dial: Dial = dial) -> None:
        """Call these nodes, again and again where they do not answer."""
        for url in urls:
            self.call(url, context, dial)

    def call(self, url: str, context: ssl.SSLContext | None, dial: Dial = dial) -> asyncio.Task[None]:
        """Call one node, again and again where it does not answer, until the task is cancelled."""
        task = asyncio.ensure_future(self._keep_calling(url, context, dial))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def drained(self) -> None:
        """Wait, within a bound, until another core site has all that this node wrote."""
        own = [held for log, held in self._node.log.held().items() if log.node == self._node.log.key.node]
        deadline = asyncio.get_running_loop().time() + limits.DRAIN_S
        while links := self.of_other_sites():
            lacking = any(all(link.has(held.log) < held.seq for link in links) for held in own)
            if not lacking or asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(limits.DRAIN_LOOK_S)

    async def stop(self) -> None:
        """Cut every link and call nobody any more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for link in list(self.links.values()):
            link.end()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def meet(self, channel: Channel) -> Peer | None:
        """Run a link with a node met on the fabric. It takes the place of one over HTTPS."""
        return await self._serve(channel, called=False, fabric=True)

    async def serve(self, channel: Channel, *, called: bool = False) -> Peer | None:
        """Run one link from its beginning to its end; who it was, None if it never began.

        `called`: this node called. Of two links that two nodes made to each other at once, the one that the
        node with the smaller name called stays.
        """
        return await self._serve(channel, called=called, fabric=False)

    async def _serve(self, channel: Channel, *, called: bool, fabric: bool) -> Peer | None:
        if self._isolated or (fabric and self._off_fabric):
            await channel.close()
            return None
        try:
            peer = await begin(channel, self._node.log, self._details(), os.urandom(32))
            peer = self._certified(peer)
        except (ChannelClosed, TimeoutError):
            await channel.close()
            return None
        except Unreadable as error:
            logger.warning("a link was refused: %s", error)
            await channel.close()
            return None
        if self._isolated or (fabric and self._off_fabric):
            # It began while the handshake was under way.
            await channel.close()
            return None
        before = self.links.get(peer.node)
        if before is not None and not self._replaces(before, peer, called=called, fabric=fabric):
            await channel.close()
            return peer
        if before is not None:
            before.end()
        link = Link(
            self._node.log,
            channel,
            peer,
            relays=peer.details.role == "hub" or self._node.config.role == "hub",
            acknowledged=self.acknowledged,
            called=self.calls,
            over_fabric=fabric,
            gives=lambda link, scope: self.gives(link, scope),
            lanes=self.lanes,
            is_counted=self._node.config.role == CORE,
            has_room=self._has_room,
        )
        self.links[peer.node] = link
        self.changed_ms[peer.node] = self._node.now_ms()
        logger.info("linked with site %s", peer.details.site)
        self._sites_changed()
        for begin_with in self.began:
            begin_with(link)
        try:
            await link.run()
        finally:
            for end_with in self.ended:
                end_with(link)
            if self.links.get(peer.node) is link:
                del self.links[peer.node]
                self._had[peer.node] = {log: link.has(log) for log in self._node.log.held()}
                self.changed_ms[peer.node] = self._node.now_ms()
                logger.info("the link with site %s is cut: %s", peer.details.site, link.ended_by)
                self._sites_changed()
        return peer

    def _details(self) -> Details:
        config = self._node.config
        certificate = self._node.certificate_of(self._node.log.key.node)
        return Details(
            service=config.server_name,
            site=config.site,
            role=config.role,
            base_url=config.base_url,
            release=__version__,
            session=self.session,
            certificate="" if certificate is None else certificate.text,
        )

    def _certified(self, peer: Peer) -> Peer:
        """The peer as its certificate has it, whatever it says of itself.

        Raises:
            Unreadable: it has no certificate of the root key, or that has ended.
        """
        authorities = self._node.context.authorities
        if authorities.root_key is None:
            raise Unreadable("this node has no root key to know a peer by; give the setting root_key")
        try:
            certificate = read_certificate(authorities.root_key, peer.details.certificate)
        except MatrixError as error:
            raise Unreadable(f"node {peer.node.hex()}: {error.error}") from error
        if certificate.node != peer.node:
            raise Unreadable(f"node {peer.node.hex()} shows the certificate of another")
        refusal = link_refusal(certificate, authorities.revocations(), self._node.now_ms())
        if refusal is not None:
            raise Unreadable(refusal)
        return Peer(peer.public_key, replace(peer.details, role=certificate.role, site=certificate.site))

    def _replaces(self, before: Link, peer: Peer, *, called: bool, fabric: bool) -> bool:
        """Whether a new link with a peer takes the place of the one there is: the same on both sides."""
        if before.peer.details.session != peer.details.session or fabric:
            return True
        return not before.over_fabric and called == (self._node.log.key.node < peer.node)

    @property
    def changed(self) -> asyncio.Event:
        """Set when a link is made or cut next."""
        return self._changed

    def of_other_sites(self) -> list[Link]:
        """Links with core nodes of other sites, whose disks make a promise."""
        return [link for link in self.links.values() if self._counts(link.peer)]

    def is_least_of_core(self) -> bool:
        """Whether no linked core node has a lesser name: of several, one does what is to be done once."""
        core = [name for name, link in self.links.items() if link.is_core]
        return self._node.log.key.node < min(core, default=b"\xff")

    def set_lanes(self, lanes: frozenset[Lane]) -> None:
        """Exchange these from now on: every link begins anew."""
        if lanes != self.lanes:
            self.lanes = lanes
            for link in self.links.values():
                link.end()

    def isolate(self, *, on: bool) -> None:
        """For a drill: be cut off from every other node, or no longer. Clients still reach this one."""
        self._isolated = on
        if on:
            for link in (*self.links.values(), *self.thin.values()):
                link.end()

    def leave_fabric(self, *, on: bool) -> None:
        """For a drill: have no link over the fabric, or have them again. Those over HTTPS stay."""
        self._off_fabric = on
        if on:
            for link in self.links.values():
                if link.over_fabric:
                    link.end()

    @property
    def isolated(self) -> bool:
        """Whether a drill has this node cut off."""
        return self._isolated

    def tell(self, topic: str, body: bytes, scope: str) -> None:
        """Tell every linked node that is given this scope what need not arrive."""
        for link in self.links.values():
            if link.parting_at is None and self.gives(link, scope_id(scope)):
                link.tell(topic, body)

    async def met(self, user_id: str, device_id: str) -> None:
        """A device asks here for the first time, or after a pause: it may come from another site."""
        if not self.links:
            return
        now = self._node.clock.monotonic()
        before = self._met.get((user_id, device_id))
        self._met.put((user_id, device_id), now)
        if before is None or now - before > limits.DEVICE_PAUSE_S:
            await self.elsewhere.catch_up()

    def had(self, name: bytes, log: LogName) -> int:
        """Up to which seq a node is known to have a log: now, or when it was linked last since the start."""
        link = self.links.get(name) or self.thin.get(name)
        return self._had.get(name, {}).get(log, 0) if link is None else link.has(log)

    def thin_ended(self, link: Link) -> None:
        """A link by radio has ended."""
        node = link.peer.node
        if self.thin.get(node) is link:
            del self.thin[node]
            self._had[node] = {log: link.has(log) for log in self._node.log.held()}

    def sites_with(self, log: LogName, seq: int) -> set[str]:
        """The names of the sites known to have a record on disk, this one included."""
        links = (*self.links.values(), *self.thin.values())
        sites = {link.peer.details.site for link in links if link.has(log) >= seq}
        return sites | {self._node.config.site}

    def _committed(self, records: list[Record]) -> None:
        if self.links or self.thin:
            logs = {record.log for record in records}
            for link in (*self.links.values(), *self.thin.values()):
                link.advanced(logs)

    def _applied(self, _: Changes) -> None:
        """Let peers give on, and part with nodes that were revoked meanwhile: their links began before."""
        if self._has_room():
            for link in self.links.values():
                link.shown()
        revocations = self._node.context.authorities.revocations()
        for link in (*self.links.values(), *self.thin.values()) if revocations else ():
            if link.peer.node in revocations and link.parting_at is None:
                link.parting_at = self._node.log.head_position
                logger.warning("node %s is revoked: the link with it ends", link.peer.node.hex())
                # Not at once: a node that was shut out by mistake hears of it by this link or never.
                asyncio.get_running_loop().call_later(limits.PARTING_S, link.end)

    def _has_room(self) -> bool:
        """Whether a peer may give more: what is written here is shown behind all that came before."""
        return self._node.log.head_position - self._node.position <= limits.UNSHOWN_RECORDS_MAX

    def _counts(self, peer: Peer) -> bool:
        """Whether this peer's disk makes a promise of two sites."""
        return peer.details.role == "core" and peer.details.site != self._node.config.site

    def acknowledged(self, link: Link, log: LogName, seq: int) -> None:
        """A peer has a log on disk up to there."""
        if self._counts(link.peer):
            self._node.promises.acknowledged(log, seq)
            self._node.release()

    def _sites_changed(self) -> None:
        if self.of_other_sites():
            self._node.promises.somebody()
            self._was_linked = True
        elif self._was_linked:
            # Not at once: where the fabric is gone the next link is up before.
            asyncio.get_running_loop().call_later(limits.LINKLESS_S, self._nobody)
        else:
            self._nobody()
        self._changed.set()
        self._changed = asyncio.Event()

    def _nobody(self) -> None:
        """Wait for no other site any more, if none was linked meanwhile."""
        if not self.of_other_sites():
            self._node.promises.nobody()
            with suppress(Damaged):  # the node has said that it stops
                self._node.release()

    async def _keep_calling(self, url: str, context: ssl.SSLContext | None, dial: Dial) -> None:
        wait_s, said = 0.2, ""
        while True:
            try:
                peer = await self.serve(await dial(url, context), called=True)
                if peer is not None:
                    wait_s, said = limits.LINK_AGAIN_S, ""
                    await self._while_linked(peer.node)
            except ChannelClosed as error:
                # Once for each reason: it may go on for days.
                if said != str(error):
                    said = str(error)
                    logger.warning("%s cannot be called: %s", url, said)
            # Jitter, so that many nodes do not call one that comes back in the same moment.
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311
            wait_s = min(2 * wait_s, limits.LINK_RETRY_S_MAX)

    async def _while_linked(self, node: bytes) -> None:
        while node in self.links:
            await self._changed.wait()
