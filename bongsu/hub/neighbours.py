"""Neighbours on a LAN: this node says where it takes links, and calls others of its service. DESIGN 7."""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from ipaddress import ip_address

from ifaddr import get_adapters
from zeroconf import Error as ZeroconfError
from zeroconf import IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from bongsu import limits
from bongsu.bearer.websocket import bound
from bongsu.hub.announcement import AUTHORITY, BOUND, PLAIN, TYPE, Announcement, Found, found, service_of
from bongsu.node import Node
from bongsu.peers import Peers

logger = logging.getLogger(__name__)


class Neighbours:
    """Calls each neighbour for as long as it is announced."""

    def __init__(self, node: Node, peers: Peers, context: ssl.SSLContext | None) -> None:
        config = node.config
        self._peers = peers
        self._context = context
        scheme = PLAIN if config.peer_plain else BOUND if config.peer_tls is None else AUTHORITY
        self._own = Announcement(service_of(config.server_name), node.log.key.node.hex(), scheme)
        self._listen = config.peer_listen
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._calls: dict[str, tuple[Found, asyncio.Task[None] | None]] = {}
        self._looks: set[asyncio.Task[None]] = set()

    async def start(self, interfaces: Sequence[str] | None = None) -> None:
        """Announce and look from now on. Without a network there is nobody, and that is no fault.

        `interfaces`: addresses of this machine; without them, those that `peer_listen` names.
        """
        chosen = _interfaces(self._listen) if interfaces is None else list(interfaces)
        try:
            self._zeroconf = AsyncZeroconf(interfaces=chosen, ip_version=IPVersion.V4Only)
            if self._listen is not None:
                await self._zeroconf.async_register_service(self._info(chosen, self._listen))
            self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, TYPE, handlers=[self._heard])
        except (OSError, ZeroconfError) as error:
            logger.warning("neighbours on the LAN cannot be looked for: %s", error)
            await self.close()

    async def close(self) -> None:
        """Say goodbye, so that others stop calling."""
        for task in (*self._looks, *(task for _, task in self._calls.values() if task is not None)):
            task.cancel()
        if self._browser is not None:
            await self._browser.async_cancel()
        if self._zeroconf is not None:
            await self._zeroconf.async_close()
        self._browser = self._zeroconf = None

    def _info(self, interfaces: list[str], listen: str) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            TYPE,
            self._own.name,
            port=int(listen.rpartition(":")[2]),
            parsed_addresses=interfaces,
            properties=self._own.properties,
            server=f"{self._own.node}.local.",
        )

    def _heard(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change == ServiceStateChange.Removed:
            self._forget(name)
            return
        if len(self._looks) < limits.NEIGHBOURS_MAX:
            task = asyncio.ensure_future(self._look(zeroconf, name))
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _look(self, zeroconf: Zeroconf, name: str) -> None:
        info = AsyncServiceInfo(TYPE, name)
        if not await info.async_request(zeroconf, limits.NEIGHBOUR_MS):
            return
        other = found(self._own, info.properties, info.parsed_addresses(), info.port)
        known = self._calls.get(name)
        if other is None or (known is not None and known[0] == other):
            return
        self._forget(name)
        if len(self._calls) < limits.NEIGHBOURS_MAX:
            self._calls[name] = other, self._call(other)

    def _call(self, other: Found) -> asyncio.Task[None] | None:
        """Call a neighbour; None: nothing leads there but plain text, or it is the one that has to call."""
        if other.scheme == BOUND or other.scheme == self._own.scheme:
            logger.info("a neighbour on the LAN takes links at %s", other.url)
            return self._peers.call(other.url, bound() if other.scheme == BOUND else self._context)
        if other.scheme == PLAIN:
            self._peers.plain.add(other.node)
            logger.warning(
                "node %s on the LAN (%s) takes links in plain text alone, and is not called: upgrade it to "
                "this release, and leave out its setting peer_plain",
                other.node.hex(),
                other.url,
            )
        return None

    def _forget(self, name: str) -> None:
        known = self._calls.pop(name, None)
        if known is None:
            return
        other, calling = known
        self._peers.plain.discard(other.node)
        if calling is not None:
            # A link that is up stays; only nobody is called at the old address any more.
            calling.cancel()


def _interfaces(listen: str | None) -> list[str]:
    """The addresses of this machine that others reach the listener at."""
    host = "0.0.0.0" if listen is None else listen.rpartition(":")[0].strip("[]")  # noqa: S104
    try:
        address = ip_address(host)
    except ValueError:
        address = ip_address("127.0.0.1")
    if not address.is_unspecified:
        return [str(address)]
    found = {each.ip for adapter in get_adapters() for each in adapter.ips}
    return sorted(each for each in found if isinstance(each, str) and not ip_address(each).is_loopback)
