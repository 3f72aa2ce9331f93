"""The other nodes of the service: who is linked, what they have on disk, who is called when cut off."""

import asyncio
import logging
import os
import random
import ssl
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from bongsu import __version__, limits
from bongsu.bearer.frame import Unreadable
from bongsu.bearer.hello import Details, Peer
from bongsu.bearer.link import Channel, ChannelClosed, Link, begin
from bongsu.bearer.websocket import dial
from bongsu.log.record import LogName, Record
from bongsu.node import Node

logger = logging.getLogger(__name__)


class Calls:
    """What peers may ask and tell, by topic. Parts of the node add theirs before it is linked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Link, bytes], Awaitable[bytes | None]]] = {}
        self.news: dict[str, Callable[[Link, bytes], None]] = {}

    async def asked(self, link: Link, topic: str, body: bytes) -> bytes | None:
        """The answer of whoever knows the topic; a later release's topics get none."""
        answer = self.answers.get(topic)
        return None if answer is None else await answer(link, body)

    def told(self, link: Link, topic: str, body: bytes) -> None:
        """Hand news to whoever knows the topic."""
        take = self.news.get(topic)
        if take is not None:
            take(link, body)


class Peers:
    """The links of one node: dialled here, accepted by the listener for nodes, or met on NATS."""

    def __init__(self, node: Node, refused: Callable[[Peer], str | None]) -> None:
        """`refused` says in a sentence why a peer that proved its key may have no link, or None."""
        self._node = node
        self._refused = refused
        config = node.config
        self._details = Details(
            service=config.server_name,
            site=config.site,
            role=config.role,
            base_url=config.base_url,
            release=__version__,
            session=os.urandom(8).hex(),
            certificate="",
        )
        self.calls = Calls()
        self.links: dict[bytes, Link] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        node.committed_listeners.append(self._committed)

    def start(self, urls: Iterable[str], context: ssl.SSLContext | None) -> None:
        """Call these nodes, again and again where they do not answer."""
        for url in urls:
            task = asyncio.ensure_future(self._keep_calling(url, context))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

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
        try:
            peer = await begin(channel, self._node.log, self._details, os.urandom(32))
        except (ChannelClosed, TimeoutError):
            await channel.close()
            return None
        except Unreadable as error:
            logger.warning("a link was refused: %s", error)
            await channel.close()
            return None
        sentence = self._refused(peer)
        if sentence is not None:
            logger.warning("a link from site %s was refused: %s", peer.details.site, sentence)
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
            acknowledged=self._acknowledged,
            called=self.calls,
            over_fabric=fabric,
        )
        self.links[peer.node] = link
        logger.info("linked with site %s", peer.details.site)
        self._sites_changed()
        try:
            await link.run()
        finally:
            if self.links.get(peer.node) is link:
                del self.links[peer.node]
                logger.info("the link with site %s is cut", peer.details.site)
                self._sites_changed()
        return peer

    def _replaces(self, before: Link, peer: Peer, *, called: bool, fabric: bool) -> bool:
        """Whether a new link with a peer takes the place of the one there is: the same on both sides."""
        if before.peer.details.session != peer.details.session or fabric:
            return True
        return not before.over_fabric and called == (self._node.log.key.node < peer.node)

    def of_other_sites(self) -> list[Link]:
        """Links with core nodes of other sites, whose disks make a promise."""
        return [link for link in self.links.values() if self._counts(link.peer)]

    def tell(self, topic: str, body: bytes) -> None:
        """Tell every linked node what need not arrive."""
        for link in self.links.values():
            link.tell(topic, body)

    def sites_with(self, log: LogName, seq: int) -> set[str]:
        """The names of the sites known to have a record on disk, this one included."""
        sites = {link.peer.details.site for link in self.links.values() if link.has(log) >= seq}
        return sites | {self._node.config.site}

    def _committed(self, records: list[Record]) -> None:
        if self.links:
            logs = {record.log for record in records}
            for link in self.links.values():
                link.advanced(logs)

    def _counts(self, peer: Peer) -> bool:
        """Whether this peer's disk makes a promise of two sites."""
        return peer.details.role == "core" and peer.details.site != self._node.config.site

    def _acknowledged(self, link: Link, log: LogName, seq: int) -> None:
        if self._counts(link.peer):
            self._node.promises.acknowledged(log, seq)
            self._node.release()

    def _sites_changed(self) -> None:
        if any(self._counts(link.peer) for link in self.links.values()):
            self._node.promises.somebody()
        else:
            self._node.promises.nobody()
            self._node.release()
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_calling(self, url: str, context: ssl.SSLContext | None) -> None:
        wait_s = 0.2
        while True:
            with suppress(ChannelClosed):
                peer = await self.serve(await dial(url, context), called=True)
                if peer is not None:
                    wait_s = 0.2
                    await self._while_linked(peer.node)
            # Jitter, so that many nodes do not call one that comes back in the same moment.
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311
            wait_s = min(2 * wait_s, limits.LINK_RETRY_S_MAX)

    async def _while_linked(self, node: bytes) -> None:
        while node in self.links:
            await self._changed.wait()
