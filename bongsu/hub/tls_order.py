"""Certificates by replication: a hub asks, a data centre has its program order, the answer comes back."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from bongsu import drafts, limits
from bongsu.authority import CORE, HUB
from bongsu.errors import MatrixError
from bongsu.files import write_whole
from bongsu.hook import HookFailed, run_hook
from bongsu.hub import tls
from bongsu.hub.tls import Unusable
from bongsu.hub.tls_ends import TLS_CERTIFICATE
from bongsu.live.background import Background
from bongsu.node import Node
from bongsu.peers import Peers
from bongsu.speakers import TLS_REQUEST
from bongsu.view import registers
from bongsu.view.changes import Changes

logger = logging.getLogger(__name__)


def hub_host(site: str, server_name: str) -> str:
    """The one name a hub gets a certificate for: its site, which the root key signed, in the service's."""
    return f"{site}.{server_name.partition(':')[0]}"


class TlsAsker:
    """At a hub: says its request, and puts what came for it in place. `reload`: listen by the new one."""

    def __init__(self, node: Node, folder: Path, reload: Callable[[], None]) -> None:
        self._node, self._folder, self._reload = node, folder, reload
        self._key = node.log.key.node.hex()
        self._taken = ""

    async def start(self) -> None:
        """Say the request, where it is another than was said, and listen for the answer."""
        host = urlsplit(self._node.config.base_url).hostname or ""
        said = registers.get(self._node.context, TLS_REQUEST, "", "", self._key)
        try:
            now = tls.read_request(tls.make_request(self._folder, host))
            before = tls.read_request(said.get("request")) if isinstance(said, dict) else None
        except Unusable:
            before = None
        if before != now:
            value = {"request": tls.make_request(self._folder, host)}
            await _write(self._node, TLS_REQUEST, self._key, value)
        self._node.listeners.append(self._look)
        self._look(None)

    def _look(self, _: Changes | None) -> None:
        said = registers.get(self._node.context, TLS_CERTIFICATE, "", "", self._key)
        text = said.get("certificate") if isinstance(said, dict) else None
        if not isinstance(text, str) or text == self._taken:
            return
        self._taken = text
        path = self._folder / "certificate.pem"
        try:
            request = tls.read_request(
                tls.make_request(self._folder, urlsplit(self._node.config.base_url).hostname or "")
            )
            tls.check_chain(tls.read_chain(text), request, self._node.now_ms())
        except Unusable as error:
            logger.warning("a certificate came for this hub's address that cannot be used: %s", error)
            return
        if path.read_text(encoding="ascii") != text:
            write_whole(path, text.encode("ascii"))
            logger.info("a certificate for this hub's address came, and is in use")
            self._reload()


class TlsOrders(Background):
    """At a data centre: has the operator's program order what hubs ask for. One order at a time."""

    def __init__(self, node: Node, peers: Peers, hook: Path) -> None:
        self._node, self._peers, self._hook = node, peers, hook
        super().__init__(self._run)
        self._news = asyncio.Event()
        # Since when a hub's certificate is due, and when it is tried again, by this node's clock.
        self._due_s: dict[str, float] = {}
        self._again_s: dict[str, float] = {}

    def start(self) -> None:
        """Begin to look, now and whenever something was said."""
        self._node.listeners.append(lambda _: self._news.set())
        super().start()

    async def _run(self) -> None:
        context, clock = self._node.context, self._node.clock
        position, all_s = 0, clock.monotonic()
        while True:
            self._news.clear()
            # Of all of them once in a while; in between of those that are new, which costs next to nothing.
            asked = registers.since(context, TLS_REQUEST, "", "", position)
            if clock.monotonic() >= all_s:
                asked = registers.under(context, TLS_REQUEST, "", "")
                all_s = clock.monotonic() + limits.TLS_LOOK_S
            position = self._node.position
            for key, _ in asked:
                await self._look(key)
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.TLS_LOOK_S):
                    await self._news.wait()
            await asyncio.sleep(limits.TLS_PAUSE_S)

    async def _look(self, key: str) -> None:
        """Order for one hub, if that is due and it is this node's turn."""
        try:
            request, text = self._request(key)
        except Unusable as error:
            if key not in self._due_s:
                logger.warning("no certificate is ordered for hub %s: %s", key, error)
            self._due_s[key] = self._node.clock.monotonic()
            return
        if not self._is_due(key, request):
            self._due_s.pop(key, None)
            return
        now = self._node.clock.monotonic()
        turn_s = self._due_s.setdefault(key, now) + self._rank() * limits.TLS_TURN_S
        if now < max(turn_s, self._again_s.get(key, 0.0)):
            return
        self._again_s[key] = now + limits.TLS_AGAIN_S
        try:
            chain = await self._order(text, request)
            ends_ms = tls.read_chain(chain).ends_ms
            tls.check_chain(tls.read_chain(chain), request, self._node.now_ms())
            await _write(self._node, TLS_CERTIFICATE, key, {"certificate": chain, "ends": ends_ms})
        except (Unusable, OSError) as error:
            logger.error("the certificate for %s was not ordered: %s", ", ".join(request.names), error)
            return
        logger.info("the certificate for %s is on its way to its hub", ", ".join(request.names))

    def _request(self, key: str) -> tuple[tls.Request, str]:
        """A hub's request.

        Raises:
            Unusable: it is no hub of this service, or asks for a name that is not its own.
        """
        said = registers.get(self._node.context, TLS_REQUEST, "", "", key)
        text = said.get("request") if isinstance(said, dict) else None
        node = bytes.fromhex(key)
        certificate = self._node.certificate_of(node)
        if certificate is None or certificate.role != HUB:
            raise Unusable("who asks is no hub of this service")
        if node in self._node.context.authorities.revocations():
            raise Unusable("it is revoked")
        request = tls.read_request(text)
        host = hub_host(certificate.site, self._node.config.server_name)
        if request.names != (host,):
            raise Unusable(f"it asks for {', '.join(request.names)}, and its name is {host}")
        return request, str(text)

    def _is_due(self, key: str, request: tls.Request) -> bool:
        said = registers.get(self._node.context, TLS_CERTIFICATE, "", "", key)
        try:
            chain = tls.read_chain(said.get("certificate") if isinstance(said, dict) else None)
            tls.check_chain(chain, request, self._node.now_ms())
        except Unusable:
            return True
        return chain.is_due(self._node.now_ms())

    def _rank(self) -> int:
        """How many linked core nodes come before this one: they may have a program too, and order first."""
        own = self._node.log.key.node
        return sum(
            each.role == CORE and each.node in self._peers.links and each.node < own
            for each in self._node.context.authorities.certificates()
        )

    async def _order(self, text: str, request: tls.Request) -> str:
        """Run the program.

        Raises:
            Unusable: it failed, or took too long. OSError: it cannot be run.
        """
        try:
            said = await run_hook(self._hook, tuple(request.names), text.encode(), limits.TLS_ORDER_S)
        except HookFailed as error:
            raise Unusable(str(error)) from None
        return said.decode(errors="replace")


async def _write(node: Node, family: str, key: str, value: Mapping[str, object]) -> None:
    stamp = registers.stamp_after(node.context, node.now_ms(), family, "", "", key)
    with suppress(MatrixError):  # the disk is nearly full: later
        await node.write(drafts.register(family, "", "", key, value, stamp))
