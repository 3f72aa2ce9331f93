"""The NATS bearer: links between core nodes over the fabric, found by beacons. DESIGN 6. It keeps nothing."""

import asyncio
import logging
import math
import os
import ssl
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from bongsu import limits
from bongsu.bearer.link import Channel, ChannelClosed

logger = logging.getLogger(__name__)

ID_BYTES = 8
NOBODY = bytes(ID_BYTES)
# A beacon meets the same permissions every LINK_BEAT_S.
REFUSED_S = 3 * limits.LINK_BEAT_S


class _Circuit:
    """A channel over subjects: each end has a number for it, and every message says both."""

    end_point = b""

    def __init__(self, fabric: "Fabric", peer: str, theirs: bytes) -> None:
        self.peer = peer
        self.ours = os.urandom(ID_BYTES)
        self.theirs = theirs
        self._fabric = fabric
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue(limits.FABRIC_QUEUE_MAX)
        self.closed = False
        self._reason = ""

    def arrived(self, raw: bytes | None, reason: str = "") -> None:
        """A message for this end; None: the other end is gone, for this reason."""
        if raw is None or self._arrived.full():
            # A queue that is full is a peer beyond its window: the link begins anew.
            self._reason = reason if raw is None else "more came over the fabric than is taken"
            self.closed = True
            raw = None
            while self._arrived.full():
                self._arrived.get_nowait()
        self._arrived.put_nowait(raw)

    async def send(self, raw: bytes) -> None:
        if self.closed:
            raise ChannelClosed(self._reason)
        await self._fabric.publish(self.peer, self.ours + self.theirs + raw)

    async def receive(self) -> bytes:
        raw = await self._arrived.get()
        if raw is None:
            self._arrived.put_nowait(None)
            raise ChannelClosed(self._reason)
        return raw

    async def close(self) -> None:
        self._fabric.forget(self)
        if not self.closed:
            self.closed = True
            self.arrived(None, "cut from this side")
            try:
                await self._fabric.publish(self.peer, self.ours + self.theirs)
            except ChannelClosed:
                return


class Fabric:
    """One node's connection to NATS. `met` runs a link over a channel until it ends."""

    def __init__(self, service: str, node: bytes, met: Callable[[Channel], Awaitable[object]]) -> None:
        self.client = Client()
        self._prefix = f"bongsu.{sha256(service.encode()).hexdigest()[:16]}"
        self._node = node.hex()
        self._met = met
        self._circuits: dict[bytes, _Circuit] = {}
        self._with: dict[str, _Circuit] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused_s = -math.inf

    def start(self, urls: Sequence[str], context: ssl.SSLContext | None) -> None:
        """Connect, now or whenever a server can be reached, and stay connected."""
        self._spawn(self._run(list(urls), context))

    async def stop(self) -> None:
        """Leave the fabric."""
        for circuit in list(self._circuits.values()):
            await circuit.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.client.is_connected:
            await self.client.close()

    @property
    def connected(self) -> bool:
        """Whether a server of the fabric is there at this moment."""
        return self.client.is_connected

    @property
    def refused(self) -> bool:
        """Whether the servers' permissions are not those of this node; links go over HTTPS meanwhile."""
        return asyncio.get_running_loop().time() - self._refused_s < REFUSED_S

    async def publish(self, peer: str, raw: bytes) -> None:
        """Send to one node.

        Raises:
            ChannelClosed: the fabric is not there.
        """
        if not self.client.is_connected:
            raise ChannelClosed("the fabric is not there")
        try:
            await self.client.publish(f"{self._prefix}.to.{peer}.{self._node}", raw)
        except NatsError as error:
            raise ChannelClosed(f"the fabric did not take it: {error}") from error

    def forget(self, circuit: _Circuit) -> None:
        """A channel has ended."""
        self._circuits.pop(circuit.ours, None)
        if self._with.get(circuit.peer) is circuit:
            del self._with[circuit.peer]

    async def _run(self, urls: list[str], context: ssl.SSLContext | None) -> None:
        while True:
            await self._connect(urls, context)
            to_this_node = f"{self._prefix}.to.{self._node}.*"
            bound = limits.FABRIC_PENDING_BYTES
            await self.client.subscribe(to_this_node, cb=self._arrived, pending_bytes_limit=bound)
            await self.client.subscribe(f"{self._prefix}.beacon.*", cb=self._beacon)
            # The client comes back by itself, except from a server that has put it out.
            while not self.client.is_closed:
                if self.client.is_connected:
                    try:
                        await self.client.publish(f"{self._prefix}.beacon.{self._node}", b"")
                    except NatsError as error:
                        logger.debug("a beacon was not sent: %s", error)
                await asyncio.sleep(limits.LINK_BEAT_S)
            logger.warning("NATS has put this node out; it is tried again. Links go over HTTPS meanwhile")

    async def _connect(self, urls: list[str], context: ssl.SSLContext | None) -> None:
        while True:
            try:
                await self.client.connect(
                    urls,
                    tls=context,
                    # The own site's server is the first of the list.
                    dont_randomize=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    connect_timeout=limits.LINK_BEGIN_S,
                    ping_interval=limits.LINK_SILENCE_S,
                    max_outstanding_pings=2,
                    error_cb=self._troubled,
                )
            except (NatsError, OSError, TimeoutError) as error:
                logger.info("NATS cannot be reached (%s); links go over HTTPS meanwhile", error)
                await asyncio.sleep(1)
            else:
                return

    async def _troubled(self, error: Exception) -> None:
        said = str(error) or type(error).__name__
        if "permissions violation" not in said.lower():
            logger.info("NATS: %s", said)
            return
        # Once: every beacon meets the same.
        if not self.refused:
            logger.warning(
                "NATS refuses this node (%s). In nats.conf of every site, give the user of its certificate"
                " the subjects of node %s. Links go over HTTPS meanwhile",
                said,
                self._node,
            )
        self._refused_s = asyncio.get_running_loop().time()

    async def _beacon(self, message: Msg) -> None:
        """Somebody is there. The node with the smaller name begins, so that there is one channel a pair."""
        peer = message.subject.rpartition(".")[2]
        if peer > self._node and peer not in self._with:
            self._begin(peer, NOBODY)

    async def _arrived(self, message: Msg) -> None:
        peer = message.subject.rpartition(".")[2]
        theirs, ours = message.data[:ID_BYTES], message.data[ID_BYTES : 2 * ID_BYTES]
        raw = message.data[2 * ID_BYTES :]
        if len(ours) < ID_BYTES:
            return
        circuit = self._circuits.get(ours)
        if ours == NOBODY and raw:
            before = self._with.get(peer)
            if before is not None:
                before.arrived(None, "the peer began anew")
            circuit = self._begin(peer, theirs)
        if circuit is None or circuit.peer != peer:
            return
        if circuit.theirs == NOBODY:
            circuit.theirs = theirs
        circuit.arrived(raw or None, "the peer cut it")

    def _begin(self, peer: str, theirs: bytes) -> _Circuit:
        circuit = _Circuit(self, peer, theirs)
        self._circuits[circuit.ours] = circuit
        self._with[peer] = circuit
        self._spawn(self._meet(circuit))
        return circuit

    async def _meet(self, circuit: _Circuit) -> None:
        try:
            await self._met(circuit)
        finally:
            await circuit.close()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
